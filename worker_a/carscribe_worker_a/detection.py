"""One image: ask Rekognition for its labels and decide whether it shows a car."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from carscribe_common.errors import AmbiguousError, ImageError
from carscribe_common.picture import ByteBudget, Picture
from carscribe_common.rules import (
    CAR_LABEL,
    box_of,
    can_be_queued,
    confidence_of,
    escape,
    find_car,
    is_car,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from carscribe_common.regions import Answered, Regions
    from carscribe_worker_a.listing import ListedImage
    from carscribe_worker_a.settings import SettingsA


@dataclass(frozen=True, slots=True)
class Detection:
    """What came of one image.

    Attributes:
        image: which one.
        car: the label Car with its instances, if there is one.
        is_car: it is a car in the sense of the run.
        failure: reason and detail, if the image could not be asked about.
        billed: Rekognition answered, so it costs.
        at: when, seconds since the epoch.
        seconds: how long it took.
        region: where Rekognition answered.
        model: the version of the model that did.
        bytes_elsewhere: so many bytes of it left the bucket's region.
    """

    image: ListedImage
    car: dict[str, Any] | None
    is_car: bool
    failure: dict[str, str] | None
    billed: bool
    at: float
    seconds: float
    region: str | None = None
    model: str | None = None
    bytes_elsewhere: int = 0


def detect_car(
    regions: Regions, settings: SettingsA, memory: ByteBudget, image: ListedImage
) -> Detection:
    """Return what an image shows, or why that cannot be said.

    Raises:
        WorkerExit: the set-up's fault, or nothing succeeds any more.
        ShutdownRequested: the worker was told to end.
    """
    began = time.monotonic()
    car: dict[str, Any] | None = None
    failure: dict[str, str] | None = None
    answered: Answered | None = None
    try:
        if not can_be_queued(image.key):
            raise ImageError(
                "unreadable-key", "its key has characters that no queue message can carry"
            )
        answered = _detect_labels(regions, settings, memory, image)
        label = find_car(answered.answer)
        car = None if label is None else _as_record(label)
    except ImageError as own:
        failure = {"reason": own.reason, "detail": own.detail}
    return Detection(
        image=image,
        car=car,
        is_car=car is not None and is_car(car["confidence"], settings.car_confidence_percent),
        failure=failure,
        billed=answered is not None,
        at=round(time.time(), 3),
        seconds=round(time.monotonic() - began, 3),
        region=answered and answered.region,
        model=answered and answered.answer.get("LabelModelVersion"),
        bytes_elsewhere=answered.bytes_elsewhere if answered else 0,
    )


def _detect_labels(
    regions: Regions, settings: SettingsA, memory: ByteBudget, image: ListedImage
) -> Answered:
    picture = Picture(regions.call, memory, settings.bucket, *image)
    try:
        return regions.ask(
            "detect_labels",
            f"ask for the labels of {escape(image.key)}",
            picture,
            at_home=picture.by_reference,
            expect="Labels",
            # Inclusive, while the assignment says "higher than": compared again.
            MinConfidence=settings.car_confidence_percent,
            Settings={"GeneralLabels": {"LabelInclusionFilters": [CAR_LABEL]}},
        )
    except AmbiguousError as unclear:
        raise regions.call.resolve_ambiguous(
            unclear, settings.bucket, image.key, image.etag
        ) from unclear


def _as_record(label: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "confidence": confidence_of(label),
        "instances": [
            {"confidence": confidence_of(instance), "box": box}
            for instance in label.get("Instances", ())
            if (box := box_of(instance))
        ],
    }
