"""Rekognition by boto3: filters, references, errors, and botocore's model of the answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator.rekognition.shapes import operation_model, output_problems
from tests import signing
from tests.samples import (
    ANSWER,
    BAD_IMAGES,
    BUCKET,
    LABEL_REQUESTS,
    TEXT_REQUESTS,
    picture,
)

if TYPE_CHECKING:
    from tests.emulator import StandIn

FIRST = {"S3Object": {"Bucket": BUCKET, "Name": "1.jpg"}}
UNCHECKED = Config(parameter_validation=False)


def refusal(call: Any, **request: Any) -> tuple[str, int]:
    """Make a call that fails; return the error's name and HTTP status."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response: Any = caught.value.response
    declared = operation_model("DetectLabels").error_shapes
    name = response["Error"]["Code"]
    assert response["Error"]["Message"]
    if name in {shape.name for shape in declared}:
        assert type(caught.value).__name__ == name, "botocore knows it as an exception of its own"
    return name, response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(("request_", "expected"), LABEL_REQUESTS.values(), ids=LABEL_REQUESTS)
@pytest.mark.usefixtures("image")
def test_labels_are_filtered(standin: StandIn, request_: Any, expected: list[str]) -> None:
    """Each filter of DetectLabels lets through what its description says."""
    answer = standin.client("rekognition").detect_labels(Image=FIRST, **request_)
    answer.pop("ResponseMetadata")
    assert [found["Name"] for found in answer["Labels"]] == expected
    assert output_problems("DetectLabels", answer) == []


@pytest.mark.parametrize(("request_", "expected"), TEXT_REQUESTS.values(), ids=TEXT_REQUESTS)
@pytest.mark.usefixtures("image")
def test_texts_are_filtered(standin: StandIn, request_: Any, expected: list[int]) -> None:
    """Each filter of DetectText lets through what its description says."""
    answer = standin.client("rekognition").detect_text(Image=FIRST, **request_)
    answer.pop("ResponseMetadata")
    assert [found["Id"] for found in answer["TextDetections"]] == expected
    assert output_problems("DetectText", answer) == []


def test_bytes_and_reference_give_the_same_answer(standin: StandIn, image: bytes) -> None:
    """The answer is found by the image's bytes, however they come, and is the recorded one."""
    client = standin.client("rekognition")
    by_bytes = client.detect_text(Image={"Bytes": image})["TextDetections"]
    by_reference = client.detect_text(Image=FIRST)["TextDetections"]
    assert by_bytes == by_reference == ANSWER["DetectText"]["TextDetections"]


def test_an_old_version_of_an_object_can_be_named(standin: StandIn, image: bytes) -> None:
    """S3Object.Version reads that version; without it the newest is read."""
    s3, client = standin.client("s3"), standin.client("rekognition")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=BUCKET, Key="v.jpg", Body=image)["VersionId"]
    s3.put_object(Bucket=BUCKET, Key="v.jpg", Body=picture(tint=9))
    newest = {"S3Object": {"Bucket": BUCKET, "Name": "v.jpg"}}
    first = {"S3Object": {**newest["S3Object"], "Version": old}}
    assert client.detect_labels(Image=newest)["Labels"] == []
    assert client.detect_labels(Image=first)["Labels"]
    none = {"S3Object": {**newest["S3Object"], "Version": "none"}}
    assert refusal(client.detect_labels, Image=none) == ("InvalidS3ObjectException", 400)


@pytest.mark.parametrize("by", ["bytes", "reference"])
@pytest.mark.parametrize(("data", "error"), BAD_IMAGES.values(), ids=BAD_IMAGES)
@pytest.mark.usefixtures("image")
def test_a_bad_image_is_refused_by_its_content(
    standin: StandIn, data: bytes, error: str, by: str
) -> None:
    """Both operations give the documented error, whatever the object's name."""
    client = standin.client("rekognition")
    image: dict[str, Any] = {"Bytes": data}
    if by == "reference":
        standin.client("s3").put_object(Bucket=BUCKET, Key="bad.jpg", Body=data)
        image = {"S3Object": {"Bucket": BUCKET, "Name": "bad.jpg"}}
    assert refusal(client.detect_labels, Image=image) == (error, 400)
    assert refusal(client.detect_text, Image=image) == (error, 400)


@pytest.mark.usefixtures("image")
def test_an_empty_object_is_no_image(standin: StandIn) -> None:
    """An object without a byte is an invalid format, not an invalid object."""
    standin.client("s3").put_object(Bucket=BUCKET, Key="empty.jpg", Body=b"")
    image = {"S3Object": {"Bucket": BUCKET, "Name": "empty.jpg"}}
    call = standin.client("rekognition").detect_labels
    assert refusal(call, Image=image) == ("InvalidImageFormatException", 400)


