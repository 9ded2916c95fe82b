"""Measure in the browser how fast the page opens and filters, with 50 and 5,000 images.

Run it from the top of the project: ``python -m tests.browser.measure``.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.chromium import chromium, open_page
from tests.browser.runs import large_page

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

FILTERS = ("all", "text", "car", "neither", "failed")

# From the click until the page is laid out again.
SCRIPT = """
const [filters] = arguments;
const navigation = performance.getEntriesByType('navigation')[0];
const times = [];
const time = (act) => {
  const start = performance.now();
  act();
  document.body.offsetHeight;
  times.push(performance.now() - start);
};
for (const name of [...filters.slice(1), filters[0]]) {
  time(() => document.querySelector(`input[name=filter][value=${name}]`).click());
}
const search = document.querySelector('input[type=search]');
for (const text of ['taxi', 'b', '']) {
  time(() => { search.value = text; search.dispatchEvent(new Event('input', {bubbles: true})); });
}
return JSON.stringify({
  images: JSON.parse(document.getElementById('rows').textContent).length,
  ready: performance.getEntriesByName('ready')[0].startTime,
  opened: navigation.loadEventEnd,
  painted: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null,
  filtered: Math.max(...times),
});
"""


@dataclasses.dataclass(frozen=True)
class Figures:
    """Milliseconds: until the page is drawn, until all of it is read, of the slowest filter."""

    images: int
    ready: float
    opened: float
    filtered: float

    def __str__(self) -> str:
        return (
            f"{self.images:>6,} images: drawn after {self.ready:.0f} ms, "
            f"opened after {self.opened:.0f} ms, slowest filter or search {self.filtered:.0f} ms"
        )


def measured(driver: Chrome, page: Path, times: int) -> Figures:
    """Return the best of several openings of a page."""
    found = []
    for _ in range(times):
        open_page(driver, page)
        result = json.loads(driver.execute_script(SCRIPT, FILTERS))
        found.append(result)
    best = {name: min(one[name] for one in found) for name in ("ready", "opened", "filtered")}
    return Figures(images=found[0]["images"], **best)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, chromium() as driver:
        for images in (50, 5_000):
            page = large_page(Path(folder) / str(images), images)
            size = page.stat().st_size / 1e6
            print(f"{measured(driver, page, 5)}, {size:.1f} MB")  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
