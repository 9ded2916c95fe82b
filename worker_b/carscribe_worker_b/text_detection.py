"""One image: download it, ask Rekognition for its texts and decide."""

from __future__ import annotations

import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from carscribe_common.errors import AmbiguousError, ImageError
from carscribe_common.objects import call_until_answered, resolve_ambiguous, whole
from carscribe_common.rules import counting_lines, escape, result_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_rekognition.type_defs import ImageTypeDef

    from carscribe_common.aws import Clients
    from carscribe_common.circuit_breaker import CircuitBreaker
    from carscribe_common.cli import Shutdown
    from carscribe_common.protocol import Car
    from carscribe_worker_b.settings import SettingsB

T = TypeVar("T")

BYTES_MAX = 5 * 1024 * 1024
"""Above this an image is given by S3 reference (Rekognition API reference, Image: Bytes)."""

IN_MEMORY_BYTES = 4 * BYTES_MAX
"""So many bytes of images are held at once at the most: a small host has 1 GiB."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of one message.

    Attributes:
        car: which image.
        text: all detections, or None if there is a failure.
        line: what stands behind the key in output.txt, or None.
        failure: reason and detail, if it could not be read.
        at: when, seconds since the epoch.
        seconds: how long it took.
    """

    car: Car
    text: list[dict[str, Any]] | None
    line: str | None
    failure: dict[str, str] | None
    at: float
    seconds: float


class Reader:
    """Downloads images and asks DetectText about them. Used by all threads of the crew."""

    def __init__(
        self, settings: SettingsB, clients: Clients, evidence: CircuitBreaker, stop: Shutdown
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._evidence = evidence
        self._stop = stop
        self._memory = _Budget(IN_MEMORY_BYTES)

    def read(self, car: Car) -> Settled:
        """Return the text on an image, or why that cannot be said.

        Raises:
            WorkerExit: the set-up's fault, or nothing succeeds any more.
            ShutdownRequested: the worker was told to end.
        """
        began = time.monotonic()
        text: list[dict[str, Any]] | None = None
        line: str | None = None
        failure: dict[str, str] | None = None
        try:
            detections = self._detect(car)
            text = [_as_record(detection) for detection in detections]
            lines = counting_lines(detections, self._settings.text_confidence_percent)
            line = result_text(lines) if lines else None
        except ImageError as own:
            failure = {"reason": own.reason, "detail": own.detail}
        return Settled(
            car=car,
            text=text,
            line=line,
            failure=failure,
            at=time.time(),
            seconds=time.monotonic() - began,
        )

    def _detect(self, car: Car) -> list[Any]:
        try:
            with self._memory.share() as share:
                data = self._call(
                    lambda: self._download(car, share),
                    f"download {escape(car.key)}",
                    of_object=True,
                )
                if data is not None:
                    return self._ask(car, {"Bytes": data})
            reference: ImageTypeDef = {
                "S3Object": {"Bucket": self._settings.bucket, "Name": car.key}
            }
            detections = self._ask(car, reference)
            # Rekognition read whatever was there: was it what A looked at?
            self._call(
                lambda: self._clients.s3.head_object(
                    Bucket=self._settings.bucket, Key=car.key, IfMatch=car.etag
                ),
                f"look at {escape(car.key)}",
                of_object=True,
            )
        except AmbiguousError as fault:
            raise resolve_ambiguous(
                fault,
                self._clients.s3,
                self._settings.bucket,
                car.key,
                car.etag,
                evidence=self._evidence,
                stop=self._stop,
            ) from fault
        return detections

    def _download(self, car: Car, share: _Share) -> bytes | None:
        """Return the content that A looked at, or None if it is too large to be given as bytes."""
        answer = self._clients.s3.get_object(
            Bucket=self._settings.bucket, Key=car.key, IfMatch=car.etag
        )
        # Not `with answer["Body"]`: that gives urllib3's stream, past botocore's own checks.
        with closing(answer["Body"]) as body:
            size = answer["ContentLength"]
            if size > BYTES_MAX:
                return None
            share.take(size)
            data = body.read()
        if not data:
            raise ImageError("invalid-image", "it is empty")
        return data

    def _ask(self, car: Car, image: ImageTypeDef) -> list[Any]:
        answer: Mapping[str, Any] = self._call(
            lambda: whole(self._clients.rekognition.detect_text(Image=image), "TextDetections"),
            f"ask for the text of {escape(car.key)}",
        )
        return list(answer["TextDetections"])

    def _call(self, call: Callable[[], T], doing: str, *, of_object: bool = False) -> T:
        return call_until_answered(
            call,
            doing,
            evidence=self._evidence,
            stop=self._stop,
            about_image=True,
            of_object=of_object,
        )


class _Budget:
    """So many bytes at once; who needs more waits."""

    def __init__(self, size: int) -> None:
        self.free = size
        self.changed = threading.Condition()

    @contextmanager
    def share(self) -> Iterator[_Share]:
        share = _Share(self)
        try:
            yield share
        finally:
            share.give_back()


class _Share:
    """What one image takes of the budget."""

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self._taken = 0

    def take(self, size: int) -> None:
        self.give_back()  # of a download that was cut off before
        with self._budget.changed:
            self._budget.changed.wait_for(lambda: self._budget.free >= size)
            self._budget.free -= size
            self._taken = size

    def give_back(self) -> None:
        with self._budget.changed:
            self._budget.free += self._taken
            self._taken = 0
            self._budget.changed.notify_all()


def _as_record(detection: Mapping[str, Any]) -> dict[str, Any]:
    box = detection.get("Geometry", {}).get("BoundingBox", {})
    return {
        "type": detection["Type"],
        "id": detection["Id"],
        "parent_id": detection.get("ParentId"),
        "text": detection["DetectedText"],
        "confidence": detection["Confidence"],
        "box": {name.lower(): value for name, value in box.items()},
    }
