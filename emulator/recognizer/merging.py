"""Makes one list of lines of what several views of a picture gave.

The same line is read in several views, and not everywhere alike. Readings of
one place vote: the surer a reading, the more it counts. Places that lie on
each other are one: the one with more and surer letters stays.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.recognizer.text import Line

SAME_PLACE = 0.5
"""Lines that share more of what they cover are readings of one place."""
ON_ANOTHER = 0.5
"""A line of which more lies on a better one is dropped."""
SURE_ENOUGH = 0.8
"""A line that is less sure displaces none that is: the pipeline would not count it."""
SUREST = 0.995
"""Of a score; what is above counts no more, lest one reading outvote all."""


def merge(readings: Iterable[Line]) -> list[Line]:
    """Return the lines, each once, those with most letters read most surely first."""
    lines = _without_parts(list(readings))
    lines.sort(key=lambda line: -line.score * len(line.letters))
    places: list[list[Line]] = []
    for line in lines:
        for place in places:
            if _same_place(line, place[0]):
                place.append(line)
                break
        else:
            places.append([line])
    elected = [_elect(place) for place in places]
    elected.sort(key=lambda one: (one[1].score < SURE_ENOUGH, -one[0]))
    kept: list[Line] = []
    for _, line in elected:
        if not any(lies_on(line, other) or lies_on(other, line) for other in kept):
            kept.append(line)
    return kept


def _elect(place: list[Line]) -> tuple[float, Line]:
    """Return what the readings of one place agree on, and what weight it has."""
    votes: defaultdict[str, float] = defaultdict(float)
    for line in place:
        votes[line.letters] -= math.log(1 - min(line.score, SUREST))
    best = max(votes, key=lambda letters: votes[letters])
    surest = max((line for line in place if line.letters == best), key=lambda line: line.score)
    return sum(votes.values()) * len(best), surest


def _without_parts(lines: list[Line]) -> list[Line]:
    """Leave out half a plate that another view has whole."""
    return [
        line
        for line in lines
        if not any(
            len(line.letters) < len(other.letters)
            and line.letters in other.letters
            and lies_on(line, other)
            and not _same_place(line, other)
            for other in lines
        )
    ]


def lies_on(line: Line, other: Line) -> bool:
    """Say whether most of a line lies on another one."""
    both, own, _ = _areas(line, other)
    return both > ON_ANOTHER * own


def _same_place(line: Line, other: Line) -> bool:
    both, own, others = _areas(line, other)
    return both > SAME_PLACE * (own + others - both)


def _areas(line: Line, other: Line) -> tuple[float, float, float]:
    """Return what both lines cover, and each of them; lines may be tilted."""
    first, second = _outline(line), _outline(other)
    both, _ = cv2.intersectConvexConvex(first, second)
    return both, cv2.contourArea(first), cv2.contourArea(second)


def _outline(line: Line) -> Any:
    corners = [point for piece in line.pieces for point in piece.corners]
    return cv2.convexHull(np.array(corners, np.float32))
