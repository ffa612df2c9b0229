"""PyYAML, attrs and pdb come with Litestar, for formats that the routes do not have and for its debugger. They are
put off here until somebody uses them: attrs, when the OpenAPI document is asked for.

The package imports this before anything else of Litestar.
"""

from bridge.late_imports import put_off

with put_off("attr", "attrs", "pdb", "yaml"):
    import litestar.openapi.plugins
    import litestar.plugins.attrs  # noqa: F401
