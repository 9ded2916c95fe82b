"""Filters, search, sort, keyboard and the large picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Page

ALL = [f"{n}.jpg" for n in range(1, 13)]


def press(page: Page, *keys: str) -> None:
    """Press keys on whatever has the focus."""
    for key in keys:
        page.driver.switch_to.active_element.send_keys(key)


def focused(page: Page) -> str:
    """Return the name of the image whose card has the focus."""
    found: str = page.run("return document.activeElement.querySelector('.key')?.textContent ?? ''")
    return found


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("all", ALL),
        ("car", ["1.jpg", "2.jpg", "7.jpg", "8.jpg", "9.jpg", "10.jpg", "12.jpg"]),
        ("text", ["1.jpg", "7.jpg", "9.jpg", "10.jpg"]),
        ("neither", ["3.jpg", "4.jpg", "5.jpg", "6.jpg"]),
        ("failed", ["11.jpg", "12.jpg"]),
    ],
)
def test_filter_shows_its_images(page: Page, samples: Path, name: str, keys: list[str]) -> None:
    """Each filter shows the images that it names, and says how many there are."""
    page.open(samples)
    page.show(name)
    assert page.keys() == keys
    assert page.text(f"input[value={name}] + span b") == str(len(keys))
    told = "12 images" if keys == ALL else f"{len(keys)} of 12 images"
    assert page.text("#status") == told


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("sbr8167", ["1.jpg"]),
        ("LP610", ["7.jpg"]),
        ("lp 610", ["7.jpg"]),
        ("LP6 10", ["7.jpg"]),
        ("münchen", ["9.jpg"]),
        ("öl & süß", ["9.jpg"]),
        ("h0tel", ["10.jpg"]),
        ("1.jpg", ["1.jpg", "11.jpg"]),
        ("  ", ALL),
        ("nothing like it", []),
    ],
)
def test_search_looks_in_texts_and_names(
    page: Page, samples: Path, query: str, keys: list[str]
) -> None:
    """A search finds texts and names, whatever their case and spaces."""
    page.open(samples)
    page.driver.find_element("name", "query").send_keys(query)
    assert page.keys() == keys
    assert (page.text("#status") == "Nothing matches.") is (not keys)


def test_search_and_filter_hold_together(page: Page, samples: Path) -> None:
    """A search looks only among what the filter shows."""
    page.open(samples)
    page.show("failed")
    page.driver.find_element("name", "query").send_keys("1.jpg")
    assert page.keys() == ["11.jpg"]


@pytest.mark.parametrize(
    ("order", "first"),
    [("name", ["1.jpg", "2.jpg", "3.jpg"]), ("confidence", ["10.jpg", "8.jpg", "1.jpg"])],
)
def test_sort_puts_images_in_order(page: Page, samples: Path, order: str, first: list[str]) -> None:
    """Names sort naturally, confidences from the highest down."""
    page.open(samples)
    page.sort(order)
    assert page.keys()[:3] == first
    assert sorted(page.keys()) == sorted(ALL)


def test_sort_by_time_is_the_order_of_the_calls(page: Page, samples: Path) -> None:
    """By time the images stand as worker A asked for them."""
    page.open(samples)
    page.sort("time")
    assert page.keys() == ALL
    page.show("failed")
    assert page.keys() == ["11.jpg", "12.jpg"]


def test_address_remembers_what_is_shown(page: Page, samples: Path) -> None:
    """A page opened again at its address shows the same images."""
    page.open(samples)
    page.show("car")
    page.sort("confidence")
    page.driver.find_element("name", "query").send_keys("610")
    fragment = page.run("return location.hash")
    page.open(samples, fragment)
    assert page.keys() == ["7.jpg"]
    assert page.run("return document.querySelector('select').value") == "confidence"


def test_address_full_of_nonsense_shows_all(page: Page, samples: Path) -> None:
    """An address that names no filter and no order is no error."""
    page.open(samples, "#show=__proto__&sort=constructor&x=%")
    assert page.keys() == ALL
    chosen = "return [...new FormData(document.querySelector('#tools')).values()]"
    assert page.run(chosen) == ["all", "", "name"]


def test_whole_page_can_be_used_by_keyboard(page: Page, samples: Path) -> None:
    """Slash, Tab, the arrows, Enter and Escape do all that the pointer does."""
    page.open(samples)
    press(page, "/")
    assert page.run("return document.activeElement.name") == "query"
    press(page, "taxi")
    assert page.keys() == ["10.jpg"]
    press(page, Keys.ESCAPE)
    assert page.keys() == ALL
    press(page, Keys.TAB)
    assert page.run("return document.activeElement.name") == "sort"
    press(page, Keys.TAB)
    assert focused(page) == "1.jpg"
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    assert focused(page) == "6.jpg"
    press(page, Keys.ARROW_LEFT, Keys.ARROW_UP, Keys.ARROW_UP)
    assert focused(page) == "1.jpg"
    press(page, Keys.END)
    assert focused(page) == "12.jpg"
    press(page, Keys.HOME, Keys.ARROW_RIGHT, Keys.ENTER)
    assert page.text("#dialog-title") == "2.jpg"
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.text("#dialog-title") == "4.jpg"
    press(page, Keys.ESCAPE)
    # The browser tells the page of the closing a moment later.
    WebDriverWait(page.driver, 10).until(lambda _: focused(page) == "4.jpg")
    assert page.run("return document.querySelector('dialog').open") is False


def test_gallery_is_one_stop_of_the_tab_key(page: Page, samples: Path) -> None:
    """Tab passes the images in one step, whatever their number."""
    page.open(samples)
    stops = "return document.querySelectorAll('#gallery [tabindex=\"0\"]').length"
    assert page.run(stops) == 1
    page.show("text")
    assert page.run(stops) == 1


def test_filters_move_by_arrow_keys(page: Page, samples: Path) -> None:
    """The filters are radio buttons: an arrow key chooses the next one."""
    page.open(samples)
    page.run("document.querySelector('input[value=all]').focus()")
    press(page, Keys.ARROW_RIGHT)
    assert page.keys() == ["1.jpg", "7.jpg", "9.jpg", "10.jpg"]


def test_large_picture_tells_all(page: Page, samples: Path) -> None:
    """The large picture has every text with its confidence, and the ones that do not count."""
    page.open(samples)
    page.driver.find_elements("css selector", ".card")[9].click()
    rows = page.text("#dialog-facts table").split("\n")
    assert [row.split("\t") for row in rows[1:]] == [
        ["Car", "99.1 %"], ["H0TEL", "61.8 %"], ["TAXI", "99.9 %"], ["GO 77", "98.0 %"]
    ]  # fmt: skip
    assert "Message 6 of this run." in page.text("#dialog-facts .times")
    assert len(page.driver.find_elements("css selector", "#dialog .box.unsure")) == 1
    page.driver.find_element("id", "dialog-close").click()


def test_failed_image_says_why(page: Page, samples: Path) -> None:
    """An image that failed shows its reason instead of a picture."""
    page.open(samples)
    page.show("failed")
    page.wait_for_pictures()
    assert "invalid-image" in page.text(".card.failed")
    assert "InvalidImageFormatException: not an image" in page.text(".card.failed")


def test_timeline_says_that_both_work_at_once(page: Page, samples: Path) -> None:
    """In words and in two lanes, B works while A does."""
    page.open(samples)
    told = page.text("#timeline-text")
    assert "before worker A looked at its last image" in told
    assert "Both were at work at the same time for" in told
    spans = "return document.querySelectorAll('.lanes .span.' + arguments[0]).length > 0"
    assert page.run(spans, "a") is True
    assert page.run(spans, "b") is True
    assert page.run("return document.querySelector('.lanes .both').getBBox().width") > 100


def test_timeline_opens_the_image_under_the_pointer(page: Page, samples: Path) -> None:
    """A click on a call opens its image."""
    page.open(samples)
    page.run("""
        const frame = document.querySelector('#lanes').getBoundingClientRect();
        const at = {clientX: frame.left + 3, clientY: frame.top + 30, bubbles: true};
        document.querySelector('#lanes').dispatchEvent(new MouseEvent('click', at));
    """)
    assert page.text("#dialog-title") == "1.jpg"


def test_colors_can_be_chosen(page: Page, samples: Path) -> None:
    """The page follows the system, or the choice made on it."""
    ground = "return getComputedStyle(document.body).backgroundColor"
    page.open(samples)
    light = page.run(ground)
    page.run("document.querySelector('input[value=dark]').click()")
    assert page.run(ground) != light
    page.run("document.querySelector('input[value=light]').click()")
    assert page.run(ground) == light
    page.run("document.querySelector('input[value=auto]').click()")
