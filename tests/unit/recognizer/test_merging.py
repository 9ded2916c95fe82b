"""What several views of a picture gave, made one list of lines."""

from __future__ import annotations

import math
from itertools import permutations

import pytest

from emulator.recognizer.merging import merge
from emulator.recognizer.text import Line, Piece


def line(
    text: str,
    left: float = 0,
    *,
    top: float = 0,
    width: float = 100,
    height: float = 20,
    score: float = 0.9,
    degrees: float = 0,
) -> Line:
    """Make a line of one piece, turned around its beginning with the clock."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    a, b, c, d = (
        (left + x * cos - y * sin, top + x * sin + y * cos)
        for x, y in ((0, 0), (width, 0), (width, height), (0, height))
    )
    return Line((Piece(text, score, (a, b, c, d)),))


def texts(*lines: Line) -> list[str]:
    """Merge the lines; return their texts, sorted. The order of what came in is no matter."""
    found = {tuple(sorted(one.text for one in merge(some))) for some in permutations(lines)}
    assert len(found) == 1
    return list(found.pop())


def test_lines_in_different_places_all_stay() -> None:
    """Also two that read the same."""
    assert texts(line("GO 77"), line("GO 77", 200), line("TAXI", 0, top=30)) == [
        "GO 77",
        "GO 77",
        "TAXI",
    ]


def test_a_place_read_twice_is_one_line() -> None:
    """The surest of the readings that agree stays as it is, with its own marks."""
    (kept,) = merge([line("GO 77", score=0.8), line("GO·77", 3, score=0.95)])
    assert kept.text == "GO·77"
    assert kept.score == pytest.approx(0.95)


def test_readings_of_a_place_vote() -> None:
    """Two that agree outweigh one that is as sure, however the blanks and marks fall."""
    assert texts(line("GO-77", 2), line("G077"), line("GO 77", 4, score=0.91)) == ["GO 77"]


def test_a_sure_reading_outweighs_two_unsure_ones() -> None:
    """A vote counts by how rarely such a reading is wrong."""
    assert texts(line("K 131", score=0.99), line("BK131", score=0.6), line("BK131", score=0.6)) == [
        "K 131"
    ]


def test_no_reading_is_so_sure_that_it_outvotes_all() -> None:
    """A score of one is not infinitely sure."""
    sure, others = line("GO 71", score=1.0), [line("GO 77", score=0.99)] * 2
    assert texts(sure, *others) == ["GO 77"]


def test_half_a_plate_gives_way_to_the_whole() -> None:
    """Even if the half was read more surely, and more often."""
    halves = [line("383", width=40, score=0.99)] * 3
    assert texts(*halves, line("383 WJP", score=0.85)) == ["383 WJP"]


def test_what_lies_on_a_better_line_is_dropped() -> None:
    """A letter that the country's mark was taken for, or a long line that covers two."""
    assert texts(line("D", 2, width=15, score=0.99), line("KA 1313", score=0.97)) == ["KA 1313"]
    assert texts(line("MH", top=-10, height=40, score=0.55), line("KA 1313", score=0.97)) == [
        "KA 1313"
    ]


def test_an_unsure_line_displaces_no_sure_one() -> None:
    """Though it has more letters and was read more often: it would not count in the end."""
    unsure = [line("OORTHMAMISMAM", top=8, score=0.75)] * 3
    assert texts(*unsure, line("WJP", 5, width=40, score=0.85)) == ["WJP"]


def test_tilted_lines_above_each_other_both_stay() -> None:
    """Though the level boxes around them overlap."""
    upper, lower = line("FLORIDA 2014", degrees=20), line("383 WJP", 0, top=25, degrees=20)
    assert texts(upper, lower) == ["383 WJP", "FLORIDA 2014"]


def test_nothing_merges_to_nothing() -> None:
    """A picture without text has no lines."""
    assert merge([]) == []
