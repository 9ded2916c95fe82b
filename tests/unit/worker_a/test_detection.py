"""One image: whether it shows a car, or why that cannot be said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carscribe_common.circuit_breaker import IN_A_ROW
from carscribe_common.errors import Exit, WorkerExit
from carscribe_worker_a.detection import detect_car
from carscribe_worker_a.listing import ListedImage
from carscribe_worker_a.settings import SettingsA
from tests.unit.common.test_errors import answer
from tests.unit.fake_aws import Service, caller

SETTINGS = SettingsA(
    run_id="r", bucket="photos", queue_url="https://q", region="us-east-1", state_dir=Path("/x")
)
IMAGE = ListedImage("1.jpg", '"1"', 7)
BOX = {"Left": 0.1, "Top": 0.2, "Width": 0.3, "Height": 0.4}


def labels(confidence: Any) -> dict[str, Any]:
    """Return an answer of DetectLabels with a car."""
    car: dict[str, Any] = {"Name": "Car", "Confidence": confidence, "Instances": []}
    return {"Labels": [car]}


@pytest.mark.parametrize(("confidence", "is_car"), [(89.99, False), (90.0, False), (90.01, True)])
def test_a_car_is_above_the_threshold(confidence: float, is_car: bool) -> None:
    """Exactly 90 is no car; what the service said is kept either way, and costs."""
    call, _ = caller(Service(detect_labels=[labels(confidence)]))
    found = detect_car(call, SETTINGS, IMAGE)
    assert (found.is_car, found.billed, found.failure) == (is_car, True, None)
    assert found.car == {"confidence": confidence, "instances": []}


def test_only_the_label_car_is_asked_for() -> None:
    """By its place in S3, so that no picture crosses this host."""
    rekognition = Service(detect_labels=[{"Labels": []}])
    call, _ = caller(rekognition)
    assert detect_car(call, SETTINGS, IMAGE).car is None
    assert rekognition.asked == [
        (
            "detect_labels",
            {
                "Image": {"S3Object": {"Bucket": "photos", "Name": "1.jpg"}},
                "MinConfidence": 90.0,
                "Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Car"]}},
            },
        )
    ]


def test_instances_are_kept_with_their_boxes() -> None:
    """Names of members are lower case; an instance without a box is none."""
    said = labels(95.0)
    said["Labels"][0]["Instances"] = [{"BoundingBox": BOX, "Confidence": 94.0}, {"Confidence": 1.0}]
    call, _ = caller(Service(detect_labels=[said]))
    car = detect_car(call, SETTINGS, IMAGE).car
    assert car is not None
    assert car["instances"] == [
        {"confidence": 94.0, "box": {"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4}}
    ]


@pytest.mark.parametrize("confidence", [None, 0.0])
def test_a_car_without_a_confidence_is_none(confidence: float | None) -> None:
    """Null is no number, and no fault of the program."""
    call, _ = caller(Service(detect_labels=[labels(confidence)]))
    assert not detect_car(call, SETTINGS, IMAGE).is_car


def test_a_key_that_no_message_carries_is_not_paid_for() -> None:
    """It is that image's failure, and nobody is asked."""
    rekognition = Service()
    call, _ = caller(rekognition)
    found = detect_car(call, SETTINGS, IMAGE._replace(key="bell\x07.jpg"))
    assert found.failure is not None
    assert (found.failure["reason"], found.billed, rekognition.asked) == (
        "unreadable-key",
        False,
        [],
    )


def test_an_image_that_cannot_be_read_is_its_own_failure() -> None:
    """Rekognition's words stand beside, and it costs nothing."""
    call, _ = caller(Service(detect_labels=[answer("InvalidImageFormatException")]))
    found = detect_car(call, SETTINGS, IMAGE)
    assert found.failure == {"reason": "invalid-image", "detail": "words"}
    assert not found.billed


def test_archived_objects_that_are_listed_first_stop_nothing() -> None:
    """Rekognition says of them what it says of a missing permission; their heads tell."""
    count = 3 * IN_A_ROW
    service = Service(
        detect_labels=[answer("InvalidS3ObjectException")] * count + [labels(99.0)],
        head_object=[{"ETag": '"1"', "StorageClass": "GLACIER"}] * count,
    )
    call, _ = caller(service, works=False)
    failures = [detect_car(call, SETTINGS, IMAGE).failure for _ in range(count)]
    assert {failure and failure["reason"] for failure in failures} == {"archived"}
    assert detect_car(call, SETTINGS, IMAGE).is_car


def test_a_permission_that_is_missing_is_the_set_ups() -> None:
    """Where nothing has succeeded yet, an object that looks well blames the role."""
    service = Service(
        detect_labels=[answer("InvalidS3ObjectException")], head_object=[{"ETag": '"1"'}]
    )
    call, _ = caller(service, works=False)
    with pytest.raises(WorkerExit, match="s3:GetObject") as caught:
        detect_car(call, SETTINGS, IMAGE)
    assert caught.value.code == Exit.DENIED
