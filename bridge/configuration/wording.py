"""The wording of what is wrong with a value in a file of settings, in place of the library's, which speaks of itself.
Pure."""

from pydantic_core import ErrorDetails

__all__ = ["wording_of"]

_WORDING = {
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "decimal_parsing": "expected a number",
    "decimal_type": "expected a number",
    "decimal_max_digits": "expected at most {max_digits} digits",
    "string_type": "expected text",
    "tuple_type": "expected a list",
    "mapping_type": "expected a table",
    "model_type": "expected a table",
    "dict_type": "expected a table",
    "missing": "it is missing",
    "extra_forbidden": "there is no such setting",
    "literal_error": "expected {expected}",
    "enum": "expected {expected}",
    "union_tag_invalid": "expected {expected_tags} as kind",
    "union_tag_not_found": "it has no kind",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected {le} at most",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected {ge} at least",
    "string_too_short": "expected {min_length} characters at least",
    "string_too_long": "expected {max_length} characters at most",
    "string_pattern_mismatch": "it has characters, or a form, that it may not have",
}


def wording_of(problem: ErrorDetails) -> str:
    """What was wrong and what is expected, without the value, which may be a secret."""
    context, said = problem.get("ctx", {}), problem["msg"].removeprefix("Value error, ")
    wording = _WORDING.get(problem["type"])
    if problem["type"] in ("too_short", "too_long"):
        # A secret's length is told as if it were a list.
        counted = "characters" if context["field_type"] == "Value" else "entries"
        if problem["type"] == "too_short":
            return f"expected {context['min_length']} {counted} at least"
        return f"expected {context['max_length']} {counted} at most"
    return said if wording is None else wording.format(**{name: _written(bound) for name, bound in context.items()})


def _written(bound: object) -> str:
    return str(bound).removesuffix(".0")
