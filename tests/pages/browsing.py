"""A headless Chromium for tests, and pages in it that nothing may go wrong on without a test's knowing."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.waiting import GIVE_UP_SECONDS

__all__ = ["BUILT", "DESKTOP", "PHONE", "TESTS", "WAIT_MS", "Browsing", "meanwhile", "running_browser"]

TESTS = Path(__file__).parents[1]
BUILT = TESTS.parent / "bridge" / "console" / "dist" / "index.html"
# Nothing of its own that would reach out to the network.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 1_000 * GIVE_UP_SECONDS
DESKTOP: ViewportSize = {"width": 1360, "height": 850}
PHONE: ViewportSize = {"width": 360, "height": 740}
# The one without a window, where it is there, takes a third of the CPU.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_program() -> str:
    """The browser: the one that CHROMIUM names, or the first that is installed."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "these tests need Chromium: `make programs` installs it, or CHROMIUM names another one"
    return found


class Browsing:
    """Opens pages, each in a context of its own unless told otherwise, and hears what goes wrong on them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._expected: list[str] = []
        self.troubles: list[str] = []

    def page(self, viewport: ViewportSize | None = None, **options: Any) -> Page:
        """A page of a context that is forgotten after the test."""
        # What moves on a page for as long as it is open would be drawn by the processor all the while.
        options = {"reduced_motion": "reduce", "locale": "en-GB", **options}
        context = self._browser.new_context(viewport=viewport or DESKTOP, timezone_id="Europe/Berlin", **options)
        context.set_default_timeout(WAIT_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self._note(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        return page

    def expect_trouble(self, pattern: str) -> None:
        """What a test brings about on purpose, and the browser complains of."""
        self._expected.append(pattern)

    def _note(self, text: str) -> None:
        self.troubles.append(text)

    def close(self) -> None:
        """Closes all pages. Fails if anything went wrong on one of them."""
        for context in self._contexts:
            context.close()
        unexpected = [one for one in self.troubles if not any(re.search(pattern, one) for pattern in self._expected)]
        assert not unexpected, f"the browser complains: {unexpected}"


WATCH = """() => {
    const look = () => { if (HOLDS) window.nowItIsSo(true); };
    window.wasSo = new Promise((done) => { window.nowItIsSo = done; });
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
WAS_SO = """(giveUpMs) => Promise.race([
    window.wasSo, new Promise((done) => setTimeout(() => done(false), giveUpMs))])"""


@contextmanager
def meanwhile(page: Page, holds: str) -> Iterator[None]:
    """Expects that something, an expression in JavaScript, holds on the page at some time from now on. For what is
    shown for a moment: the page itself notices it, however late whoever drives it comes to look."""
    page.evaluate(WATCH.replace("HOLDS", holds))
    yield
    assert page.evaluate(WAS_SO, WAIT_MS), f"it never was so: {holds}"


@contextmanager
def running_browser(*arguments: str) -> Iterator[Browser]:
    assert BUILT.exists(), "the pages are not built; build them with: make pages"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_program(), args=[*ARGUMENTS, *arguments], timeout=WAIT_MS
        )
        yield browser
        browser.close()
