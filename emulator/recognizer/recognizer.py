"""The recognizer as a whole: an image's bytes in, the answer of DetectLabels or DetectText out.

The models are loaded once. Each call uses one thread, and at most as many
run at once as there are processors, up to MAX_AT_ONCE; who waits longer than
WAIT_SECONDS gets no answer, and is told to slow down as by Rekognition's quota.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Protocol

from emulator.decoding import decode
from emulator.recognizer.labels import to_labels
from emulator.recognizer.text import to_detections

if TYPE_CHECKING:
    from PIL import Image

    from emulator.recognizer.detector import Found
    from emulator.recognizer.text import Piece

WAIT_SECONDS = 10.0
"""Well below the time after which a client gives up an answer."""

MAX_AT_ONCE = 4
"""Each call takes some hundred megabytes of memory beside the models."""

MAX_SIDE_PIXELS = 1600
"""Larger images are made smaller first: the reader's time and memory grow with the pixels."""


class ThingDetector(Protocol):
    """Finds things in an RGB image."""

    def detect(self, image: Image.Image) -> list[Found]:
        """Return the things, with boxes in shares of the image's sides."""


class PieceReader(Protocol):
    """Finds text in an RGB image."""

    def read(self, image: Image.Image) -> list[Piece]:
        """Return the pieces of text, with corners in pixels."""


class Recognizer:
    """Recognizes what is in images, several at once."""

    def __init__(
        self,
        detector: ThingDetector,
        reader: PieceReader,
        *,
        at_once: int | None = None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._detector, self._reader = detector, reader
        self._places = threading.BoundedSemaphore(at_once or min(os.cpu_count() or 1, MAX_AT_ONCE))
        self._wait_seconds = wait_seconds

    def recognize(self, operation: str, data: bytes) -> dict[str, Any] | None:
        """Return what could be a recorded answer of `operation` for an image's bytes.

        None says that too many others wait already.
        """
        if not self._places.acquire(timeout=self._wait_seconds):
            return None
        try:
            image = decode(data, MAX_SIDE_PIXELS)
            if operation == "DetectLabels":
                return to_labels(self._detector.detect(image))
            return to_detections(self._reader.read(image), *image.size)
        finally:
            self._places.release()
