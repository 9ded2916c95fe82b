"""One image: ask Rekognition for its labels and decide."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from carscribe_common.errors import AmbiguousError, ImageError
from carscribe_common.objects import call_until_answered, resolve_ambiguous, whole
from carscribe_common.rules import CAR_LABEL, can_be_queued, escape, find_car, is_car

if TYPE_CHECKING:
    from collections.abc import Mapping

    from carscribe_common.aws import Clients
    from carscribe_common.circuit_breaker import CircuitBreaker
    from carscribe_common.cli import Shutdown
    from carscribe_worker_a.listing import Image
    from carscribe_worker_a.settings import SettingsA


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one image.

    Attributes:
        image: which one.
        car: the label Car with its instances, if there is one.
        queued: it is a car in the sense of the run.
        failure: reason and detail, if it could not be looked at.
        billed: Rekognition answered, so it costs.
        at: when, seconds since the epoch.
        seconds: how long it took.
    """

    image: Image
    car: dict[str, Any] | None
    queued: bool
    failure: dict[str, str] | None
    billed: bool
    at: float
    seconds: float


class Detector:
    """Asks DetectLabels about images. Used by all threads of the crew."""

    def __init__(
        self, settings: SettingsA, clients: Clients, evidence: CircuitBreaker, stop: Shutdown
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._evidence = evidence
        self._stop = stop

    def look(self, image: Image) -> Looked:
        """Return what an image shows, or why that cannot be said.

        Raises:
            WorkerExit: the set-up's fault, or nothing succeeds any more.
            ShutdownRequested: the worker was told to end.
        """
        began = time.monotonic()
        car: dict[str, Any] | None = None
        failure: dict[str, str] | None = None
        billed = False
        try:
            if not can_be_queued(image.key):
                raise ImageError(
                    "unreadable-key", "its key has characters that no queue message can carry"
                )
            label = find_car(self._ask(image))
            billed = True
            car = None if label is None else _as_record(label)
        except ImageError as own:
            failure = {"reason": own.reason, "detail": own.detail}
        return Looked(
            image=image,
            car=car,
            queued=car is not None
            and is_car(car["confidence"], self._settings.car_confidence_percent),
            failure=failure,
            billed=billed,
            at=time.time(),
            seconds=time.monotonic() - began,
        )

    def _ask(self, image: Image) -> Mapping[str, Any]:
        try:
            return call_until_answered(
                lambda: whole(
                    self._clients.rekognition.detect_labels(
                        Image={"S3Object": {"Bucket": self._settings.bucket, "Name": image.key}},
                        # Inclusive, while the assignment says "higher than": compared again.
                        MinConfidence=self._settings.car_confidence_percent,
                        Settings={"GeneralLabels": {"LabelInclusionFilters": [CAR_LABEL]}},
                    ),
                    "Labels",
                ),
                f"ask for the labels of {escape(image.key)}",
                evidence=self._evidence,
                stop=self._stop,
                about_image=True,
            )
        except AmbiguousError as fault:
            raise resolve_ambiguous(
                fault,
                self._clients.s3,
                self._settings.bucket,
                image.key,
                image.etag,
                evidence=self._evidence,
                stop=self._stop,
            ) from fault


def _as_record(label: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "confidence": label["Confidence"],
        "instances": [
            {
                "confidence": instance.get("Confidence"),
                "box": {name.lower(): value for name, value in instance["BoundingBox"].items()},
            }
            for instance in label.get("Instances", ())
            if "BoundingBox" in instance
        ],
    }
