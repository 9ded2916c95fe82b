"""Rectangles, and how much of them lies on another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Box:
    """A rectangle, in whatever unit its owner says."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, points: Iterable[tuple[float, float]]) -> Box:
        """Return the smallest box that holds all points."""
        xs, ys = zip(*points, strict=True)
        return cls(min(xs), min(ys), max(xs), max(ys))

    @property
    def width(self) -> float:
        """From left to right; nothing if it is inside out."""
        return max(0.0, self.right - self.left)

    @property
    def height(self) -> float:
        """From top to bottom; nothing if it is inside out."""
        return max(0.0, self.bottom - self.top)

    @property
    def area(self) -> float:
        """What it covers."""
        return self.width * self.height

    def shared(self, other: Box) -> float:
        """Return what both cover."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        ).area

    def overlap(self, other: Box) -> float:
        """Return what both cover as a share of what either covers."""
        both = self.shared(other)
        either = self.area + other.area - both
        return both / either if either else 0.0

    def inside(self, other: Box) -> float:
        """Return the share of this box that lies in the other."""
        return self.shared(other) / self.area if self.area else 0.0
