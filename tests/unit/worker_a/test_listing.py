"""The images of a bucket, page by page, in the order in which S3 lists them."""

from __future__ import annotations

from typing import Any

import pytest

from carscribe_common.errors import Exit, WorkerExit
from carscribe_worker_a.listing import ListedImage, Skipped, list_images
from tests.unit.common.test_errors import answer
from tests.unit.fake_aws import Service, caller


def page(*keys: str, following: str | None = None) -> dict[str, Any]:
    """Return a page of ListObjectsV2."""
    contents = [{"Key": key, "ETag": f'"{key}"', "Size": len(key)} for key in keys]
    last = {"IsTruncated": False}
    more = {"IsTruncated": True, "NextContinuationToken": following}
    return {"Contents": contents, **(more if following else last)}


def test_pages_follow_each_other() -> None:
    """Each page goes on where the one before ended; images are told from other objects."""
    s3 = Service(list_objects_v2=[page("1.jpg", "a.txt", following="t"), page("b.PNG")])
    call, _ = caller(s3)
    assert list(list_images(call, "photos", "in/")) == [
        ListedImage("1.jpg", '"1.jpg"', 5),
        Skipped("a.txt"),
        ListedImage("b.PNG", '"b.PNG"', 5),
    ]
    assert [parameters for _, parameters in s3.asked] == [
        {"Bucket": "photos", "Prefix": "in/"},
        {"Bucket": "photos", "Prefix": "in/", "ContinuationToken": "t"},
    ]


def test_a_page_is_asked_for_when_the_one_before_is_used_up() -> None:
    """However many objects there are, one page is in memory."""
    s3 = Service(list_objects_v2=[page("1.jpg", "2.jpg", following="t"), page("3.jpg")])
    call, _ = caller(s3)
    listing = list_images(call, "photos", "")
    next(listing), next(listing)
    assert len(s3.asked) == 1


def test_a_listing_goes_on_behind_a_key() -> None:
    """What was detected before a restart is not listed again."""
    s3 = Service(list_objects_v2=[page("3.jpg")])
    call, _ = caller(s3)
    assert [item.key for item in list_images(call, "photos", "", after="2.jpg")] == ["3.jpg"]
    assert s3.asked[0][1]["StartAfter"] == "2.jpg"


def test_an_empty_bucket_has_no_images() -> None:
    """A page without Contents is an answer."""
    call, _ = caller(Service(list_objects_v2=[{"IsTruncated": False, "KeyCount": 0}]))
    assert list(list_images(call, "photos", "")) == []


def test_a_bucket_that_may_not_be_listed_ends_the_worker() -> None:
    """It is the set-up's fault, and no image's."""
    call, _ = caller(Service(list_objects_v2=[answer("AccessDenied", 403)]))
    with pytest.raises(WorkerExit) as caught:
        list(list_images(call, "photos", ""))
    assert caught.value.code == Exit.DENIED
