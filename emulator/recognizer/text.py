"""From pieces of text to DetectText: pieces that follow each other make a LINE with its WORDs.

A piece is what the reader found in one go: a quadrilateral with its corners in
the order of reading, and the text in it. A plate such as `383 WJP` often comes
in two pieces; a person, and Rekognition, reads one line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from emulator.recognizer.boxes import Box

if TYPE_CHECKING:
    from collections.abc import Iterable

MODEL_VERSION = "carscribe-recognizer-1"
"""Says plainly that it is not Rekognition's model that answered."""

# In heights of the higher piece: how far the second may begin behind the end of
# the first. Readers draw their boxes wider than the letters, so that words of
# one line may overlap.
MAX_GAP, MAX_OVERLAP = 0.75, 0.75
MAX_OFFSET = 0.4
MAX_HEIGHT_RATIO = 1.6
MAX_TURN_DEGREES = 20.0

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]
"""The first letter's upper left corner, and on from there with the clock."""


@dataclass(frozen=True)
class Piece:
    """Some text, how sure the reader is (0 to 1), and where it is, in pixels."""

    text: str
    score: float
    corners: Corners

    @property
    def start(self) -> Point:
        """The middle of the side where it begins."""
        return _between(self.corners[0], self.corners[3], 0.5)

    @property
    def end(self) -> Point:
        """The middle of the side where it ends."""
        return _between(self.corners[1], self.corners[2], 0.5)

    @property
    def height(self) -> float:
        """The mean of both sides' lengths."""
        a, b, c, d = self.corners
        return (math.dist(a, d) + math.dist(b, c)) / 2

    @property
    def angle(self) -> float:
        """The direction of reading in radians, with the clock."""
        return math.atan2(self.end[1] - self.start[1], self.end[0] - self.start[0])


@dataclass(frozen=True)
class Line:
    """Pieces that follow each other, at least one."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The pieces' texts with blanks between them."""
        return " ".join(" ".join(piece.text.split()) for piece in self.pieces)

    @property
    def letters(self) -> str:
        """What the text is compared by: letters and digits alone, if it has any."""
        text = self.text.casefold()
        return "".join(letter for letter in text if letter.isalnum()) or text

    @property
    def score(self) -> float:
        """How sure the reader is (0 to 1); every letter counts the same."""
        letters = sum(len(piece.text) for piece in self.pieces)
        return sum(piece.score * len(piece.text) for piece in self.pieces) / letters

    @property
    def corners(self) -> Corners:
        """Those of a piece that is as long as the line."""
        first, last = self.pieces[0].corners, self.pieces[-1].corners
        return first[0], last[1], last[2], first[3]

    @property
    def box(self) -> Box:
        """The level box around it, in pixels."""
        return Box.around(point for piece in self.pieces for point in piece.corners)


def to_detections(lines: Iterable[Line], width: int, height: int) -> dict[str, Any]:
    """Return what DetectText answers for an image of this size: lines first, then their words."""
    ordered = in_reading_order(lines)
    size = (width, height)
    detections, words = [], []
    for number, line in enumerate(ordered):
        whole = Piece(line.text, line.score, line.corners)
        detections.append(_detection(whole, "LINE", number, size))
        words += [(word, number) for piece in line.pieces for word in split(piece)]
    for number, (word, parent) in enumerate(words, start=len(ordered)):
        detections.append({**_detection(word, "WORD", number, size), "ParentId": parent})
    return {"TextDetections": detections, "TextModelVersion": MODEL_VERSION}


def join(found: Iterable[Piece]) -> list[Line]:
    """Put pieces that follow each other on one line together; those without a letter are none."""
    pieces = [piece for piece in found if piece.text.split()]
    followers: dict[int, int] = {}
    taken: set[int] = set()
    for number, piece in enumerate(pieces):
        candidates = [
            (gap, other)
            for other, next_piece in enumerate(pieces)
            if other != number and (gap := _gap(piece, next_piece)) is not None
        ]
        for _, other in sorted(candidates):
            if other not in taken and not _leads_to(followers, other, number):
                followers[number] = other
                taken.add(other)
                break
    lines = []
    for first in range(len(pieces)):
        if first in taken:
            continue
        line, at = [pieces[first]], first
        while at in followers:
            at = followers[at]
            line.append(pieces[at])
        lines.append(Line(tuple(_without_repeated_words(line))))
    return lines


