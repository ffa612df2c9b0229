"""`make screenshots`: pictures of the pages in docs/screenshots, of a bridge that runs `bridge demo`."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Literal
from urllib.parse import urljoin

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.asking import post
from tests.pages.browsing import PHONE, WAIT_MS, running_browser
from tests.waiting import GIVE_UP_SECONDS

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
DESK: ViewportSize = {"width": 1360, "height": 860}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
# Sales have gone on for a while by then, and some of them went wrong.
AFTERNOON_MS = 60_000


@contextmanager
def running_demo() -> Iterator[dict[str, str]]:
    """The demonstration, on a free port; gives the addresses that it tells people to open."""
    command = [str(Path(sys.executable).parent / "bridge"), "demo", "--port", "0", "--pace", "0.7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines: Queue[str] = Queue()
        assert process.stdout is not None
        output = process.stdout

        def read() -> None:
            for line in output:
                lines.put(line)

        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        try:
            yield _addresses(lines)
        finally:
            process.terminate()
            process.wait()
            reading.join()


def _addresses(lines: "Queue[str]") -> dict[str, str]:
    found: dict[str, str] = {}
    while "system" not in found:
        try:
            line = lines.get(timeout=GIVE_UP_SECONDS)
        except Empty:
            raise AssertionError("the demonstration did not start") from None
        told = re.fullmatch(r"\s+(?:the |a )?(.+?)\s{2,}(http\S+)\s*", line)
        if told:
            found[told[1]] = told[2]
    return found


def _unpaid(address: str) -> str:
    """The page of a payment that nobody of the demonstration pays."""
    order = {
        "provider": "shkeeper",
        "coin": "ETH-USDT",
        "requestId": "request-77",
        "buyerId": "buyer-5",
        "sellerId": "seller-9",
        "amount": "49.90",
        "currency": "USD",
    }
    answer = post(urljoin(address, "/api/payments"), json=order).raise_for_status()
    return urljoin(address, f"/pay/{answer.json()['paymentId']}")


def opened(browser: Browser, address: str, size: ViewportSize, scheme: Scheme, scale: float = 1) -> Page:
    context = browser.new_context(
        viewport=size,
        color_scheme=scheme,
        device_scale_factor=scale,
        locale="en-GB",
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def taken(page: Page, name: str, *, whole: bool = False) -> None:
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path, full_page=whole, animations="disabled")
    print(f"{path.relative_to(Path.cwd())}: {path.stat().st_size // 1024} KiB")  # noqa: T201


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=WAIT_MS)
    with running_demo() as addresses, running_browser() as browser:
        buyer = opened(browser, addresses["buyer's page"], PHONE, "light", scale=1.5)
        system = opened(browser, addresses["system"], DESK, "light")
        taken(opened(browser, _unpaid(addresses["buyer's page"]), PHONE, "light", scale=1.5), "payment", whole=True)
        expect(buyer.locator("[data-status=partially_paid]")).to_be_visible()
        taken(buyer, "payment-partly-paid", whole=True)
        expect(buyer.locator("[data-status=completed]")).to_be_visible()
        taken(buyer, "payment-paid", whole=True)
        system.wait_for_timeout(AFTERNOON_MS)
        taken(system, "system")
        for scheme in SCHEMES:
            console = opened(browser, addresses["payout console"], DESK, scheme)
            expect(console.locator(".item").first).to_be_visible()
            expect(console.locator(".grid-body [role=row]").first).to_be_visible()
            taken(console, f"console-{scheme}")
        console.locator(".item h3 a").first.click()
        expect(console.get_by_role("heading", name="What happened")).to_be_visible()
        taken(console, "story-dark")


if __name__ == "__main__":
    main()
