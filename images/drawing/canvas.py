"""A picture drawn at a multiple of its size, so that its edges come out smooth."""

from __future__ import annotations

import dataclasses
import functools
import importlib.resources
import math
import re
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 1024, 683
SCALE = 3
CURVE_STEPS = 16

Point: TypeAlias = tuple[float, float]
Color: TypeAlias = tuple[int, int, int]
Paint: TypeAlias = "str | Color | Gradient"


@dataclasses.dataclass(frozen=True)
class Gradient:
    """A color that changes from top to bottom of the shape that it fills."""

    top: str | Color
    bottom: str | Color


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the finished picture."""

    left: float
    top: float
    right: float
    bottom: float

    def around(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of text in the picture, and where its words stand."""

    text: str
    box: Box
    words: tuple[tuple[str, Box], ...]


def rgb(color: str | Color) -> Color:
    """Return a color's three numbers."""
    return ImageColor.getrgb(color)[:3] if isinstance(color, str) else color


def mix(one: str | Color, other: str | Color, share: float) -> Color:
    """Return `one` with `share` (0 to 1) of `other` in it."""
    a, b = rgb(one), rgb(other)
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def path(description: str) -> list[Point]:
    """Return the corners of a closed outline written as SVG does (M, L, C, absolute)."""
    corners: list[Point] = []
    for command, numbers in re.findall(r"([MLC])([^MLC]*)", description):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        points = list(zip(values[::2], values[1::2], strict=True))
        if command in "ML":
            corners += points
            continue
        for index in range(0, len(points), 3):
            corners += _curve(corners[-1], *points[index : index + 3])
    return corners


def _curve(start: Point, one: Point, two: Point, end: Point) -> list[Point]:
    points = []
    for step in range(1, CURVE_STEPS + 1):
        t = step / CURVE_STEPS
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        four = (start, one, two, end)
        x, y = (sum(w * p[axis] for w, p in zip(weights, four, strict=True)) for axis in (0, 1))
        points.append((x, y))
    return points


def ring(center: Point, radius_x: float, radius_y: float | None = None) -> list[Point]:
    """Return the corners of an ellipse."""
    radius_y = radius_x if radius_y is None else radius_y
    turns = [math.tau * step / 72 for step in range(72)]
    return [(center[0] + radius_x * math.cos(t), center[1] + radius_y * math.sin(t)) for t in turns]


def slab(left: float, top: float, right: float, bottom: float, radius: float = 0) -> list[Point]:
    """Return the corners of a rectangle, rounded by `radius`."""
    if not radius:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    corners = []
    for x, y, start in (
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 90),
        (left + radius, top + radius, 180),
        (right - radius, top + radius, 270),
    ):
        for step in range(0, 91, 10):
            turn = math.radians(start + step)
            corners.append((x + radius * math.cos(turn), y + radius * math.sin(turn)))
    return corners


@functools.cache
def font(size: float, weight: str) -> ImageFont.FreeTypeFont:
    """Return Manrope, a free font, at the picture's own resolution."""
    file = importlib.resources.files("font_manrope") / "files" / f"Manrope-{weight}.ttf"
    with importlib.resources.as_file(file) as name:
        return ImageFont.truetype(
            str(name), round(size * SCALE), layout_engine=ImageFont.Layout.BASIC
        )


class Canvas:
    """What is drawn upon. All coordinates are pixels of the finished picture."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), "white")

    def fill(
        self, points: Sequence[Point], paint: Paint, opacity: float = 1, blur: float = 0
    ) -> Box:
        """Fill an outline and return its box, cut to the picture."""
        return self.fill_all([points], paint, opacity, blur)

    def fill_all(
        self,
        outlines: Sequence[Sequence[Point]],
        paint: Paint,
        opacity: float = 1,
        blur: float = 0,
    ) -> Box:
        """Fill several outlines as if they were one shape."""
        xs = [point[0] * SCALE for outline in outlines for point in outline]
        ys = [point[1] * SCALE for outline in outlines for point in outline]
        margin = math.ceil(blur * SCALE * 3)
        left, top = math.floor(min(xs)) - margin, math.floor(min(ys)) - margin
        size = math.ceil(max(xs)) + margin - left + 1, math.ceil(max(ys)) + margin - top + 1
        mask = Image.new("L", size)
        for outline in outlines:
            corners = [(x * SCALE - left, y * SCALE - top) for x, y in outline]
            ImageDraw.Draw(mask).polygon(corners, fill=round(255 * opacity))
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * SCALE))
        self.image.paste(_painted(paint, size), (left, top), mask)
        return _cut(Box(min(xs), min(ys), max(xs), max(ys)))

    def shadow(self, center: Point, radius_x: float, radius_y: float, opacity: float = 0.4) -> None:
        """Darken the ground under a thing."""
        self.fill(ring(center, radius_x, radius_y), "#0b1020", opacity, blur=radius_y / 2)

    def glow(self, center: Point, radius: float, color: str, opacity: float) -> None:
        """Lighten the air round a lamp."""
        self.fill(ring(center, radius), color, opacity, blur=radius / 3)

    def text(
        self,
        center: Point,
        text: str,
        size: float,
        paint: str | Color,
        *,
        weight: str = "Bold",
        blur: float = 0,
        opacity: float = 1,
    ) -> Line:
        """Write a line of text round a point and say where each word stands."""
        face = font(size, weight)
        left, top, right, bottom = face.getbbox(text)
        x = center[0] * SCALE - (left + right) / 2
        y = center[1] * SCALE - (top + bottom) / 2
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).text((x, y), text, fill=255, font=face)
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * SCALE))
        if opacity < 1:
            mask = ImageChops.multiply(mask, Image.new("L", mask.size, round(255 * opacity)))
        self.image.paste(rgb(paint), (0, 0), mask)
        words, start = [], 0
        for word in text.split():
            start = text.index(word, start)
            shift = face.getlength(text[:start])
            a, b, c, d = face.getbbox(word)
            words.append((word, _cut(Box(x + shift + a, y + b, x + shift + c, y + d))))
            start += len(word)
        return Line(text, _cut(Box(x + left, y + top, x + right, y + bottom)), tuple(words))

    def finished(self) -> Image.Image:
        """Return the picture at its own size."""
        return self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _painted(paint: Paint, size: tuple[int, int]) -> Image.Image:
    if not isinstance(paint, Gradient):
        return Image.new("RGB", size, rgb(paint))
    ramp = Image.linear_gradient("L").resize(size)
    top, bottom = (Image.new("RGB", size, rgb(color)) for color in (paint.top, paint.bottom))
    return Image.composite(bottom, top, ramp)


def _cut(box: Box) -> Box:
    return Box(
        max(box.left / SCALE, 0),
        max(box.top / SCALE, 0),
        min(box.right / SCALE, WIDTH),
        min(box.bottom / SCALE, HEIGHT),
    )
