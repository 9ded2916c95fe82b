"""PieceReader the text in an image with RapidOCR, whose models are inside its package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image, ImageOps
from rapidocr import RapidOCR

from emulator.recognizer.text import Piece

if TYPE_CHECKING:
    from emulator.recognizer.text import Corners

# RapidOCR enlarges the shorter side to hundreds of pixels. Of an image that is
# a narrow strip this makes one of a hundred million pixels, so a strip gets a margin.
MAX_SIDE_RATIO = 4


class TextReader:
    """The models, loaded once; any number of threads may read at once."""

    def __init__(self, threads: int = 1) -> None:
        cv2.setNumThreads(threads)
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, image: Image.Image) -> list[Piece]:
        """Find the pieces of text in an RGB image; corners are in its pixels."""
        padded = with_margin(image)
        found: Any = self._engine(np.asarray(padded)[:, :, ::-1])
        if found.boxes is None:
            return []
        return [
            Piece(str(text), float(score), _corners(box))
            for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        ]


def with_margin(image: Image.Image) -> Image.Image:
    """Give a strip a margin below or to the right, where it moves no coordinate."""
    least = -(-max(image.size) // MAX_SIDE_RATIO)
    width, height = (max(side, least) for side in image.size)
    if (width, height) == image.size:
        return image
    return ImageOps.expand(image, (0, 0, width - image.width, height - image.height))


def _corners(box: Any) -> Corners:
    a, b, c, d = ((float(x), float(y)) for x, y in box)
    return a, b, c, d
