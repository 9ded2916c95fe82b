"""Reads the text in a picture with RapidOCR, whose models are inside its package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from rapidocr import RapidOCR

from emulator.recognizer import views
from emulator.recognizer.merging import lies_on, merge
from emulator.recognizer.text import Piece, join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from emulator.recognizer.boxes import Box
    from emulator.recognizer.text import Corners, Line
    from emulator.recognizer.views import View

SURE = 0.9
"""A line on a car that is less sure is read from close up."""
MAX_CLOSE_UPS = 3
"""So many lines at most, the most promising first."""
LEAST_LETTERS = 3
"""Shorter lines are no plates."""


class TextReader:
    """The models, loaded once; any number of threads may read at once."""

    def __init__(self, threads: int = 1) -> None:
        cv2.setNumThreads(threads)
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                # Views are as large as they have to be: no more resizing.
                "Det.limit_type": "max",
                "Det.limit_side_len": views.MAX_SIDE_PIXELS,
            }
        )

    def read(self, picture: Image.Image, cars: Sequence[Box] = ()) -> list[Line]:
        """Find the lines of text in an RGB picture, on its cars above all; all is in its pixels."""
        lines = self._lines(views.whole(picture))
        for view in views.of_cars(picture, cars):
            # Enlarged, every wheel is an O.
            lines += [line for line in self._lines(view) if len(line.letters) > 1]
        merged = merge(lines)
        unsure = [
            line
            for line in merged
            if line.score < SURE
            and len(line.letters) >= LEAST_LETTERS
            and any(line.box.inside(car) > views.MOSTLY for car in cars)
        ]
        if not unsure:
            return merged
        for line in unsure[:MAX_CLOSE_UPS]:
            for view in views.close_ups(picture, line.pieces):
                lines += [
                    found
                    for found in self._lines(view)
                    if lies_on(found, line) or lies_on(line, found)
                ]
        return merge(lines)

    def _lines(self, view: View) -> list[Line]:
        found: Any = self._engine(np.asarray(view.image)[:, :, ::-1])
        if found.boxes is None:
            return []
        return join(
            Piece(str(text), float(score), _corners(view, box))
            for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        )


def _corners(view: View, box: Any) -> Corners:
    a, b, c, d = (view.in_picture(float(x), float(y)) for x, y in box)
    return a, b, c, d