def _without_repeated_words(pieces: list[Piece]) -> list[Piece]:
    """Leave out a piece's last word where it is the beginning of the next one, read twice."""
    kept = []
    for piece, after in pairwise(pieces):
        *words, last = split(piece)
        lies_on_the_next = math.dist(last.end, after.end) < math.dist(after.start, after.end)
        if words and lies_on_the_next and after.text.startswith(last.text):
            text = piece.text[: piece.text.rindex(last.text)].rstrip()
            a, b, c, d = piece.corners
            share = len(text) / len(piece.text)
            corners = (a, _between(a, b, share), _between(d, c, share), d)
            kept.append(Piece(text, piece.score, corners))
        else:
            kept.append(piece)
    return [*kept, pieces[-1]]


def in_reading_order(lines: Iterable[Line]) -> list[Line]:
    """Sort lines from top to bottom, and from left to right those side by side."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=_middle):
        if rows and _middle(line) - _middle(rows[-1][0]) < rows[-1][0].pieces[0].height / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.pieces[0].start)]


def split(piece: Piece) -> list[Piece]:
    """Cut a piece at its blanks; the reader does not say where, so every letter counts the same."""
    length, at, words = len(piece.text), 0, []
    a, b, c, d = piece.corners
    for word in piece.text.split():
        first = piece.text.index(word, at)
        at = first + len(word)
        start, end = first / length, at / length
        corners = (
            _between(a, b, start),
            _between(a, b, end),
            _between(d, c, end),
            _between(d, c, start),
        )
        words.append(Piece(word, piece.score, corners))
    return words


def _gap(piece: Piece, after: Piece) -> float | None:
    """Return how far the second begins behind the first, if it goes on with its line."""
    high, low = max(piece.height, after.height), min(piece.height, after.height)
    if low <= 0 or high / low > MAX_HEIGHT_RATIO:
        return None
    turn = math.remainder(after.angle - piece.angle, math.tau)
    if abs(turn) > math.radians(MAX_TURN_DEGREES):
        return None
    # Where the second begins, seen from the first one's end along its direction.
    cos, sin = math.cos(piece.angle), math.sin(piece.angle)
    x, y = after.start[0] - piece.end[0], after.start[1] - piece.end[1]
    along, across = x * cos + y * sin, y * cos - x * sin
    near = -MAX_OVERLAP * high <= along <= MAX_GAP * high and abs(across) <= MAX_OFFSET * high
    goes_on = math.dist(piece.start, after.end) > max(
        math.dist(piece.start, piece.end), math.dist(after.start, after.end)
    )
    return along if near and goes_on else None


def _leads_to(followers: dict[int, int], first: int, last: int) -> bool:
    while first in followers:
        first = followers[first]
        if first == last:
            return True
    return False


def _middle(line: Line) -> float:
    return (line.pieces[0].start[1] + line.pieces[0].end[1]) / 2


def _detection(piece: Piece, kind: str, number: int, size: tuple[int, int]) -> dict[str, Any]:
    xs = [min(1.0, max(0.0, x / size[0])) for x, _ in piece.corners]
    ys = [min(1.0, max(0.0, y / size[1])) for _, y in piece.corners]
    return {
        "DetectedText": piece.text,
        "Type": kind,
        "Id": number,
        "Confidence": min(100.0, max(0.0, piece.score * 100)),
        "Geometry": {
            "BoundingBox": {
                "Width": max(xs) - min(xs),
                "Height": max(ys) - min(ys),
                "Left": min(xs),
                "Top": min(ys),
            },
            "Polygon": [{"X": x, "Y": y} for x, y in zip(xs, ys, strict=True)],
        },
    }


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
