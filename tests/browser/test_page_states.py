"""Runs that are empty, unfinished or odd."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from carscribe import results
from tests.browser import runs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Page


def test_empty_run_says_so(page: Page, tmp_path: Path) -> None:
    """A bucket without an image gives a page that says that."""
    page.open(runs.write_run(tmp_path / "run", [], []))
    assert page.text("h1") == "There was no image in the bucket"
    assert page.text("#status") == "There are no images."
    assert page.text("#timeline-text") == "No image was looked at."


def test_run_without_cars_says_so(page: Page, tmp_path: Path) -> None:
    """Where nothing is a car, worker B had nothing to do."""
    page.open(runs.write_run(tmp_path / "run", *runs.sample_run(["3.jpg", "4.jpg"], 5)))
    assert page.text("h1") == "None of 2 images shows a car with text"
    assert "Worker B had nothing to read" in page.text("#timeline-text")


def test_single_image_reads_well(page: Page, tmp_path: Path) -> None:
    """One image is no plural."""
    page.open(runs.write_run(tmp_path / "run", *runs.sample_run(["1.jpg"], 5)))
    assert page.text("h1") == "The one image shows a car with text"
    assert page.text("#status") == "1 image"


def test_unfinished_run_says_what_is_missing(page: Page, tmp_path: Path) -> None:
    """An incomplete run says so at its head, and which image was not read."""
    a, b = runs.sample_run(["1.jpg", "2.jpg", "7.jpg"], 5)
    changes = {"state": "incomplete", "reason": "Messages are missing: n 3."}
    page.open(runs.write_run(tmp_path / "run", a, b[:2], b=changes))
    assert page.text("#notice") == "This run is incomplete. Messages are missing: n 3."
    page.driver.find_element("name", "query").send_keys("7.jpg")
    assert "Not read yet" in page.text(".card")


def test_page_of_two_pairs_names_each_worker(page: Page, tmp_path: Path) -> None:
    """A column for each, what is missing and why by the worker's name, and the costs of all."""
    a, b = runs.sample_run(["1.jpg", "2.jpg", "7.jpg", "4.jpg"], 5)
    stopped = {"state": "stopped", "reason": "It was stopped."}
    file = runs.write_run_of_two(tmp_path / "run", a, b, **{"b-2": stopped})
    shutil.rmtree(file.parent / "a-2")
    results.merge(file.parent)
    page.open(file)
    assert page.text("#notice") == (
        "This run is incomplete. Worker B-2: It was stopped. There is nothing from worker A-2."
    )
    said = "return [...document.querySelectorAll(arguments[0])].map((cell) => cell.textContent)"
    headings = ["Alooks for cars", "Breads the texts", "A-2looks for cars", "B-2reads the texts"]
    assert page.run(said, "#workers th[scope=col]") == headings
    states = page.run(said, "#workers tbody tr:first-child td")
    assert (states[0], states[1], states[3]) == ("complete", "complete", "stopped")
    assert "$0.005 5 Rekognition calls" in " ".join(page.text("#figures").split())
    assert page.text("#timeline-title") == "4 workers at once"
    page.driver.find_element("name", "query").send_keys("2.jpg")
    page.driver.find_element("css selector", ".card").click()
    assert "worker B-2 read for" in page.text("#dialog")


def test_page_says_who_recognized_and_no_cost_where_nothing_was_paid(
    page: Page, tmp_path: Path
) -> None:
    """What looked at the images is named; a cost stands there only where there was one."""
    answers = {"us-east-1 carscribe-recognizer-1": 1}
    changes = {"a": {"answers": answers}, "b": {"answers": answers}}
    file = runs.write_run(tmp_path / "run", *runs.sample_run(["1.jpg"], 5), **changes)
    page.open(file)
    assert page.text("#when").endswith("Recognized by the recognizer, carscribe-recognizer-1")
    assert page.text("body").count("Estimated cost") == 2
    results.merge(file.parent, paid=False)
    page.open(file)
    assert "Estimated cost" not in page.text("body")


def test_workers_one_after_the_other_are_told_apart(page: Page, tmp_path: Path) -> None:
    """A page does not claim that both worked at once when they did not."""
    a, b = runs.sample_run(["1.jpg", "7.jpg"], 5)
    for record in b:
        record["at"] += 60
    page.open(runs.write_run(tmp_path / "run", a, b))
    assert "after worker A had looked at its last image" in page.text("#timeline-text")
    assert page.run("return document.querySelectorAll('.lanes .both').length") == 0


def test_page_without_pictures_has_its_boxes(page: Page, tmp_path: Path) -> None:
    """Without thumbnails the boxes and texts are there all the same."""
    page.open(runs.write_run(tmp_path / "run", *runs.sample_run(["1.jpg"], 5)))
    assert "no picture" in page.text(".card .blank")
    assert page.run("return document.querySelectorAll('.card .box.car').length") == 2
