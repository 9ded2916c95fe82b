"""Which parts of a picture are read, and how large: the whole, cars, and lines that are unsure.

A reader finds text of a middling height best. A plate in a photograph of a
street is far smaller, so each car is read once more, enlarged; then its lower
part, where plates are, with more contrast; and a line that is still unsure
from close up, in several ways. What each brings was measured, see
docs/recognizer.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageOps

from emulator.recognizer.boxes import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from emulator.recognizer.text import Piece

MAX_SIDE_PIXELS = 1600
"""No view has a longer side: the reader's time and memory grow with the pixels."""
SHORT_SIDE_PIXELS = 736
"""A whole picture is enlarged to this; so RapidOCR does by itself."""

MAX_CARS = 2
LEAST_SHARE = 1 / 3
"""A second car is read if it is at least so large beside the first one."""
MOSTLY = 0.5
"""The share of a line that has to lie on a car for the line to be the car's."""
CAR_MARGIN = 0.05
CAR_PIXELS = 960
LOWER_PART_FROM = 0.45
LOWER_PART_PIXELS = 1280
TILES, CLIP_LIMIT = (8, 8), 2.0
"""Of the equalization: each tile by itself, so that a shadow is no matter."""

CLOSE_UPS = ((32, True), (48, False), (48, True), (80, True))
"""The letters' height in pixels, and whether light and dark are spread."""
LINE_MARGIN = 0.8
"""In heights of the line, to each side."""
DARK_PERCENTILE, LIGHT_PERCENTILE = 2, 98

STRIP_RATIO = 4
"""A narrower picture gets a margin: RapidOCR pads and enlarges strips without measure."""


@dataclass(frozen=True)
class View:
    """A part of a picture: its pixels as they are read, and how they lie in the picture.

    Attributes:
        scale: pixels of the view for one of the picture.
        left: of the view's left side, in the picture's pixels.
        top: likewise.
    """

    image: Image.Image
    scale: float
    left: float = 0.0
    top: float = 0.0

    def in_picture(self, x: float, y: float) -> tuple[float, float]:
        """Return where in the picture a point of the view is."""
        return self.left + x / self.scale, self.top + y / self.scale


def whole(picture: Image.Image) -> View:
    """Return all of the picture, a small one enlarged."""
    enlarged = max(1.0, SHORT_SIDE_PIXELS / min(picture.size))
    scale = min(enlarged, MAX_SIDE_PIXELS / max(picture.size))
    return _cut(picture, Box(0, 0, *picture.size), scale)


def of_cars(picture: Image.Image, cars: Iterable[Box]) -> Iterator[View]:
    """Return two views of each of the largest cars; boxes are in pixels."""
    largest = sorted(cars, key=lambda box: -box.area)[:MAX_CARS]
    for box in largest:
        if box.area < LEAST_SHARE * largest[0].area:
            return
        x, y = CAR_MARGIN * box.width, CAR_MARGIN * box.height
        around = Box(box.left - x, box.top - y, box.right + x, box.bottom + y)
        yield _cut(picture, around, CAR_PIXELS / max(around.width, around.height))
        top = box.top + LOWER_PART_FROM * box.height
        lower = Box(around.left, top, around.right, around.bottom)
        view = _cut(picture, lower, LOWER_PART_PIXELS / max(lower.width, lower.height))
        yield View(equalized(view.image), view.scale, view.left, view.top)


def close_ups(picture: Image.Image, line: Sequence[Piece]) -> Iterator[View]:
    """Return a line of text in several heights, with and without more contrast."""
    height = max(piece.height for piece in line)
    box = Box.around(point for piece in line for point in piece.corners)
    margin = LINE_MARGIN * height
    around = Box(box.left - margin, box.top - margin, box.right + margin, box.bottom + margin)
    for pixels, spread in CLOSE_UPS:
        longest = CAR_PIXELS / max(around.width, around.height)
        view = _cut(picture, around, min(pixels / height, longest))
        image = spread_out(view.image) if spread else view.image
        yield View(image, view.scale, view.left, view.top)


def equalized(image: Image.Image) -> Image.Image:
    """Even out light and dark, each part of the image by itself."""
    lab = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = cv2.createCLAHE(CLIP_LIMIT, TILES).apply(lab[:, :, 0])
    return Image.fromarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def spread_out(image: Image.Image) -> Image.Image:
    """Make the darkest of the image black and the lightest white."""
    pixels = np.asarray(image, np.float32)
    dark, light = np.percentile(pixels, (DARK_PERCENTILE, LIGHT_PERCENTILE))
    spread = (pixels - dark) * (255 / max(1.0, light - dark))
    return Image.fromarray(np.clip(spread, 0, 255).astype(np.uint8))


def _cut(picture: Image.Image, box: Box, scale: float) -> View:
    """Cut a box out of the picture, as far as it is inside, and scale it."""
    left, top = max(0, round(box.left)), max(0, round(box.top))
    right = max(left + 1, min(picture.width, round(box.right)))
    bottom = max(top + 1, min(picture.height, round(box.bottom)))
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    image = picture.resize(size, Image.Resampling.BICUBIC, (left, top, right, bottom))
    return View(with_margin(image), scale, left, top)


def with_margin(image: Image.Image) -> Image.Image:
    """Give a strip a margin below or to the right, where it moves no coordinate."""
    least = -(-max(image.size) // STRIP_RATIO)
    width, height = (max(side, least) for side in image.size)
    if (width, height) == image.size:
        return image
    return ImageOps.expand(image, (0, 0, width - image.width, height - image.height))
