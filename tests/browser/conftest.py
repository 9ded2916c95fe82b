"""One browser for all tests of the page, and the pages that they look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from carscribe import thumbnails
from tests.browser import runs
from tests.browser.chromium import chromium, console, open_page, prefer, requests, resize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome


class Page:
    """A page in the browser, and what a person does with it."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, file: Path, fragment: str = "") -> None:
        """Open a page from disk."""
        open_page(self.driver, file, fragment)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def show(self, name: str) -> None:
        """Choose a filter."""
        self.run(
            "document.querySelector(`input[name=filter][value=${arguments[0]}]`).click()", name
        )

    def sort(self, name: str) -> None:
        """Choose an order."""
        select = "const s = document.querySelector('select[name=sort]'); s.value = arguments[0];"
        self.run(select + "s.dispatchEvent(new Event('input', {bubbles: true}))", name)

    def keys(self) -> list[str]:
        """Return the names of the images that are shown, in their order."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll('#gallery .key')].map(e => e.textContent)"
        )
        return found

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        found: str = self.run("return document.querySelector(arguments[0]).innerText", selector)
        return found

    def wait_for_pictures(self) -> None:
        """Wait until each picture in the window is drawn."""
        self.driver.execute_async_script("""
            const done = arguments[arguments.length - 1];
            const pictures = [...document.querySelectorAll('.frame img')];
            Promise.allSettled(pictures.map(p => p.decode())).then(() =>
              requestAnimationFrame(() => setTimeout(done, 250)));
        """)


@pytest.fixture(scope="session")
def browser() -> Iterator[Chrome]:
    """One headless Chromium for all tests."""
    with chromium() as driver:
        yield driver


@pytest.fixture
def page(browser: Chrome) -> Iterator[Page]:
    """The browser as it is at first; the test fails on any error or request of the page."""
    resize(browser, 1360, 900)
    prefer(browser, "light")
    console(browser)
    requests(browser)
    yield Page(browser)
    own = ("chrome", "file:")  # the new tab that Chromium begins with asks for things
    asked = [address for address in requests(browser) if not address.startswith(own)]
    assert (console(browser), asked) == ([], [])


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run over the ten samples, and two images that failed."""
    a, b = runs.sample_run([f"{n}.jpg" for n in range(1, 11)], 6)
    failure = {"reason": "invalid-image", "detail": "InvalidImageFormatException: not an image"}
    a.append(runs.image("11.jpg", runs.START + 2.2, 0.2, failure=failure))
    lost = runs.image("12.jpg", runs.START + 2.3, 0.2, n=len(b) + 1, car=runs.car(95.5))
    gone = {"failure": {"reason": "gone", "detail": "NoSuchKey"}, "text": None}
    a.append(lost)
    b.append(runs.reading(lost, [], runs.START + 2.8, 0.1) | gone)
    folder = tmp_path_factory.mktemp("samples") / "2026-03-03-1000"
    return runs.write_run(folder, a, b, thumbnails.from_folder(runs.IMAGES))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run over 5,000 images as hard to compress as photographs."""
    return runs.large_page(tmp_path_factory.mktemp("large") / "run", 5_000)
