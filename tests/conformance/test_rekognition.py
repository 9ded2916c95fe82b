"""Rekognition against its API reference, its limits, and botocore's model of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore import UNSIGNED

from emulator.shapes import operation_model, output_problems
from tests.conformance.account import FIRST, SAMPLES
from tests.conformance.conftest import refusal
from tests.samples import BAD_IMAGES, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.awsrequest import AWSRequest

    from tests.conformance.account import Account

PADDED_BYTES = 15 * 1024 * 1024
OPERATIONS = {"detect_labels": "DetectLabels", "detect_text": "DetectText"}


@pytest.fixture(scope="module")
def rekognition(account: Account) -> Any:
    """A client of the service."""
    return account.client("rekognition")


@pytest.fixture(scope="module")
def sample(bucket: str) -> dict[str, Any]:
    """The sample image, by reference."""
    return {"S3Object": {"Bucket": bucket, "Name": FIRST}}


@pytest.fixture(scope="module")
def labels(rekognition: Any, sample: dict[str, Any]) -> list[dict[str, Any]]:
    """All labels of the sample, whatever they are."""
    answer = rekognition.detect_labels(Image=sample, MinConfidence=0)
    answer.pop("ResponseMetadata")
    assert output_problems("DetectLabels", answer) == []
    found: list[dict[str, Any]] = answer["Labels"]
    assert found
    return found


@pytest.fixture(scope="module")
def texts(rekognition: Any, sample: dict[str, Any]) -> list[dict[str, Any]]:
    """All texts of the sample, whatever they are."""
    answer = rekognition.detect_text(Image=sample)
    answer.pop("ResponseMetadata")
    assert output_problems("DetectText", answer) == []
    found: list[dict[str, Any]] = answer["TextDetections"]
    assert found
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    """Return the names of labels."""
    return sorted(label["Name"] for label in found)


def categories(label: dict[str, Any]) -> set[str]:
    """Return the categories of a label."""
    return {category["Name"] for category in label["Categories"]}


def error_of(call: Any, **request: Any) -> str:
    """Make a call that is refused; return the error, which botocore knows if the model names it."""
    code, message = refusal(call, **request)
    assert message
    return code


# --- labels ---------------------------------------------------------------------------
def test_the_surest_label_comes_first(labels: list[dict[str, Any]]) -> None:
    """And a label's parents are labels of their own."""
    confidences = [label["Confidence"] for label in labels]
    assert confidences == sorted(confidences, reverse=True)
    parents = {parent["Name"] for label in labels for parent in label["Parents"]}
    assert parents <= set(names(labels))


def test_labels_below_55_come_when_asked_for(
    rekognition: Any, sample: dict[str, Any], labels: list[dict[str, Any]]
) -> None:
    """Without a word those of 55 percent and more."""
    answer = rekognition.detect_labels(Image=sample)["Labels"]
    assert names(answer) == names([label for label in labels if label["Confidence"] >= 55])


