"""One image: have DetectText read it, as it was listed or not at all, and keep its texts.

A small picture is downloaded and passed as bytes. A large one is passed as a
reference to its object: as bytes it would cost this host its network and some
four times its size in memory. Rekognition then reads whatever is there, so B
looks at the object before and after.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from carscribe_common.errors import AmbiguousError, ImageError
from carscribe_common.rules import confidence_of, counting_lines, escape, result_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_rekognition.type_defs import ImageTypeDef
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

    from carscribe_common.aws import Caller
    from carscribe_common.protocol import Car
    from carscribe_worker_b.settings import SettingsB

IN_MEMORY_BYTES = 16 * 1024 * 1024
"""So many bytes of pictures are held at once at the most: a small host has 1 GiB. A call holds
its picture in base64 too, and in JSON while it is made."""


@dataclass(frozen=True, slots=True)
class TextResult:
    """What came of one message; it settles its n.

    Attributes:
        car: which image.
        text: all detections, or None if there is a failure.
        line: what stands behind the key in output.txt, or None.
        failure: reason and detail, if it could not be read.
        billed: whether DetectText was paid for.
        at: when, seconds since the epoch.
        seconds: how long it took.
    """

    car: Car
    text: list[dict[str, Any]] | None
    line: str | None
    failure: dict[str, str] | None
    billed: bool
    at: float
    seconds: float


class ByteBudget:
    """So many bytes at once; who needs more waits. Used by all threads."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Wait until so many bytes are free, and take them for the length of the block."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()


def detect_text(aws: Caller, settings: SettingsB, memory: ByteBudget, car: Car) -> TextResult:
    """Return the text on an image, or why that cannot be said.

    Raises:
        WorkerExit: the set-up's fault, or nothing succeeds any more.
        ShutdownRequested: the worker was told to end.
    """
    began = time.monotonic()
    detection = _Detection(aws, settings.bucket, car)
    failure: ImageError | None = None
    try:
        detection.run(settings.text_download_max_bytes, memory)
    except ImageError as own:
        failure = own
    except AmbiguousError as error:
        meaning = aws.resolve_ambiguous(error, settings.bucket, car.key, car.etag)
        if not isinstance(meaning, ImageError):
            raise meaning from error
        failure = meaning
    found = detection.found or []
    lines = counting_lines(found, settings.text_confidence_percent)
    return TextResult(
        car=car,
        text=None if failure else [_as_record(text) for text in found],
        line=result_text(lines) if lines and not failure else None,
        failure={"reason": failure.reason, "detail": failure.detail} if failure else None,
        billed=detection.found is not None,
        at=round(time.time(), 3),
        seconds=round(time.monotonic() - began, 3),
    )


class _Detection:
    """The calls about one image.

    Attributes:
        found: what DetectText answered, once it did: from then on it is paid for.
    """

    def __init__(self, aws: Caller, bucket: str, car: Car) -> None:
        self._aws = aws
        self._bucket = bucket
        self._car = car
        self._name = escape(car.key)
        self.found: list[Any] | None = None

    def run(self, download_max_bytes: int, memory: ByteBudget) -> None:
        before = self._head() if self._car.size is None else None
        size = before["ContentLength"] if before else self._car.size or 0
        if size <= download_max_bytes:
            with memory.hold(size):
                self._ask({"Bytes": self._download(size)})
            return
        before = before or self._head()
        self._ask({"S3Object": {"Bucket": self._bucket, "Name": self._car.key}}, of_object=True)
        after = self._head()
        for member in ("LastModified", "VersionId"):
            if before.get(member) != after.get(member):
                raise _changed()

    def _head(self) -> HeadObjectOutputTypeDef:
        head = self._aws(
            self._aws.s3.head_object,
            f"look at {self._name}",
            of_object=True,  # not about_image: that Rekognition may read it is not said
            Bucket=self._bucket,
            Key=self._car.key,
        )
        if head["ETag"] != self._car.etag:
            raise _changed()
        return head

    def _download(self, size: int) -> bytes:
        def attempt() -> bytes:
            answer = self._aws.s3.get_object(
                Bucket=self._bucket, Key=self._car.key, IfMatch=self._car.etag
            )
            # Not `with answer["Body"]`: that gives urllib3's stream, past botocore's own checks.
            with closing(answer["Body"]) as body:
                if answer["ContentLength"] != size:  # more than memory was taken for, perhaps
                    raise ImageError("changed", "its size is not the one in its message")
                return body.read()

        data = self._aws.until_done(
            attempt, f"download {self._name}", about_image=True, of_object=True
        )
        if not data:
            raise ImageError("invalid-image", "it is empty")
        return data

    def _ask(self, image: ImageTypeDef, *, of_object: bool = False) -> None:
        answer = self._aws(
            self._aws.rekognition.detect_text,
            f"ask for the text of {self._name}",
            expect="TextDetections",
            about_image=True,
            of_object=of_object,
            Image=image,
        )
        self.found = list(answer["TextDetections"])


def _changed() -> ImageError:
    return ImageError("changed", "it was replaced while the run was going on")


def _as_record(detection: Mapping[str, Any]) -> dict[str, Any]:
    box = detection.get("Geometry", {}).get("BoundingBox", {})
    return {
        "type": detection["Type"],
        "id": detection["Id"],
        "parent_id": detection.get("ParentId"),
        "text": detection["DetectedText"],
        "confidence": confidence_of(detection),
        "box": {name.lower(): value for name, value in box.items()},
    }
