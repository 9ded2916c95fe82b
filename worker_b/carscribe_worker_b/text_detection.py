"""One image: have DetectText read it, as it was listed or not at all, and keep its texts.

A small picture is downloaded and passed as bytes. A large one is passed as a
reference to its object: as bytes it would cost this host its network and some
four times its size in memory. Rekognition then reads whatever is there, so B
looks at the object before and after.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from carscribe_common.errors import AmbiguousError, ImageError
from carscribe_common.picture import Picture
from carscribe_common.rules import box_of, confidence_of, counting_lines, escape, result_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_rekognition.type_defs import ImageTypeDef
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

    from carscribe_common.picture import ByteBudget
    from carscribe_common.protocol import Car
    from carscribe_common.regions import Answered, Regions
    from carscribe_worker_b.settings import SettingsB


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
        region: where Rekognition answered.
        model: the version of the model that did.
        bytes_elsewhere: so many bytes of it left the bucket's region.
    """

    car: Car
    text: list[dict[str, Any]] | None
    line: str | None
    failure: dict[str, str] | None
    billed: bool
    at: float
    seconds: float
    region: str | None = None
    model: str | None = None
    bytes_elsewhere: int = 0


def detect_text(regions: Regions, settings: SettingsB, memory: ByteBudget, car: Car) -> TextResult:
    """Return the text on an image, or why that cannot be said.

    Raises:
        WorkerExit: the set-up's fault, or nothing succeeds any more.
        ShutdownRequested: the worker was told to end.
    """
    began = time.monotonic()
    detection = _Detection(regions, settings, memory, car)
    failure: ImageError | None = None
    try:
        detection.run()
    except ImageError as own:
        failure = own
    except AmbiguousError as error:
        meaning = regions.call.resolve_ambiguous(error, settings.bucket, car.key, car.etag)
        if not isinstance(meaning, ImageError):
            raise meaning from error
        failure = meaning
    answered = detection.answered
    found = answered.answer["TextDetections"] if answered else []
    lines = counting_lines(found, settings.text_confidence_percent)
    return TextResult(
        car=car,
        text=None if failure else [_as_record(text) for text in found],
        line=result_text(lines) if lines and not failure else None,
        failure={"reason": failure.reason, "detail": failure.detail} if failure else None,
        billed=answered is not None,
        at=round(time.time(), 3),
        seconds=round(time.monotonic() - began, 3),
        region=answered and answered.region,
        model=answered and answered.answer.get("TextModelVersion"),
        bytes_elsewhere=answered.bytes_elsewhere if answered else 0,
    )


class _Detection:
    """The calls about one image.

    Attributes:
        answered: what DetectText answered, once it did: from then on it is paid for.
    """

    def __init__(self, regions: Regions, settings: SettingsB, memory: ByteBudget, car: Car) -> None:
        self._regions = regions
        self._call = regions.call
        self._download_max_bytes = settings.text_download_max_bytes
        self._picture = Picture(
            regions.call, memory, settings.bucket, car.key, car.etag, car.size or 0
        )
        self._name = escape(car.key)
        self._is_size_known = car.size is not None
        self._before: HeadObjectOutputTypeDef | None = None
        self.answered: Answered | None = None

    def run(self) -> None:
        if not self._is_size_known:
            self._before = self._head()
            self._picture = replace(self._picture, size=self._before["ContentLength"])
        is_small = self._picture.size <= self._download_max_bytes
        self.answered = self._regions.ask(
            "detect_text",
            f"ask for the text of {self._name}",
            self._picture,
            at_home=self._picture.as_bytes if is_small else self._reference,
            expect="TextDetections",
            of_object=not is_small,
        )
        if is_small or self.answered.bytes_elsewhere:
            return
        after = self._head()
        for member in ("LastModified", "VersionId"):
            if self._before is None or self._before.get(member) != after.get(member):
                raise _changed()

    @contextmanager
    def _reference(self) -> Iterator[ImageTypeDef]:
        """Give the object's place, after a look at what lies there."""
        self._before = self._before or self._head()
        with self._picture.by_reference() as image:
            yield image

    def _head(self) -> HeadObjectOutputTypeDef:
        head = self._call(
            self._call.s3.head_object,
            f"look at {self._name}",
            of_object=True,  # not about_image: that Rekognition may read it is not said
            Bucket=self._picture.bucket,
            Key=self._picture.key,
        )
        if head["ETag"] != self._picture.etag:
            raise _changed()
        return head


def _changed() -> ImageError:
    return ImageError("changed", "it was replaced while the run was going on")


def _as_record(detection: Mapping[str, Any]) -> dict[str, Any]:
    # All of it is optional in the model of the service.
    return {
        "type": detection.get("Type", ""),
        "id": detection.get("Id", 0),
        "parent_id": detection.get("ParentId"),
        "text": detection.get("DetectedText", ""),
        "confidence": confidence_of(detection),
        "box": box_of(detection),
    }
