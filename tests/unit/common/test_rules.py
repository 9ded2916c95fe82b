"""The rules of carscribe, each at its boundary."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carscribe_common.rules import (
    can_be_queued,
    confidence_of,
    counting_lines,
    escape,
    find_car,
    is_car,
    is_image_key,
    natural_key,
    pair_of,
    result_line,
    result_text,
)


def label(name: str, confidence: float, *parents: str) -> dict[str, object]:
    """Return a label as DetectLabels does."""
    return {
        "Name": name,
        "Confidence": confidence,
        "Parents": [{"Name": parent} for parent in parents],
    }


def text(kind: str, number: int, content: str, confidence: float) -> dict[str, object]:
    """Return a detection as DetectText does."""
    return {"Type": kind, "Id": number, "DetectedText": content, "Confidence": confidence}


@pytest.mark.parametrize(
    ("confidence", "expected"), [(89.99, False), (90.0, False), (90.01, True), (100.0, True)]
)
def test_car_is_strictly_above_the_threshold(confidence: float, expected: bool) -> None:
    """A car is of a confidence higher than 90, not of 90 itself."""
    assert is_car(confidence, 90.0) is expected


def test_car_is_found_by_its_exact_name() -> None:
    """Cardboard, Cart, car and Race Car are no Car."""
    labels = [label(name, 99.0) for name in ("Cardboard", "Cart", "car", "Race Car", "Vehicle")]
    assert find_car({"Labels": labels}) is None
    assert find_car({"Labels": [*labels, label("Car", 91.0)]}) == label("Car", 91.0)


def test_car_among_the_parents_only_is_no_car() -> None:
    """A Sedan whose parent is Car is no label Car."""
    assert find_car({"Labels": [label("Sedan", 99.0, "Car", "Vehicle")]}) is None


def test_response_without_labels_has_no_car() -> None:
    """An empty response and one without Labels are no car and no error."""
    assert find_car({}) is None
    assert find_car({"Labels": []}) is None


@pytest.mark.parametrize(("confidence", "counts"), [(79.9, False), (80.0, True), (80.1, True)])
def test_text_counts_at_or_above_the_threshold(confidence: float, counts: bool) -> None:
    """A line of exactly 80 counts, one of 79.9 does not."""
    detections = [text("LINE", 0, "GO 77", confidence)]
    assert counting_lines(detections, 80.0) == (["GO 77"] if counts else [])


def test_words_do_not_count() -> None:
    """Each WORD stands in a LINE already, so that no text stands twice."""
    detections = [
        text("LINE", 0, "GO 77", 99),
        text("WORD", 1, "GO", 99),
        text("WORD", 2, "77", 99),
    ]
    assert counting_lines(detections, 80.0) == ["GO 77"]


def test_lines_stand_in_the_order_of_their_ids() -> None:
    """Ids order the lines, whatever the order of the response."""
    detections = [text("LINE", 10, "c", 99), text("LINE", 2, "b", 99), text("LINE", 1, "a", 99)]
    assert counting_lines(detections, 80.0) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "ordered",
    [
        ["1.jpg", "2.jpg", "10.jpg"],
        ["a1b2.jpg", "a1b10.jpg", "a2b1.jpg"],
        ["01.jpg", "1.jpg", "2.jpg"],  # a tie of the numbers: by code point
        ["-1.jpg", "1.jpg", "a.jpg"],
        ["a", "a1", "aa"],
        ["9", "10", "99999999999999999999999999", "100000000000000000000000000"],
        ["\u0663.jpg", "\u0664.jpg"],  # Arabic-Indic digits are no ASCII digits
        ["z", "ä", "\U0001f697"],
        ["x 9 y", "x 10 a"],
    ],
)
def test_keys_are_in_natural_order(ordered: list[str]) -> None:
    """Digits compare as integers, ties and all else by code point."""
    shuffled = ordered[::-1]
    assert sorted(shuffled, key=natural_key) == ordered


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("GO 77", "GO 77"),
        ("a\\b", "a\\\\b"),
        ("a\nb\rc\td", "a\\u000ab\\u000dc\\u0009d"),
        ("\x1b[31m", "\\u001b[31m"),
        ("\x85\x9f", "\\u0085\\u009f"),
        ("\u202eJPG", "\\u202eJPG"),
        ("\u2066\u2069\u200e\u200f\u061c", "\\u2066\\u2069\\u200e\\u200f\\u061c"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("MÜNCHEN 車 🚗", "MÜNCHEN 車 🚗"),
        ("$(reboot) `id` <b>", "$(reboot) `id` <b>"),
    ],
)
def test_text_stays_on_its_line(raw: str, safe: str) -> None:
    """A backslash becomes two, whatever could forge a line becomes an escape."""
    assert escape(raw) == safe


def test_result_line_joins_the_texts() -> None:
    """The index first, then the texts with a bar between them, both escaped."""
    assert (
        result_line("a\n.jpg", result_text(["GO\\", "77\x00"]))
        == "a\\u000a.jpg: GO\\\\ | 77\\u0000"
    )


def test_what_separates_stands_in_no_text() -> None:
    """One text with a bar reads differently from two, and so does a key with a colon."""
    assert result_text(["A", "B"]) == "A | B"
    assert result_text(["A | B"]) == "A \\u007c B"
    assert result_line("1.jpg: 2.jpg", "A") == "1.jpg\\u003a 2.jpg: A"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("1.jpg", True),
        ("a/b.JPEG", True),
        ("c.Png", True),
        ("saved-by-a-browser.jfif", True),
        ("old.JPE", True),
        ("d.gif", False),
        ("jpg", False),
        (".jpg.txt", False),
        ("folder.jpg/", False),
    ],
)
def test_image_is_known_by_its_ending(key: str, expected: bool) -> None:
    """Endings are those of JPEG, .jfif and .jpe too, and .png, in any case."""
    assert is_image_key(key) is expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("tab\tnewline\nreturn\r.jpg", True),
        ("\U0001f697.jpg", True),
        ("bell\x07.jpg", False),
        ("\x00.jpg", False),
        ("\ufffe.jpg", False),
        ("\uffff.jpg", False),
        ("\ud800.jpg", False),
        ("\ue000\ufffd.jpg", True),
        ("\x7f\x85.jpg", True),
    ],
)
def test_queue_carries_the_characters_of_xml(key: str, expected: bool) -> None:
    """SQS refuses what XML 1.0 does not allow, and nothing else."""
    assert can_be_queued(key) is expected


@pytest.mark.parametrize("confidence", [{}, {"Confidence": None}])
def test_what_has_no_confidence_does_not_count(confidence: dict[str, None]) -> None:
    """A text or label without a confidence, or with null, is no text and no car; nothing breaks."""
    line = {"Type": "LINE", "Id": 0, "DetectedText": "GO 77"}
    assert counting_lines([line | confidence], 0.0) == []
    car = {"Name": "Car"} | confidence
    assert find_car({"Labels": [car, label("Car", 95.0)]}) == label("Car", 95.0)
    assert confidence_of(car) == 0.0


@pytest.mark.parametrize("blank", ["", " ", "\t\u3000"])
def test_a_blank_text_is_no_text(blank: str) -> None:
    """An image whose only line is blank has no text."""
    assert counting_lines([text("LINE", 0, blank, 99)], 80.0) == []


@given(key=st.text("a: \\u003", min_size=1), texts=st.lists(st.text("a| \\u007c", min_size=1)))
def test_key_and_texts_can_be_had_back(key: str, texts: list[str]) -> None:
    """Split at the first ``: ``, then at each `` | ``, and take the escapes back."""

    def original(part: str) -> str:
        return re.sub(
            r"\\(\\|u[0-9a-f]{4})", lambda m: "\\" if m[1] == "\\" else chr(int(m[1][1:], 16)), part
        )

    before, _, behind = result_line(key, result_text(texts)).partition(": ")
    assert original(before) == key
    assert [original(part) for part in behind.split(" | ")] == (texts or [""])


@pytest.mark.parametrize(("pairs", "pair"), [(1, 1), (3, 3), (16, 7)])
def test_the_pair_of_a_key_is_its_crc_32_modulo_their_number(pairs: int, pair: int) -> None:
    """Of "123456789", whose CRC-32 every list of them names for a check: 0xCBF43926."""
    assert pair_of("123456789", pairs) == 0xCBF43926 % pairs + 1 == pair
