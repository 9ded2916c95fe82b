"""One image: what is asked, what makes it a car, and what makes it a failure of its own."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.response import StreamingBody

from carscribe_common.circuit_breaker import IN_A_ROW
from carscribe_common.errors import Exit, ShutdownRequested, WorkerExit
from carscribe_common.picture import IN_MEMORY_BYTES, ByteBudget
from carscribe_worker_a.detection import Detection, detect_car
from carscribe_worker_a.listing import ListedImage
from carscribe_worker_a.settings import SettingsA
from tests.unit.common.test_errors import answer as refusal
from tests.unit.fake_aws import Service, caller, regions

if TYPE_CHECKING:
    from carscribe_common.aws import Caller
    from tests.unit.stubs import StubbedAWS

IMAGE = ListedImage("1.jpg", '"e"', 7)
SETTINGS = SettingsA(
    run_id="r", bucket="photos", queue_url="q", region="us-east-1", state_dir=Path("/none")
)
BOX = {"Left": 0.1, "Top": 0.2, "Width": 0.3, "Height": 0.4}


def detect(call: Caller, image: ListedImage) -> Detection:
    """Ask the bucket's own region about an image."""
    return detect_car(regions(call), SETTINGS, ByteBudget(IN_MEMORY_BYTES), image)


def label(name: str, confidence: float | None, **more: Any) -> dict[str, Any]:
    """Return a label."""
    said = {} if confidence is None else {"Confidence": confidence}
    return {"Name": name, **said, **more}


def answer(aws: StubbedAWS, *labels: dict[str, Any]) -> None:
    """Write down the one question about the image, and its answer."""
    asked = {
        "Image": {"S3Object": {"Bucket": "photos", "Name": "1.jpg"}},
        "MinConfidence": 90.0,
        "Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Car"]}},
    }
    aws.rekognition.add_response("detect_labels", {"Labels": list(labels)}, asked)


@pytest.mark.parametrize(
    ("confidence", "is_car"), [(89.99, False), (90.0, False), (90.01, True), (100.0, True)]
)
def test_a_car_is_above_the_threshold(aws: StubbedAWS, confidence: float, is_car: bool) -> None:
    """Strictly above: Rekognition's own threshold lets 90 through."""
    answer(aws, label("Car", confidence))
    found = detect(aws.call, IMAGE)
    assert (found.is_car, found.billed, found.failure) == (is_car, True, None)
    assert found.car == {"confidence": confidence, "instances": []}
    assert found.image == IMAGE


@pytest.mark.parametrize("labels", [[], [label("Vehicle", 99.0)], [label("Cardboard", 99.0)]])
def test_no_car(aws: StubbedAWS, labels: list[dict[str, Any]]) -> None:
    """Other labels, and none at all, are an answer that is paid for, and no car."""
    answer(aws, *labels)
    found = detect(aws.call, IMAGE)
    assert (found.car, found.is_car, found.billed, found.failure) == (None, False, True, None)


def test_a_label_without_confidence_is_no_car(aws: StubbedAWS) -> None:
    """What Rekognition is not sure of at all does not count, and ends nothing."""
    answer(aws, label("Car", None))
    assert not detect(aws.call, IMAGE).is_car


def test_boxes_are_kept(aws: StubbedAWS) -> None:
    """Each car's box and confidence go into the results; an instance without a box does not."""
    instances = [
        {"BoundingBox": BOX, "Confidence": 97.5},
        {"Confidence": 50.0},
        {"BoundingBox": {"Top": 0.1}},
    ]
    answer(aws, label("Car", 99.0, Instances=instances))
    found = detect(aws.call, IMAGE)
    box = {"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4}
    assert found.car == {"confidence": 99.0, "instances": [{"confidence": 97.5, "box": box}]}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("InvalidImageFormatException", "invalid-image"),
        ("ImageTooLargeException", "too-large"),
        ("InvalidParameterException", "invalid-parameter"),
    ],
)
def test_an_images_own_failure(aws: StubbedAWS, code: str, reason: str) -> None:
    """It is written down with what the service said, costs nothing, and ends nothing."""
    aws.rekognition.add_client_error("detect_labels", code, "words")
    found = detect(aws.call, IMAGE)
    assert found.failure == {"reason": reason, "detail": "words"}
    assert (found.car, found.is_car, found.billed) == (None, False, False)


