"""The recognizer as a whole: an image's bytes in, the answer of DetectLabels or DetectText out.

The models are loaded once, and threads of our own ask them: one for labels,
which take a tenth of a second, and for text, which takes seconds, as many as
there are processors. Who waits longer than WAIT_SECONDS gets no answer, and is
told to slow down as by Rekognition's quota; but the work goes on, and who asks
again gets what was found. So nothing is done twice, however busy the machine.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import threading
import time
from collections import OrderedDict
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from queue import SimpleQueue
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

WAIT_SECONDS = 15.0
"""Well below the time after which a client gives up an answer: the workers do after 30 s."""

MAX_AT_ONCE = 4
"""Each call takes some hundred megabytes of memory beside the models."""
MAX_WAITING = 16
"""So many pictures are held at the most, of up to 15 MB each."""
MAX_KEPT = 1000
"""So many answers are kept for who asks again, of some kilobytes each."""
CLOSING_SECONDS = 3.0
"""How long the process's end waits for a model: it cannot be interrupted, and aborts loudly."""

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
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._asked: OrderedDict[tuple[str, str], Future[dict[str, Any]]] = OrderedDict()
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._labels: SimpleQueue[_Call | None] = SimpleQueue()
        self._texts: SimpleQueue[_Call | None] = SimpleQueue()
        of_texts = at_once or min(os.cpu_count() or 1, MAX_AT_ONCE)
        self._threads = [
            threading.Thread(target=self._work, args=(queue,), name=name, daemon=True)
            for name, queue in [("labels", self._labels), *[("texts", self._texts)] * of_texts]
        ]
        for thread in self._threads:
            thread.start()
        atexit.register(self.close)

    def recognize(self, operation: str, data: bytes) -> dict[str, Any] | None:
        """Return what could be a recorded answer of `operation` for an image's bytes.

        None says that it is not known yet.

        Raises:
            DecodingError: the bytes are no picture.
        """
        end = time.monotonic() + self._wait_seconds
        key = operation, hashlib.sha256(data).hexdigest()
        coming = self._asked.get(key)
        if coming is None:
            if not self._places.acquire(timeout=self._wait_seconds):
                return None
            coming = self._ask(key, operation, data)
        try:
            return coming.result(max(0.0, end - time.monotonic()))
        except (TimeoutError, CancelledError):
            return None

    def close(self) -> None:
        """Begin nothing more, let nobody wait, and wait a little for what is under way."""
        for coming in list(self._asked.values()):
            coming.cancel()
        for thread in self._threads:
            (self._labels if thread is self._threads[0] else self._texts).put(None)
        end = time.monotonic() + CLOSING_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _ask(self, key: tuple[str, str], operation: str, data: bytes) -> Future[dict[str, Any]]:
        """Hand the picture to a thread, unless somebody else just did."""
        with self._lock:
            coming = self._asked.get(key)
            if coming is not None:
                self._places.release()
                return coming
            coming = self._asked[key] = Future()
            while len(self._asked) > MAX_KEPT:
                self._asked.popitem(last=False)
        queue = self._labels if operation == "DetectLabels" else self._texts
        queue.put(_Call(key, data, coming))
        return coming

    def _work(self, queue: SimpleQueue[_Call | None]) -> None:
        while (call := queue.get()) is not None and call.answer.set_running_or_notify_cancel():
            try:
                call.answer.set_result(self._look(call.key[0], call.data))
            except Exception as error:  # noqa: BLE001 # it is the caller's, who gets it
                self._asked.pop(call.key, None)
                call.answer.set_exception(error)
            self._places.release()

    def _look(self, operation: str, data: bytes) -> dict[str, Any]:
        image = decode(data, MAX_SIDE_PIXELS)
        found = self._detector.detect(image)
        if operation == "DetectLabels":
            return to_labels(found)
        cars = [_in_pixels(box, *image.size) for box in _vehicles(found)]
        return to_detections(self._reader.read(image, cars), *image.size)


@dataclass(frozen=True)
class _Call:
    key: tuple[str, str]
    data: bytes
    answer: Future[dict[str, Any]]


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
