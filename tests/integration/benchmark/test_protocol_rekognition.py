"""Rekognition as the workers use it: the thin server answers as the stand-in does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from benchmarks.harness import Thin
from tests.integration.benchmark.conftest import SOME, Place, furnish

if TYPE_CHECKING:
    from tests.emulator import StandIn

CAR = next(i for i, confidence in enumerate(SOME.confidences) if (confidence or 0) > 90)
NO_CAR = next(i for i, confidence in enumerate(SOME.confidences) if confidence is None)
NEARLY = next(i for i, confidence in enumerate(SOME.confidences) if 0 < (confidence or 0) <= 90)


def ask(place: Place, index: int, confidence_min: float) -> list[dict[str, Any]]:
    """Ask as worker A does, for Car alone."""
    answer = place.client("rekognition").detect_labels(
        Image={"S3Object": {"Bucket": place.bucket, "Name": place.images.key(index)}},
        MinConfidence=confidence_min,
        Settings={"GeneralLabels": {"LabelInclusionFilters": ["Car"]}},
    )
    labels: list[dict[str, Any]] = answer["Labels"]
    return labels


def test_a_car_is_found(place: Place) -> None:
    """Only the label Car comes back, with its confidence and the box of its instance."""
    (label,) = ask(place, CAR, 90)
    assert label["Name"] == "Car"
    assert label["Confidence"] == pytest.approx(SOME.confidences[CAR])
    assert label["Instances"][0]["BoundingBox"]["Width"] == pytest.approx(0.5)


def test_no_car_is_an_empty_answer(place: Place) -> None:
    """An image without a car has no label of that name."""
    assert ask(place, NO_CAR, 0) == []


def test_the_least_confidence_counts(place: Place) -> None:
    """MinConfidence is inclusive: a label at it comes, one just below does not."""
    confidence = SOME.confidences[NEARLY] or 0
    assert len(ask(place, NEARLY, confidence)) == 1
    assert ask(place, NEARLY, confidence + 0.01) == []


def test_text_of_bytes_and_of_an_object(place: Place) -> None:
    """The same image has the same text, however it is given: a line and its words."""
    rekognition = place.client("rekognition")
    name = place.images.key(CAR)
    by_bytes = rekognition.detect_text(Image={"Bytes": place.images.data(CAR)})
    by_name = rekognition.detect_text(Image={"S3Object": {"Bucket": place.bucket, "Name": name}})
    assert by_bytes["TextDetections"] == by_name["TextDetections"]
    kinds = [(each["Type"], each.get("ParentId")) for each in by_bytes["TextDetections"]]
    assert kinds == [("LINE", None), ("WORD", 0), ("WORD", 0)]


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({"S3Object": {"Bucket": "bench", "Name": "no.jpg"}}, "InvalidS3ObjectException"),
        (
            {"S3Object": {"Bucket": "none-such", "Name": "00000000.jpg"}},
            "InvalidS3ObjectException",
        ),
        ({"Bytes": b"GIF89a, and no JPEG"}, "InvalidImageFormatException"),
        ({"Bytes": b"\xff\xd8\xff" + bytes(5 * 1024 * 1024)}, "ImageTooLargeException"),
    ],
)
@pytest.mark.parametrize("operation", ["detect_labels", "detect_text"])
def test_an_image_that_is_none(
    place: Place, operation: str, image: dict[str, Any], code: str
) -> None:
    """Each fault of an image has Rekognition's own error."""
    with pytest.raises(ClientError) as refused:
        getattr(place.client("rekognition"), operation)(Image=image)
    assert refused.value.response["Error"]["Code"] == code


def throttled(place: Place) -> list[str]:
    """Ask eight times in a row and note the errors."""
    rekognition = place.client("rekognition")
    codes = []
    for _ in range(8):
        try:
            rekognition.detect_text(Image={"Bytes": SOME.data(CAR)})
        except ClientError as refused:
            codes.append(refused.response["Error"]["Code"])
    return codes


def test_quota_of_the_stand_in_and_of_the_thin_server(standin: StandIn) -> None:
    """Beyond the quota both answer with Rekognition's own errors, and count each as throttled."""
    place = furnish(standin)
    standin.faults({"operations": {"rekognition.DetectText": {"tps": 2}}})
    of_standin = throttled(place)
    behavior = {"schedule": [[0, 2]]}
    with Thin(
        images=SOME.count,
        seed=SOME.seed,
        image_bytes=SOME.size_bytes,
        rekognition={"DetectText": behavior},
    ) as thin:
        of_thin = throttled(Place(thin.url, thin.queue_url))
        counted = thin.ask("counts")["rekognition.DetectText"]
    assert of_standin
    assert of_thin
    known = {"ProvisionedThroughputExceededException", "ThrottlingException"}
    assert {*of_standin, *of_thin} <= known
    assert counted["throttled"] == len(of_thin)
    assert standin.counts()["rekognition.DetectText"]["throttled"] == len(of_standin)
