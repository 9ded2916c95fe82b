"""From pieces of text to lines and words."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from emulator.recognizer.text import Piece, join, to_detections
from emulator.rekognition.texts import detect_text
from emulator.shapes import output_problems


def piece(
    text: str,
    left: float,
    top: float,
    width: float,
    *,
    height: float = 20,
    score: float = 0.9,
    degrees: float = 0,
) -> Piece:
    """Make a piece that begins at a point and is turned around it, with the clock."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    a, b, c, d = (
        (left + x * cos - y * sin, top + x * sin + y * cos)
        for x, y in ((0, 0), (width, 0), (width, height), (0, height))
    )
    return Piece(text, score, (a, b, c, d))


def lines(*pieces: Piece) -> list[str]:
    """Return the texts of the lines, in order."""
    found = to_detections(join(pieces), 1000, 500)["TextDetections"]
    return [detection["DetectedText"] for detection in found if detection["Type"] == "LINE"]


@pytest.mark.parametrize(
    ("second", "joined"),
    [
        (piece("WJP", 50, 0, 40), True),
        (piece("WJP", 35, 0, 40), True),  # the reader's boxes overlap
        (piece("WJP", 54.9, 0, 40), True),
        (piece("WJP", 55.1, 0, 40), False),
        (piece("WJP", 40, 7.9, 40), True),
        (piece("WJP", 40, 8.1, 40), False),
        (piece("WJP", 40, -6, 40, height=31), True),
        (piece("WJP", 40, -6, 40, height=33), False),
        (piece("WJP", 43, 0, 40, degrees=-18), True),
        (piece("WJP", 43, 0, 40, degrees=-22), False),
        (piece("WJP", 0, 20, 40), False),
        (piece("383", 0, 0, 40), False),
    ],
)
def test_pieces_that_go_on_with_a_line_are_one(second: Piece, *, joined: bool) -> None:
    """Near the end of the first, on its line, about as high and in its direction."""
    first = piece("383", 0, 0, 40)
    expected = 1 if joined else 2
    assert len(lines(first, second)) == expected
    assert len(lines(second, first)) == expected


def test_a_letter_that_was_read_twice_does_not_follow_itself() -> None:
    """Boxes of a single letter are so short that the second begins near the end of the first."""
    assert lines(piece("1", 0, 0, 10), piece("I", 1, 0, 8)) == ["1", "I"]


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        (piece("RST 3", 0, 0, 75), piece("3075", 60, 0, 60), "RST 3075"),
        (piece("RST 3", 0, 0, 75), piece("3075", 76, 0, 60), "RST 3 3075"),
        (piece("RST 4", 0, 0, 75), piece("3075", 60, 0, 60), "RST 4 3075"),
        (piece("33", 0, 0, 30), piece("3375", 20, 0, 60), "33 3375"),
    ],
    ids=["repeated", "not overlapping", "another letter", "a whole piece"],
)
def test_a_word_that_two_pieces_have_is_read_once(first: Piece, second: Piece, text: str) -> None:
    """Where they overlap, the first one's last word is the beginning of the second."""
    assert lines(first, second) == [text]


def test_a_line_of_several_pieces_reads_from_its_beginning() -> None:
    """Also when they were found in another order, on a line that is not level."""
    step = (60 * math.cos(math.radians(10)), 60 * math.sin(math.radians(10)))
    pieces = [
        piece(text, 100 + step[0] * n, 100 + step[1] * n, 55, degrees=10)
        for n, text in enumerate(["A", "B", "C", "D"])
    ]
    assert lines(pieces[2], pieces[0], pieces[3], pieces[1]) == ["A B C D"]


def test_lines_come_in_reading_order() -> None:
    """From top to bottom; side by side from left to right, though not exactly level."""
    assert lines(
        piece("last", 0, 300, 50),
        piece("right", 500, 98, 50),
        piece("left", 0, 100, 50),
        piece("first", 300, 0, 50),
    ) == ["first", "left", "right", "last"]


def test_words_belong_to_their_line() -> None:
    """Ids count lines first and then words; a word names its line, and has its share of the box."""
    found = to_detections(
        join([piece("ABCD EF", 100, 100, 70), piece("X", 0, 200, 50, score=0.5)]), 1000, 500
    )["TextDetections"]
    assert [
        (d["DetectedText"], d["Type"], d["Id"], d.get("ParentId"), d["Confidence"]) for d in found
    ] == [
        ("ABCD EF", "LINE", 0, None, 90.0),
        ("X", "LINE", 1, None, 50.0),
        ("ABCD", "WORD", 2, 0, 90.0),
        ("EF", "WORD", 3, 0, 90.0),
        ("X", "WORD", 4, 1, 50.0),
    ]
    box = [d["Geometry"]["BoundingBox"] for d in found]
    assert box[0] == pytest.approx({"Left": 0.1, "Top": 0.2, "Width": 0.07, "Height": 0.04})
    assert box[2] == pytest.approx({"Left": 0.1, "Top": 0.2, "Width": 0.04, "Height": 0.04})
    assert box[3] == pytest.approx({"Left": 0.15, "Top": 0.2, "Width": 0.02, "Height": 0.04})


def test_a_line_is_as_sure_as_its_letters_on_average() -> None:
    """A long sure piece outweighs a short unsure one."""
    found = to_detections(
        join([piece("ABCDEF", 0, 0, 60, score=1.0), piece("XY", 60, 0, 20, score=0.2)]), 100, 100
    )
    assert found["TextDetections"][0]["Confidence"] == pytest.approx(80.0)


def test_a_polygon_follows_the_text_around_the_clock() -> None:
    """It begins at the first letter's upper left corner; the box is level and around it."""
    found = to_detections(join([piece("A", 500, 100, 100, height=50, degrees=90)]), 1000, 500)
    for detection in found["TextDetections"]:  # the line and its word
        geometry = detection["Geometry"]
        corners = [(point["X"], point["Y"]) for point in geometry["Polygon"]]
        for corner, expected in zip(
            corners, [(0.5, 0.2), (0.5, 0.4), (0.45, 0.4), (0.45, 0.2)], strict=True
        ):
            assert corner == pytest.approx(expected)
        assert geometry["BoundingBox"] == pytest.approx(
            {"Left": 0.45, "Top": 0.2, "Width": 0.05, "Height": 0.2}
        )


def test_no_corner_is_outside_of_the_image() -> None:
    """A piece at the edge is cut to it."""
    found = to_detections(join([piece("A", -10, 490, 2000)]), 1000, 500)["TextDetections"]
    for detection in found:
        values = [value for point in detection["Geometry"]["Polygon"] for value in point.values()]
        assert min(values) == 0.0
        assert max(values) == 1.0


def test_blanks_alone_are_no_text() -> None:
    """A piece without a letter gives neither a line nor a word."""
    assert to_detections(join([piece(" ", 0, 0, 20)]), 100, 100)["TextDetections"] == []


def test_answers_are_as_the_service_returns_them() -> None:
    """Some text, and none, pass the same check as a recorded answer."""
    several: list[list[Any]] = [[], [piece("383", 0, 0, 40), piece("WJP 7", 43, 0, 40)]]
    for pieces in several:
        answer = detect_text(json.loads(json.dumps(to_detections(join(pieces), 640, 480))), {})
        assert output_problems("DetectText", answer) == []
        assert len(answer["TextDetections"]) == (4 if pieces else 0)
