"""The listing: every page once, in S3's order, and no page before it is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.errors import Exit, WorkerExit
from carscribe_worker_a.listing import ListedImage, Skipped, list_images

if TYPE_CHECKING:
    from tests.unit.stubs import StubbedAWS


def page(*keys: str, following: str | None = None) -> dict[str, Any]:
    """Return an answer of ListObjectsV2."""
    contents = [{"Key": key, "ETag": f'"{key}"', "Size": len(key)} for key in keys]
    more = {"NextContinuationToken": following} if following else {}
    return {"Contents": contents, "IsTruncated": following is not None, **more}


def expect(aws: StubbedAWS, answer: dict[str, Any], **position: str) -> None:
    """Write down a page and what it is asked for with."""
    asked = {"Bucket": "photos", "Prefix": "in/", **position}
    aws.s3.add_response("list_objects_v2", answer, asked)


def test_all_pages_are_listed_in_order(aws: StubbedAWS) -> None:
    """Each page is asked for behind the one before, with key, ETag and size of each image."""
    expect(aws, page("in/1.jpg", "in/2.PNG", following="t1"))
    expect(aws, page("in/3.jpeg", following="t2"), ContinuationToken="t1")
    expect(aws, page("in/4.Jpg"), ContinuationToken="t2")
    assert list(list_images(aws.call, "photos", "in/")) == [
        ListedImage(key, f'"{key}"', len(key))
        for key in ("in/1.jpg", "in/2.PNG", "in/3.jpeg", "in/4.Jpg")
    ]


def test_other_objects_are_passed_over(aws: StubbedAWS) -> None:
    """What does not end as a picture does is told of, and nothing is known of it but its key."""
    expect(aws, page("in/", "in/a.jpg.txt", "in/b.jpg", "in/jpg"))
    assert list(list_images(aws.call, "photos", "in/")) == [
        Skipped("in/"),
        Skipped("in/a.jpg.txt"),
        ListedImage("in/b.jpg", '"in/b.jpg"', 8),
        Skipped("in/jpg"),
    ]


def test_objects_of_another_pair_are_left(aws: StubbedAWS) -> None:
    """Be they images or not: the pairs' listings together are the bucket's."""
    expect(aws, page("in/1.jpg", "in/1.txt", "in/2.jpg", "in/2.txt", following="t"))
    expect(aws, page("in/3.jpg"), ContinuationToken="t")
    own = list_images(aws.call, "photos", "in/", is_own=lambda key: "2" in key)
    assert list(own) == [ListedImage("in/2.jpg", '"in/2.jpg"', 8), Skipped("in/2.txt")]


def test_it_goes_on_behind_a_key(aws: StubbedAWS) -> None:
    """A later process begins where all is detected; the pages behind go by their token."""
    expect(aws, page("in/8.jpg", following="t"), StartAfter="in/7.jpg")
    expect(aws, page("in/9.jpg"), ContinuationToken="t")
    found = list(list_images(aws.call, "photos", "in/", after="in/7.jpg"))
    assert [image.key for image in found] == ["in/8.jpg", "in/9.jpg"]


def test_an_empty_bucket_has_no_image(aws: StubbedAWS) -> None:
    """S3 leaves Contents out where there is nothing."""
    expect(aws, {"IsTruncated": False})
    assert list(list_images(aws.call, "photos", "in/")) == []


def test_no_page_is_asked_for_before_its_time(aws: StubbedAWS) -> None:
    """One page is in memory: the second one comes when the first is at its end."""
    expect(aws, page("in/1.jpg", "in/2.jpg", following="t"))
    listing = list_images(aws.call, "photos", "in/")
    assert [next(listing).key, next(listing).key] == ["in/1.jpg", "in/2.jpg"]
    aws.s3.assert_no_pending_responses()
    expect(aws, page("in/3.jpg"), ContinuationToken="t")
    assert [image.key for image in listing] == ["in/3.jpg"]


def test_half_an_answer_is_asked_for_again(aws: StubbedAWS) -> None:
    """An answer that does not say whether there is more would end the listing early."""
    expect(aws, {"Contents": [{"Key": "in/1.jpg", "ETag": '"x"', "Size": 1}]})
    expect(aws, page("in/1.jpg"))
    assert [image.key for image in list_images(aws.call, "photos", "in/")] == ["in/1.jpg"]


@pytest.mark.parametrize(
    ("code", "status", "exits_with"),
    [("NoSuchBucket", 404, Exit.CONFIG), ("AccessDenied", 403, Exit.DENIED)],
)
def test_a_bucket_that_cannot_be_listed_ends_the_worker(
    aws: StubbedAWS, code: str, status: int, exits_with: Exit
) -> None:
    """No image is to blame for it, and the sentence names the bucket."""
    aws.s3.add_client_error("list_objects_v2", code, http_status_code=status)
    with pytest.raises(WorkerExit, match="Cannot list the bucket photos") as end:
        next(list_images(aws.call, "photos", ""))
    assert end.value.code == exits_with
