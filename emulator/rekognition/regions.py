"""Regions of an image: how much of a box lies in one."""

from __future__ import annotations

from typing import Any

Point = tuple[float, float]


def share_inside(box: dict[str, float], region: dict[str, Any]) -> float:
    """Return the share of a box's area that lies in a region, a box or a polygon."""
    left, top = box["Left"], box["Top"]
    right, bottom = left + box["Width"], top + box["Height"]
    area = box["Width"] * box["Height"]
    if area <= 0:
        return 0.0
    corners = _corners(region)
    # Cut the region by the four sides of the box, one after the other.
    for axis, limit, keep_above in (
        (0, left, True),
        (0, right, False),
        (1, top, True),
        (1, bottom, False),
    ):
        corners = _cut(corners, axis, limit, keep_above=keep_above)
    return round(_area(corners) / area, 9)  # exactly half is exactly half


def _corners(region: dict[str, Any]) -> list[Point]:
    if region.get("Polygon"):
        return [(point.get("X", 0.0), point.get("Y", 0.0)) for point in region["Polygon"]]
    box = region["BoundingBox"]
    left, top = box.get("Left", 0.0), box.get("Top", 0.0)
    right, bottom = left + box.get("Width", 0.0), top + box.get("Height", 0.0)
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _cut(corners: list[Point], axis: int, limit: float, *, keep_above: bool) -> list[Point]:
    """Keep what lies on one side of a line (Sutherland and Hodgman)."""

    def inside(point: Point) -> bool:
        return point[axis] >= limit if keep_above else point[axis] <= limit

    kept: list[Point] = []
    for here, there in zip(corners, corners[1:] + corners[:1], strict=True):
        if inside(here):
            kept.append(here)
        if inside(here) != inside(there):
            share = (limit - here[axis]) / (there[axis] - here[axis])
            kept.append(
                (here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1]))
            )
    return kept


def _area(corners: list[Point]) -> float:
    pairs = zip(corners, corners[1:] + corners[:1], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2
