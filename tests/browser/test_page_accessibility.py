"""What axe-core, the checker of accessibility, says about the page."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.chromium import prefer, resize

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Page

AXE = (importlib.resources.files("selenium_axe_python") / "axe-core" / "axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """Run every rule of axe-core, best practices included."""
    page.run(AXE)
    found: dict[str, Any] = page.driver.execute_async_script("""
        const done = arguments[0];
        axe.run(document, {resultTypes: ['violations']}).then(done, e => done({error: String(e)}));
    """)
    assert "error" not in found, found
    assert len(found["passes"]) > 20
    return [f"{v['id']}: {node['target']}" for v in found["violations"] for node in v["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_violation(page: Page, samples: Path, scheme: str) -> None:
    """No rule of axe-core is broken, contrast of all texts included."""
    prefer(page.driver, scheme)
    page.open(samples)
    page.wait_for_pictures()
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_large_picture_has_no_violation(page: Page, samples: Path, scheme: str) -> None:
    """The same holds for the dialog of an image."""
    prefer(page.driver, scheme)
    page.open(samples)
    page.driver.find_elements("css selector", ".card")[9].click()
    page.wait_for_pictures()
    assert violations(page) == []


def test_narrow_page_has_no_violation_and_does_not_scroll_sideways(
    page: Page, samples: Path
) -> None:
    """On a telephone nothing is cut off at the side."""
    resize(page.driver, 360, 740)
    page.open(samples)
    assert page.run("return document.documentElement.scrollWidth") == 360
    assert violations(page) == []


def test_card_is_read_out_with_all_that_it_shows(page: Page, samples: Path) -> None:
    """A screen reader hears what is in the picture, its name, the confidence and the texts."""
    page.open(samples)
    card = page.driver.find_elements("css selector", ".card")[9]
    name = card.accessible_name
    for part in ("1 car, with the text TAXI, GO 77", "10.jpg", "Car 99.1 %", "TAXI 99.9"):
        assert part in name


def test_number_of_images_is_announced(page: Page, samples: Path) -> None:
    """What a filter leaves is said in a live region, and each card knows its place."""
    page.open(samples)
    page.show("text")
    assert (
        page.run("return document.querySelector('[role=status]').textContent") == "4 of 12 images"
    )
    item = "return ['aria-posinset', 'aria-setsize'].map(n => document.querySelector('#gallery li').getAttribute(n))"
    assert page.run(item) == ["1", "4"]