def test_bytes_may_be_5_mb_and_an_object_15_mb(standin: StandIn, image: bytes) -> None:
    """Exactly the limit is accepted, one byte more is ImageTooLargeException."""
    call, put = standin.client("rekognition").detect_labels, standin.client("s3").put_object
    five, fifteen = 5 * 1024 * 1024, 15 * 1024 * 1024
    padded = image + b"\0" * (fifteen + 1 - len(image))
    assert call(Image={"Bytes": padded[:five]})
    error = ("ImageTooLargeException", 400)
    assert refusal(call, Image={"Bytes": padded[: five + 1]}) == error
    reference = {"S3Object": {"Bucket": BUCKET, "Name": "large.jpg"}}
    put(Bucket=BUCKET, Key="large.jpg", Body=padded[:fifteen])
    assert call(Image=reference)
    put(Bucket=BUCKET, Key="large.jpg", Body=padded)
    assert refusal(call, Image=reference) == error


@pytest.mark.parametrize(
    "reference",
    [
        {"Bucket": BUCKET, "Name": "no.jpg"},
        {"Bucket": "no-such-bucket", "Name": "1.jpg"},
        {"Bucket": "elsewhere", "Name": "1.jpg"},
    ],
    ids=["no key", "no bucket", "bucket in another region"],
)
def test_an_object_that_cannot_be_read_is_invalid(
    standin: StandIn, image: bytes, reference: dict[str, str]
) -> None:
    """No such key, no such bucket and a bucket elsewhere have the same error."""
    far = standin.client("s3", region="eu-west-1")
    there = {"LocationConstraint": "eu-west-1"}
    far.create_bucket(Bucket="elsewhere", CreateBucketConfiguration=there)
    far.put_object(Bucket="elsewhere", Key="1.jpg", Body=image)
    call = standin.client("rekognition").detect_labels
    assert refusal(call, Image={"S3Object": reference}) == ("InvalidS3ObjectException", 400)


@pytest.mark.parametrize(
    "request_",
    [
        {"Image": {}},
        {"Image": {**FIRST, "Bytes": picture()}},
        {"Image": {"S3Object": {"Bucket": BUCKET}}},
        {"Image": FIRST, "MinConfidence": 100.1},
        {"Image": FIRST, "MinConfidence": -1},
        {"Image": FIRST, "MaxLabels": -1},
        {"Image": FIRST, "Features": ["FACES"]},
        {"Image": FIRST, "Features": ["IMAGE_PROPERTIES"]},
        {"Image": FIRST, "Settings": {"GeneralLabels": {"LabelInclusionFilters": ["x" * 51]}}},
    ],
)
@pytest.mark.usefixtures("image")
def test_a_bad_parameter_is_refused(standin: StandIn, request_: dict[str, Any]) -> None:
    """What the model does not allow is InvalidParameterException, not a guess."""
    call = standin.client("rekognition", config=UNCHECKED).detect_labels
    assert refusal(call, **request_) == ("InvalidParameterException", 400)


@pytest.mark.usefixtures("image")
def test_a_body_that_is_no_json_is_refused(standin: StandIn) -> None:
    """The error comes in the form of the JSON 1.1 protocol, with the request's id."""
    target = {"X-Amz-Target": "RekognitionService.DetectLabels"}
    signed = signing.headers(standin.secret, "POST", f"{standin.url}/", b"[", "rekognition", target)
    request = urllib.request.Request(f"{standin.url}/", data=b"[", headers=signed)  # noqa: S310 # loopback
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310 # loopback
    with caught.value as error:
        body = json.loads(error.read())
    assert body["__type"] == "SerializationException"
    assert error.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert error.headers["x-amzn-RequestId"]


@pytest.mark.usefixtures("image")
def test_an_unsigned_request_is_refused(standin: StandIn) -> None:
    """A request without a signature is told so, as by the service."""
    client = standin.client("rekognition", config=Config(signature_version=UNSIGNED))
    assert refusal(client.detect_labels, Image=FIRST) == (
        "MissingAuthenticationTokenException",
        400,
    )


def test_an_unknown_image_shows_nothing(standin: StandIn) -> None:
    """An image without an answer has no labels and no text."""
    client = standin.client("rekognition")
    stranger = {"Bytes": picture(tint=77)}
    assert client.detect_labels(Image=stranger)["Labels"] == []
    assert client.detect_text(Image=stranger)["TextDetections"] == []