def test_a_key_that_no_message_can_carry_is_not_asked_about(aws: StubbedAWS) -> None:
    """It could never be queued: nothing is paid for it."""
    found = detect(aws.call, IMAGE._replace(key="bell\x07.jpg"))
    assert found.failure is not None
    assert (found.failure["reason"], found.billed) == ("unreadable-key", False)


def test_an_object_that_is_gone_is_its_own_failure(aws: StubbedAWS) -> None:
    """InvalidS3ObjectException can be anybody's: the object itself says whose it is."""
    aws.rekognition.add_client_error("detect_labels", "InvalidS3ObjectException")
    aws.s3.add_client_error("head_object", "404", http_status_code=404)
    failure = detect(aws.call, IMAGE).failure
    assert failure is not None
    assert failure["reason"] == "gone"


def test_throttling_never_settles_an_image(aws: StubbedAWS) -> None:
    """It is asked again until it is answered, and counted."""
    for code in ("ThrottlingException", "ProvisionedThroughputExceededException"):
        aws.rekognition.add_client_error("detect_labels", code, http_status_code=400)
    answer(aws, label("Car", 99.0))
    assert detect(aws.call, IMAGE).is_car
    assert aws.calls.pending()["errors_throttled"] == 2


def test_half_an_answer_is_no_answer(aws: StubbedAWS) -> None:
    """A body without its labels would read as an image that shows nothing."""
    aws.rekognition.add_response("detect_labels", {})
    answer(aws, label("Car", 99.0))
    assert detect(aws.call, IMAGE).is_car


def test_a_fault_of_the_set_up_is_no_images(aws: StubbedAWS) -> None:
    """A role that may not ask ends the worker, and the image is not blamed."""
    aws.rekognition.add_client_error("detect_labels", "AccessDeniedException", http_status_code=400)
    with pytest.raises(WorkerExit) as end:
        detect(aws.call, IMAGE)
    assert end.value.code == Exit.DENIED


def test_the_end_that_was_asked_for_settles_nothing(aws: StubbedAWS) -> None:
    """A worker that is to end does not go on asking."""
    aws.rekognition.add_client_error("detect_labels", "ThrottlingException")
    aws.shutdown.request(15)
    with pytest.raises(ShutdownRequested):
        detect(aws.call, IMAGE)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ({"ETag": '"e"', "StorageClass": "GLACIER"}, "archived"),
        ({"ETag": '"e"', "ServerSideEncryption": "aws:kms"}, "kms-key"),
        (refusal("400", 400), "encrypted"),
    ],
)
def test_objects_that_cannot_be_read_stop_nothing(head: Any, reason: str) -> None:
    """However many come first: Rekognition says of them what it says of a missing permission."""
    count = 3 * IN_A_ROW
    service = Service(
        detect_labels=[refusal("InvalidS3ObjectException")] * count
        + [{"Labels": [label("Car", 99.0)]}],
        head_object=[head] * count,
        list_objects_v2=[{"IsTruncated": False}] * count,
    )
    call, _ = caller(service, works=False)
    failures = [detect(call, IMAGE).failure for _ in range(count)]
    assert {failure and failure["reason"] for failure in failures} == {reason}
    assert detect(call, IMAGE).is_car


def test_another_region_gets_the_bytes_that_were_listed() -> None:
    """A downloads the image then, with its etag; where and by which model it was seen is kept."""
    body = StreamingBody(io.BytesIO(b"picture"), 7)
    service = Service(
        get_object=[{"Body": body, "ContentLength": 7}],
        detect_labels=[{"Labels": [], "LabelModelVersion": "3.1"}],
    )
    call, _ = caller(service)
    both = regions(call, {"us-east-1": 50.0, "us-west-2": 50.0})
    both.home.in_flight = both.home.cap - 1
    found = detect_car(both, SETTINGS, ByteBudget(IN_MEMORY_BYTES), IMAGE)
    assert (found.region, found.model, found.bytes_elsewhere) == ("us-west-2", "3.1", 7)
    download, asked = service.asked
    assert download == ("get_object", {"Bucket": "photos", "Key": "1.jpg", "IfMatch": '"e"'})
    assert asked[1]["Image"] == {"Bytes": b"picture"}
