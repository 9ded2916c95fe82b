"""Take the pictures of the page that the documentation shows.

Run it from the top of the project: ``python -m tests.browser.screenshots docs/images``.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from carscribe import results, thumbnails
from emulator.recognizer.labels import MODEL_VERSION
from tests.browser import runs
from tests.browser.chromium import chromium, console, open_page, prefer, resize

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver import Chrome

SETTLED = """
const done = arguments[0];
const images = [...document.querySelectorAll('.frame img')];
Promise.allSettled(images.map(image => image.decode())).then(() => setTimeout(done, 400));
"""


def sample_page(folder: Path, *, failed: bool = False) -> Path:
    """Return the page of a run over the samples on this machine, with one that is no image too."""
    a, b = runs.sample_run([f"{n}.jpg" for n in range(1, 11)], 6)
    if failed:
        failure = {"reason": "invalid-image", "detail": "The object is not a JPEG or PNG image."}
        a.append(runs.image("11.jpg", runs.START + 2.4, 0.21, failure=failure))
    answers = {"answers": {f"us-east-1 {MODEL_VERSION}{results.SAMPLES}": len(a)}}
    page = runs.write_run(folder, a, b, a=answers, b=answers)
    results.merge(
        folder, thumbnails.from_folder(runs.IMAGES), folder.parent / "thumbnails", paid=False
    )
    return page


def take(driver: Chrome, file: Path) -> None:
    """Keep what the window shows, in few colors: it is mostly flat."""
    driver.execute_async_script(SETTLED)
    with Image.open(io.BytesIO(driver.get_screenshot_as_png())) as shot:
        shot.convert("RGB").save(file, "WEBP", quality=86, method=6)
    print(f"{file}: {file.stat().st_size / 1024:.0f} kB")  # noqa: T201 - its purpose


def click(driver: Chrome, position: int) -> None:
    """Open an image."""
    driver.find_elements("css selector", ".card")[position].click()


def scroll(driver: Chrome, selector: str) -> None:
    """Bring an element to the top of the window."""
    driver.execute_script("document.querySelector(arguments[0]).scrollIntoView()", selector)


def main() -> None:
    """Take all pictures."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, chromium() as driver:
        few = sample_page(Path(name) / "2026-03-03-1000")
        failed = sample_page(Path(name) / "2026-03-03-1030", failed=True)
        many = runs.large_page(Path(name) / "2026-03-03-1100", 5_000)

        def shot(
            file: str,
            page: Path,
            width: int,
            height: int,
            *,
            scheme: str = "light",
            fragment: str = "",
            ratio: float = 1.5,
            act: Callable[[], object] | None = None,
        ) -> None:
            resize(driver, width, height, ratio)
            prefer(driver, scheme)
            open_page(driver, page, fragment)
            driver.execute_async_script(SETTLED)
            if act:
                act()
            take(driver, target / f"page-{file}.webp")

        shot("light", few, 1280, 1560)
        shot("dark", few, 1280, 1560, scheme="dark")
        shot("image", few, 1280, 800, act=lambda: click(driver, 9))
        shot("image-dark", few, 1280, 800, scheme="dark", act=lambda: click(driver, 6))
        shot(
            "failed",
            failed,
            1280,
            760,
            fragment="#show=failed",
            act=lambda: scroll(driver, "#tools"),
        )
        shot("narrow", few, 390, 1500, ratio=2)
        shot("5000", many, 1280, 1560)
        resize(driver, 794, 1123, 1.5)
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        open_page(driver, few)
        # The margin of the paper, which a window does not have.
        driver.execute_script("document.body.style.padding = '14mm'")
        take(driver, target / "page-print.webp")
        if faults := console(driver):
            sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
