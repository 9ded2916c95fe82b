"""S3 as the workers use it: the generated bucket answers as moto's does."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image

if TYPE_CHECKING:
    from tests.benchmark.conftest import Place


def pages(place: Place, size: int, **more: str) -> list[list[dict[str, Any]]]:
    """List the bucket by hand, a page at a time."""
    s3 = place.client("s3")
    found: list[list[dict[str, Any]]] = []
    while True:
        page = s3.list_objects_v2(Bucket=place.bucket, MaxKeys=size, **more)
        found.append(page.get("Contents", []))
        if not page["IsTruncated"]:
            return found
        more = {**more, "ContinuationToken": page["NextContinuationToken"]}


def test_listing_comes_in_pages_and_in_order(place: Place) -> None:
    """Twelve objects in pages of five are three pages, with every key once and in order."""
    found = pages(place, 5)
    assert [len(page) for page in found] == [5, 5, 2]
    keys = [item["Key"] for page in found for item in page]
    assert keys == [place.images.key(index) for index in range(12)]


def test_listing_names_the_content(place: Place) -> None:
    """Each entry has the MD5 of the image as its quoted ETag, and its size."""
    entry = pages(place, 1000)[0][7]
    data = place.images.data(7)
    assert entry["ETag"] == f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
    assert entry["Size"] == len(data)


def test_listing_goes_on_behind_a_key(place: Place) -> None:
    """StartAfter leaves out that key and all before it."""
    found = pages(place, 1000, StartAfter=place.images.key(8))
    assert [item["Key"] for item in found[0]] == [place.images.key(i) for i in (9, 10, 11)]


def test_listing_keeps_to_a_prefix(place: Place) -> None:
    """Only keys that begin with the prefix are listed."""
    found = pages(place, 1000, Prefix="0000001")
    assert [item["Key"] for item in found[0]] == ["00000010.jpg", "00000011.jpg"]
    assert pages(place, 1000, Prefix="x") == [[]]


def test_object_is_the_image(place: Place) -> None:
    """GetObject returns the very bytes, a JPEG that decodes, under their ETag."""
    answer = place.client("s3").get_object(Bucket=place.bucket, Key=place.images.key(3))
    data = answer["Body"].read()
    assert data == place.images.data(3)
    assert answer["ETag"] == f'"{place.images.etag(3)}"'
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert min(image.size) >= 80


def test_head_tells_the_same(place: Place) -> None:
    """HeadObject has ETag and length of the object, and HeadBucket succeeds."""
    s3 = place.client("s3")
    answer = s3.head_object(Bucket=place.bucket, Key=place.images.key(3))
    assert answer["ETag"] == f'"{place.images.etag(3)}"'
    assert answer["ContentLength"] == len(place.images.data(3))
    s3.head_bucket(Bucket=place.bucket)


def test_condition_on_the_content(place: Place) -> None:
    """IfMatch lets the listed content through, and refuses any other with 412."""
    s3 = place.client("s3")
    where = {"Bucket": place.bucket, "Key": place.images.key(3)}
    s3.get_object(**where, IfMatch=f'"{place.images.etag(3)}"')
    with pytest.raises(ClientError) as refused:
        s3.get_object(**where, IfMatch=f'"{place.images.etag(4)}"')
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("get_object", {"Key": "no.jpg"}, "NoSuchKey"),
        ("head_object", {"Key": "no.jpg"}, "404"),
        ("list_objects_v2", {"Bucket": "none-such"}, "NoSuchBucket"),
        ("head_bucket", {"Bucket": "none-such"}, "404"),
        ("get_object", {"Bucket": "none-such", "Key": "00000000.jpg"}, "NoSuchBucket"),
    ],
)
def test_what_is_not_there(
    place: Place, operation: str, parameters: dict[str, str], code: str
) -> None:
    """A missing key or bucket is answered by its own error, with 404."""
    with pytest.raises(ClientError) as refused:
        getattr(place.client("s3"), operation)(**{"Bucket": place.bucket, **parameters})
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
