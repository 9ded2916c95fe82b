"""Finds things in an image with the CenterNet: what goes in, and what its maps mean.

The detector takes 512x512 pixels and gives two maps of 128x128 cells: for
each cell how sure it is that a thing of each of COCO's 80 classes has its
middle there, and how far from there the thing's four sides are, in pixels.

The image keeps its proportions and black fills the rest of the square: of the
ways to fill the square that were measured this one finds the most cars, see
docs/recognizer.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from PIL import Image

from emulator.recognizer.boxes import Box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

SIDE_PIXELS = 512
CELL_PIXELS = 4
LEAST_SCORE = 0.1
MAX_FOUND = 100
OVERLAP = 0.5
"""Two boxes of a class that share more of what they cover are one thing."""


@dataclass(frozen=True)
class Found:
    """A thing: the number of its class, how sure the detector is (0 to 1), and its box."""

    kind: int
    score: float
    box: Box


class Detector:
    """The model, loaded once; any number of threads may use it at once."""

    def __init__(self, model: bytes, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def detect(self, image: Image.Image) -> list[Found]:
        """Find the things in an RGB image, the surest first; boxes are shares of its sides."""
        square, inside = letterbox(image)
        pixels = np.asarray(square, np.float32)[np.newaxis]
        sizes, scores = self._session.run(None, {self._input: pixels})
        found = distinct(decode(sizes[0], scores[0]))
        return [thing for one in found if (thing := _in_image(one, inside)).box.area > 0]


def letterbox(image: Image.Image) -> tuple[Image.Image, Box]:
    """Return the detector's square, and in pixels where in it the image is."""
    scale = SIDE_PIXELS / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    left, top = (SIDE_PIXELS - width) // 2, (SIDE_PIXELS - height) // 2
    square = Image.new("RGB", (SIDE_PIXELS, SIDE_PIXELS))
    square.paste(image.resize((width, height), Image.Resampling.BILINEAR), (left, top))
    return square, Box(left, top, left + width, top + height)


def decode(sizes: NDArray[Any], scores: NDArray[Any]) -> list[Found]:
    """Turn the two maps into things, the surest first; boxes are in pixels of the square.

    A cell is the middle of a thing if it is as sure as each of its neighbors.
    """
    rows, columns, kinds = np.nonzero(scores >= LEAST_SCORE)
    padded = np.pad(scores, ((1, 1), (1, 1), (0, 0)), constant_values=0.0)
    found = []
    for row, column, kind in zip(rows, columns, kinds, strict=True):
        score = scores[row, column, kind]
        if score < padded[row : row + 3, column : column + 3, kind].max():
            continue
        left, top, right, bottom = (float(side) for side in sizes[row, column])
        x, y = int(column) * CELL_PIXELS, int(row) * CELL_PIXELS
        box = Box(x - left, y - top, x + right, y + bottom)
        found.append(Found(int(kind), float(score), box))
    found.sort(key=lambda thing: -thing.score)
    return found[:MAX_FOUND]


def distinct(found: Iterable[Found]) -> list[Found]:
    """Leave out what is the same thing as a surer one."""
    kept: list[Found] = []
    for thing in found:
        if not any(
            thing.kind == other.kind and thing.box.overlap(other.box) > OVERLAP for other in kept
        ):
            kept.append(thing)
    return kept


def _in_image(thing: Found, inside: Box) -> Found:
    width, height = inside.right - inside.left, inside.bottom - inside.top

    def share(value: float, start: float, length: float) -> float:
        return min(1.0, max(0.0, (value - start) / length))

    box = Box(
        share(thing.box.left, inside.left, width),
        share(thing.box.top, inside.top, height),
        share(thing.box.right, inside.left, width),
        share(thing.box.bottom, inside.top, height),
    )
    return Found(thing.kind, thing.score, box)
