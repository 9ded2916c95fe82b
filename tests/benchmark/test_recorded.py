"""Rekognition about the generated images: what the seed says, and nothing about others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from emulator.shapes import output_problems
from tests.benchmark.conftest import SOME

if TYPE_CHECKING:
    from tests.benchmark.conftest import Place

CAR = next(i for i, confidence in enumerate(SOME.confidences) if (confidence or 0) > 90)


def test_labels_and_text_are_what_the_seed_says(generated: Place) -> None:
    """Each image has its car or none, and a line of two words, by name and by bytes alike."""
    rekognition = generated.client("rekognition")
    for index, confidence in enumerate(SOME.confidences):
        image = {"S3Object": {"Bucket": generated.bucket, "Name": SOME.key(index)}}
        labels = rekognition.detect_labels(Image=image, MinConfidence=0)["Labels"]
        cars = [label["Confidence"] for label in labels if label["Name"] == "Car"]
        assert cars == ([] if confidence is None else [pytest.approx(confidence)])
        named = rekognition.detect_text(Image=image)["TextDetections"]
        brought = rekognition.detect_text(Image={"Bytes": SOME.data(index)})["TextDetections"]
        assert named == brought
        assert named[0]["DetectedText"] == f"CAR{index:05d} AB"


def test_answers_are_as_the_model_has_them(generated: Place) -> None:
    """What the benchmark makes up fits botocore's model of the service."""
    rekognition = generated.client("rekognition")
    image = {"S3Object": {"Bucket": generated.bucket, "Name": SOME.key(CAR)}}
    for operation, call in (
        ("DetectLabels", rekognition.detect_labels),
        ("DetectText", rekognition.detect_text),
    ):
        answer = call(Image=image)
        del answer["ResponseMetadata"]
        assert output_problems(operation, answer) == []


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({"S3Object": {"Bucket": "bench", "Name": "no.jpg"}}, "InvalidS3ObjectException"),
        ({"S3Object": {"Bucket": "none-such", "Name": SOME.key(0)}}, "InvalidS3ObjectException"),
        ({"Bytes": b"GIF89a, and no JPEG"}, "InvalidImageFormatException"),
        ({"Bytes": b"\xff\xd8\xff" + bytes(5 * 1024 * 1024)}, "ImageTooLargeException"),
    ],
)
def test_an_image_that_is_none(generated: Place, image: dict[str, Any], code: str) -> None:
    """Each fault of an image has Rekognition's own error."""
    with pytest.raises(ClientError) as refused:
        generated.client("rekognition").detect_text(Image=image)
    assert refused.value.response["Error"]["Code"] == code
