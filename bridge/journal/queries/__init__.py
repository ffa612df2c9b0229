"""Queries: what can be looked up in the journal. They read through connections of their own and write nothing."""
