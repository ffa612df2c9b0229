"""Tables: the schema of the journal, and how models become rows and come back."""
