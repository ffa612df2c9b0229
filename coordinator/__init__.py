"""What payments are and what follows when somebody sees one move.

Pure functions over frozen models: no I/O, and no clock but the one passed in.
"""
