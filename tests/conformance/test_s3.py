"""S3 as the workers and the assignment use it, against its API reference and user guide."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.conftest import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.account import Account

# In the order of their bytes in UTF-8, which is not that of a reader.
KEYS = ["1.jpg", "10.jpg", "2.jpg", "A b+c&d=e.jpg", "a/1.jpg", "a/2.jpg", "ü.jpg", "🚗.jpg"]


@pytest.fixture(scope="module")
def s3(account: Account) -> Any:
    """A client of the service."""
    return account.client("s3")


@pytest.fixture(scope="module")
def place(account: Account, s3: Any) -> Iterator[dict[str, str]]:
    """A bucket with eight objects, named as a request names it."""
    name = account.make_bucket()
    for key in reversed(KEYS):
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    yield {"Bucket": name}
    account.delete_bucket(name)


def status_of(call: Any, **request: Any) -> tuple[int, str]:
    """Make a call that is refused; return the status and the error's code."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_a_listing_comes_in_pages_and_in_the_order_of_bytes(s3: Any, place: dict[str, str]) -> None:
    """Each page says where the next begins; the last one says that it is that."""
    pages: list[Any] = []
    token: dict[str, str] = {}
    while not pages or pages[-1]["IsTruncated"]:
        pages.append(s3.list_objects_v2(**place, MaxKeys=3, **token))
        token = {"ContinuationToken": pages[-1].get("NextContinuationToken", "")}
    assert [page["KeyCount"] for page in pages] == [3, 3, 2]
    found = [item for page in pages for item in page["Contents"]]
    assert [item["Key"] for item in found] == KEYS
    assert [item["Size"] for item in found] == [len(key.encode()) for key in KEYS]
    etags = [hashlib.md5(key.encode(), usedforsecurity=False).hexdigest() for key in KEYS]
    assert [item["ETag"] for item in found] == [f'"{etag}"' for etag in etags]


def test_a_listing_by_prefix_delimiter_and_start(s3: Any, place: dict[str, str]) -> None:
    """Common prefixes stand for what is below them; StartAfter is exclusive."""
    answer = s3.list_objects_v2(**place, Delimiter="/", StartAfter="2.jpg")
    assert [item["Key"] for item in answer["Contents"]] == [KEYS[3], "ü.jpg", "🚗.jpg"]
    assert answer["CommonPrefixes"] == [{"Prefix": "a/"}]
    answer = s3.list_objects_v2(**place, Prefix="a/")
    assert [item["Key"] for item in answer["Contents"]] == ["a/1.jpg", "a/2.jpg"]
    assert "Contents" not in s3.list_objects_v2(**place, Prefix="none")


def test_an_object_is_read_if_it_is_still_the_same(s3: Any, place: dict[str, str]) -> None:
    """`If-Match` with another ETag is 412: an image cannot be confused with a later one."""
    one = {**place, "Key": KEYS[3]}
    got = s3.get_object(**one)
    assert got["Body"].read() == KEYS[3].encode()
    assert s3.get_object(**one, IfMatch=got["ETag"])["ETag"] == got["ETag"]
    other = {"IfMatch": f'"{"0" * 32}"'}
    assert status_of(s3.get_object, **one, **other) == (412, "PreconditionFailed")
    assert status_of(s3.head_object, **one, **other)[0] == 412
    assert status_of(s3.get_object, **one, IfNoneMatch=got["ETag"])[0] == 304


def test_a_part_of_an_object_is_read(s3: Any, place: dict[str, str]) -> None:
    """A range is inclusive at both ends; one beyond the end is 416."""
    one = {**place, "Key": "10.jpg"}
    got = s3.get_object(**one, Range="bytes=1-2")
    assert (got["Body"].read(), got["ContentRange"]) == (b"0.", "bytes 1-2/6")
    assert status_of(s3.get_object, **one, Range="bytes=6-9") == (416, "InvalidRange")


def test_what_is_not_there(s3: Any, place: dict[str, str]) -> None:
    """GET names what is missing, HEAD has no body to name it in; a delete is no error."""
    none = {**place, "Key": "none"}
    assert status_of(s3.get_object, **none) == (404, "NoSuchKey")
    assert status_of(s3.head_object, **none) == (404, "404")
    nowhere = {"Bucket": f"{place['Bucket']}-none"}
    assert status_of(s3.list_objects_v2, **nowhere) == (404, "NoSuchBucket")
    assert status_of(s3.head_bucket, **nowhere)[0] == 404
    s3.delete_object(**none)


def test_a_name_that_is_taken_or_is_none(account: Account, s3: Any, place: dict[str, str]) -> None:
    """A bucket of one's own, made again, is no error in us-east-1 alone."""
    code, _ = refusal(s3.create_bucket, Bucket="ab")
    assert code == "InvalidBucketName"
    if account.region == "us-east-1":
        s3.create_bucket(**place)


def test_a_bucket_with_something_in_it_stays(s3: Any, place: dict[str, str]) -> None:
    """It has to be emptied first."""
    assert status_of(s3.delete_bucket, **place) == (409, "BucketNotEmpty")


def test_several_objects_are_deleted_at_once(s3: Any, place: dict[str, str]) -> None:
    """Also one that was never there."""
    for key in ("x1", "x2"):
        s3.put_object(**place, Key=key, Body=b"x")
    gone = {"Objects": [{"Key": key} for key in ("x1", "x2", "x3")]}
    answer = s3.delete_objects(**place, Delete=gone)
    assert sorted(item["Key"] for item in answer["Deleted"]) == ["x1", "x2", "x3"]
    assert "Errors" not in answer


def test_a_presigned_url_is_enough(s3: Any, place: dict[str, str]) -> None:
    """For the object that it names, and no other."""
    url = s3.generate_presigned_url("get_object", {**place, "Key": "2.jpg"})
    with urllib.request.urlopen(url) as answer:  # noqa: S310 # as it was made
        assert answer.read() == b"2.jpg"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("2.jpg", "1.jpg"))  # noqa: S310 # as above
    with caught.value as error:
        assert error.code == 403
        assert b"SignatureDoesNotMatch" in error.read()


def test_tags_and_metadata_come_back(s3: Any, place: dict[str, str]) -> None:
    """Names of metadata in lower case."""
    one = {**place, "Key": "tagged"}
    s3.put_object(**one, Body=b"x", Metadata={"Some": "text"}, Tagging="a=b", ContentType="image/x")
    head = s3.head_object(**one)
    assert (head["Metadata"], head["ContentType"]) == ({"some": "text"}, "image/x")
    assert s3.get_object_tagging(**one)["TagSet"] == [{"Key": "a", "Value": "b"}]
    s3.delete_object(**one)
