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
from emulator.recognizer.boxes import Box
from emulator.recognizer.detector import Found, distinct
from emulator.recognizer.labels import to_labels
from emulator.recognizer.text import to_detections

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PIL import Image

    from emulator.recognizer.text import Line

WAIT_SECONDS = 10.0
"""Well below the time after which a client gives up an answer."""

MAX_AT_ONCE = 4
"""Each call takes some hundred megabytes of memory beside the models."""

MAX_SIDE_PIXELS = 3200
"""Larger pictures are made smaller first; far cars' plates need what is left."""

VEHICLES = {2, 5, 7}
"""Cars, buses and trucks of COCO's classes: what is read once more, for its plate."""
LEAST_VEHICLE_SCORE = 0.2


class ThingDetector(Protocol):
    """Finds things in an RGB image."""

    def detect(self, image: Image.Image) -> list[Found]:
        """Return the things, with boxes in shares of the image's sides."""


class LineReader(Protocol):
    """Finds text in an RGB image."""

    def read(self, picture: Image.Image, cars: Sequence[Box]) -> list[Line]:
        """Return the lines of text; boxes and corners are in pixels."""


class Recognizer:
    """Recognizes what is in images, several at once."""

    def __init__(
        self,
        detector: ThingDetector,
        reader: LineReader,
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
            found = self._detector.detect(image)
            if operation == "DetectLabels":
                return to_labels(found)
            cars = [_in_pixels(box, *image.size) for box in _vehicles(found)]
            return to_detections(self._reader.read(image, cars), *image.size)
        finally:
            self._places.release()


def _vehicles(found: Iterable[Found]) -> list[Box]:
    """Return the boxes of vehicles, one for what is a car and a truck at once."""
    vehicles = [
        Found(0, thing.score, thing.box)
        for thing in found
        if thing.kind in VEHICLES and thing.score >= LEAST_VEHICLE_SCORE
    ]
    return [thing.box for thing in distinct(vehicles)]


def _in_pixels(box: Box, width: int, height: int) -> Box:
    return Box(box.left * width, box.top * height, box.right * width, box.bottom * height)
