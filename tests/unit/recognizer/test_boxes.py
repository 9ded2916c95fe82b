"""Rectangles and what they share."""

from __future__ import annotations

import pytest

from emulator.recognizer.boxes import Box


@pytest.mark.parametrize(
    ("one", "other", "overlap", "inside"),
    [
        (Box(0, 0, 10, 10), Box(0, 0, 10, 10), 1.0, 1.0),
        (Box(0, 0, 10, 10), Box(0, 5, 10, 15), 1 / 3, 0.5),
        (Box(2, 2, 4, 4), Box(0, 0, 10, 10), 0.04, 1.0),
        (Box(0, 0, 10, 10), Box(10, 0, 20, 10), 0.0, 0.0),
        (Box(0, 0, 10, 10), Box(20, 20, 30, 30), 0.0, 0.0),
        (Box(5, 5, 5, 5), Box(0, 0, 10, 10), 0.0, 0.0),
    ],
)
def test_what_boxes_share(one: Box, other: Box, overlap: float, inside: float) -> None:
    """As a share of what either covers, and of the first one; empty boxes share nothing."""
    assert one.overlap(other) == pytest.approx(overlap)
    assert other.overlap(one) == pytest.approx(overlap)
    assert one.inside(other) == pytest.approx(inside)


def test_a_box_around_points() -> None:
    """It ends where the outermost points are."""
    assert Box.around([(3, 1), (1, 4), (2, 2)]) == Box(1, 1, 3, 4)