def test_the_least_confidence_is_inclusive(
    rekognition: Any, sample: dict[str, Any], labels: list[dict[str, Any]]
) -> None:
    """A label at the very confidence comes: the assignment's "higher than 90" is a comparison."""
    middle = labels[len(labels) // 2]["Confidence"]
    answer = rekognition.detect_labels(Image=sample, MinConfidence=middle)["Labels"]
    assert names(answer) == names([label for label in labels if label["Confidence"] >= middle])


def test_max_labels_takes_the_surest(
    rekognition: Any, sample: dict[str, Any], labels: list[dict[str, Any]]
) -> None:
    """The feature may be named."""
    asked = {"MaxLabels": 1, "Features": ["GENERAL_LABELS"]}
    [label] = rekognition.detect_labels(Image=sample, **asked)["Labels"]
    assert label["Confidence"] == labels[0]["Confidence"]


@pytest.mark.parametrize("kind", ["Label", "LabelCategory"])
@pytest.mark.parametrize("way", ["Inclusion", "Exclusion"])
def test_labels_are_filtered_by_name_and_category(
    rekognition: Any, sample: dict[str, Any], labels: list[dict[str, Any]], kind: str, way: str
) -> None:
    """What is named alone, or all but that."""
    one = next(label for label in labels if label["Name"] == "Car")
    value = "Car" if kind == "Label" else next(iter(categories(one)))
    filters = {"GeneralLabels": {f"{kind}{way}Filters": [value]}}
    asked = {"Image": sample, "MinConfidence": 0, "Settings": filters}
    answer = rekognition.detect_labels(**asked)["Labels"]
    of_it = [x for x in labels if value == x["Name"] or value in categories(x)]
    expected = of_it if way == "Inclusion" else [x for x in labels if x not in of_it]
    assert names(answer) == names(expected)


# --- texts ----------------------------------------------------------------------------
def test_words_belong_to_lines(texts: list[dict[str, Any]]) -> None:
    """Each line has an id, each word one of its own and its line's: every text stands there twice."""
    lines = {text["Id"]: text["DetectedText"] for text in texts if text["Type"] == "LINE"}
    words = [text for text in texts if text["Type"] == "WORD"]
    assert words
    assert len({text["Id"] for text in texts}) == len(texts)
    assert all(word["DetectedText"] in lines[word["ParentId"]] for word in words)
    assert not any("ParentId" in text for text in texts if text["Type"] == "LINE")


@pytest.mark.parametrize("part", ["MinBoundingBoxHeight", "MinBoundingBoxWidth"])
def test_a_filter_of_words_by_size(
    rekognition: Any, sample: dict[str, Any], texts: list[dict[str, Any]], part: str
) -> None:
    """None is as large as the picture."""
    assert texts
    filters = {"WordFilter": {part: 1.0}}
    answer = rekognition.detect_text(Image=sample, Filters=filters)["TextDetections"]
    assert not [text for text in answer if text["Type"] == "WORD"]


def test_a_region_of_interest(
    rekognition: Any, sample: dict[str, Any], texts: list[dict[str, Any]]
) -> None:
    """What lies elsewhere does not come."""
    box = texts[0]["Geometry"]["BoundingBox"]
    left = 0.0 if box["Left"] > 0.5 else box["Left"] + box["Width"]
    beside = {"Left": left, "Top": 0.0, "Width": 0.1, "Height": 1.0}
    filters = {"RegionsOfInterest": [{"BoundingBox": beside}]}
    answer = rekognition.detect_text(Image=sample, Filters=filters)["TextDetections"]
    assert texts[0]["DetectedText"] not in [text["DetectedText"] for text in answer]


# --- images ---------------------------------------------------------------------------
def test_bytes_and_reference_give_the_same_answer(
    rekognition: Any, labels: list[dict[str, Any]]
) -> None:
    """Whatever the way to the image, it is the same image."""
    data = (SAMPLES / FIRST).read_bytes()
    answer = rekognition.detect_labels(Image={"Bytes": data}, MinConfidence=0)["Labels"]
    assert names(answer) == names(labels)


def test_an_old_version_of_an_object_can_be_named(account: Account, rekognition: Any) -> None:
    """`S3Object.Version` reads that version; without it the newest is read."""
    s3, name = account.client("s3"), account.make_bucket()
    try:
        versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
        s3.put_bucket_versioning(Bucket=name, **versioned)
        data = (SAMPLES / FIRST).read_bytes()
        old = s3.put_object(Bucket=name, Key="v.jpg", Body=data)["VersionId"]
        s3.put_object(Bucket=name, Key="v.jpg", Body=b"no image")
        newest = {"Bucket": name, "Name": "v.jpg"}
        call = rekognition.detect_labels
        assert call(Image={"S3Object": {**newest, "Version": old}})["Labels"]
        assert error_of(call, Image={"S3Object": newest}) == "InvalidImageFormatException"
        none = {"S3Object": {**newest, "Version": "none"}}
        assert error_of(call, Image=none) == "InvalidS3ObjectException"
    finally:
        account.delete_bucket(name)


@pytest.mark.parametrize(("data", "error"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_a_bad_image_is_refused_by_its_content(
    account: Account, rekognition: Any, bucket: str, data: bytes, error: str
) -> None:
    """With the documented error, whatever the object's name and the way to it."""
    account.client("s3").put_object(Bucket=bucket, Key="bad.jpg", Body=data)
    by_reference = {"S3Object": {"Bucket": bucket, "Name": "bad.jpg"}}
    for call, operation in OPERATIONS.items():
        for image in (by_reference, {"Bytes": data}):
            assert error_of(getattr(rekognition, call), Image=image) == error
        assert error in {shape.name for shape in operation_model(operation).error_shapes}


def test_an_empty_object_is_no_image(account: Account, rekognition: Any, bucket: str) -> None:
    """An object without a byte is an invalid format, not an invalid object."""
    account.client("s3").put_object(Bucket=bucket, Key="empty.jpg", Body=b"")
    image = {"S3Object": {"Bucket": bucket, "Name": "empty.jpg"}}
    assert error_of(rekognition.detect_labels, Image=image) == "InvalidImageFormatException"


def test_bytes_may_be_5_mb_and_an_object_15_mb(
    account: Account, rekognition: Any, bucket: str
) -> None:
    """Exactly the limit is accepted, one byte more is ImageTooLargeException."""
    call, put = rekognition.detect_labels, account.client("s3").put_object
    padded = picture().ljust(PADDED_BYTES + 1, b"\0")
    limit = PADDED_BYTES // 3
    assert call(Image={"Bytes": padded[:limit]})
    assert error_of(call, Image={"Bytes": padded[: limit + 1]}) == "ImageTooLargeException"
    reference = {"S3Object": {"Bucket": bucket, "Name": "large.jpg"}}
    put(Bucket=bucket, Key="large.jpg", Body=padded[:PADDED_BYTES])
    assert call(Image=reference)
    put(Bucket=bucket, Key="large.jpg", Body=padded)
    assert error_of(call, Image=reference) == "ImageTooLargeException"


@pytest.fixture(scope="module")
def elsewhere(account: Account) -> Iterator[str]:
    """A bucket with the sample in another region."""
    region = "us-east-1" if account.region == "us-west-2" else "us-west-2"
    name = account.make_bucket(region)
    account.client("s3", region).upload_file(str(SAMPLES / FIRST), name, FIRST)
    yield name
    account.delete_bucket(name, region)


def test_an_object_that_cannot_be_read_is_invalid(
    rekognition: Any, bucket: str, elsewhere: str
) -> None:
    """No such key, no such bucket and a bucket elsewhere have the same error."""
    for place, key in ((bucket, "no.jpg"), (f"{bucket}-none", FIRST), (elsewhere, FIRST)):
        image = {"S3Object": {"Bucket": place, "Name": key}}
        assert error_of(rekognition.detect_labels, Image=image) == "InvalidS3ObjectException"


# --- requests -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "request_",
    [
        {"Image": {}},
        {"Image": {"S3Object": {"Bucket": "some"}}},
        {"MinConfidence": 100.1},
        {"MinConfidence": -1},
        {"MaxLabels": -1},
        {"Features": ["FACES"]},
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["x" * 51]}}},
    ],
)
def test_a_bad_parameter_is_refused(
    rekognition: Any, sample: dict[str, Any], request_: dict[str, Any]
) -> None:
    """What the model does not allow is InvalidParameterException, not a guess."""
    code = error_of(rekognition.detect_labels, **{"Image": sample, **request_})
    assert code in {"InvalidParameterException", "ValidationException"}


def test_a_body_that_is_no_json_is_refused(account: Account) -> None:
    """In the form of the JSON 1.1 protocol, with the request's id."""
    client = account.client("rekognition", user_agent_extra="broken")

    def break_body(request: AWSRequest, **_: Any) -> None:
        request.data = b"["

    client.meta.events.register("before-sign.rekognition.DetectLabels", break_body)
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.detect_labels(Image={"Bytes": b"x"})
    answer = caught.value.response
    assert answer["Error"]["Code"] == "SerializationException"
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert headers["x-amzn-requestid"]


def test_an_unsigned_request_is_refused(account: Account, sample: dict[str, Any]) -> None:
    """A request without a signature is told so."""
    client = account.client("rekognition", signature_version=UNSIGNED)
    assert error_of(client.detect_labels, Image=sample) == "MissingAuthenticationTokenException"
