"""The list of the modules that a webhook enters stands in its place, and is of modules that are there."""

import re
from collections import Counter

from benchmarks.webhook_path import PAGE, ROOT, with_list


def test_the_list_takes_the_place_of_the_one_before() -> None:
    page = PAGE.read_text()
    written = with_list(page, Counter({"bridge/door/head.py": 7, "bridge/http/webhooks.py": 2}), "1 May 2026")
    assert "2 modules, 9 calls (1 May 2026):" in written
    assert "| `bridge/door/head.py` | 7 |\n| `bridge/http/webhooks.py` | 2 |" in written
    assert "bridge/journal/writing/writer.py` |" not in written
    again = with_list(written, Counter({"bridge/http/webhooks.py": 2}), "2 May 2026")
    assert again.count("modules, ") == 1


def test_the_modules_of_the_list_are_there() -> None:
    modules = re.findall(r"^\| `([a-z_/]+\.py)` \| \d+ \|$", PAGE.read_text(), flags=re.MULTILINE)
    assert len(modules) > 20
    assert [module for module in modules if not (ROOT / module).is_file()] == []
