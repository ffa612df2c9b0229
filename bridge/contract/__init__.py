"""The contract: the catalogue written out for front ends and tools, as TypeScript, AsyncAPI and JSON Schema.

Nothing about an event is said here; all of it is read off the catalogue, so the contract cannot differ from the wire.
"""
