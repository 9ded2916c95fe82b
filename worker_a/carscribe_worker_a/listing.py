"""The images of the bucket, in the order in which S3 lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from carscribe_common.rules import is_image_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from carscribe_common.aws import Caller


class ListedImage(NamedTuple):
    """An image as the listing tells of it.

    Attributes:
        key: its key in the bucket, its index in the words of the assignment.
        etag: of the content that was listed.
        size: of that content, in bytes.
    """

    key: str
    etag: str
    size: int


class Skipped(NamedTuple):
    """An object that is no image, by its key."""

    key: str


def list_images(
    call: Caller,
    bucket: str,
    prefix: str,
    *,
    after: str = "",
    is_own: Callable[[str], bool] = lambda _: True,
) -> Iterator[ListedImage | Skipped]:
    """Yield the objects of a bucket that are this pair's, a page of 1,000 in memory at a time.

    S3 lists in the order of the keys' UTF-8 bytes (S3 API reference,
    ListObjectsV2), which is the order of code points. So a key says how far
    a listing had come, and a later process goes on behind it.

    Args:
        call: asks S3.
        bucket: its name.
        prefix: the beginning of the keys.
        after: begins behind this key.
        is_own: tells of a key whether it is this pair's; all others are left without a word.

    Raises:
        WorkerExit: the bucket cannot be listed.
        ShutdownRequested: the worker was told to end.
    """
    position: dict[str, Any] = {"StartAfter": after} if after else {}
    while True:
        page = call(
            call.s3.list_objects_v2,
            f"list the bucket {bucket}",
            expect="IsTruncated",
            Bucket=bucket,
            Prefix=prefix,
            **position,
        )
        for item in page.get("Contents", ()):
            key = item["Key"]
            if not is_own(key):
                continue
            if is_image_key(key):
                yield ListedImage(key, item["ETag"], item["Size"])
            else:
                yield Skipped(key)
        if not page["IsTruncated"]:
            return
        position = {"ContinuationToken": page["NextContinuationToken"]}
