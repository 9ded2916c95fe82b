"""The images of the bucket, a page at a time, ahead of the detection."""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carscribe_common.objects import ShutdownRequested, call_until_answered, whole
from carscribe_common.rules import is_image_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

    from carscribe_common.circuit_breaker import CircuitBreaker
    from carscribe_common.cli import Shutdown

AHEAD = 2000
"""So many images may be listed ahead: two pages of 1,000, S3's largest."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image as the listing tells of it.

    Attributes:
        position: 0, 1, 2, ... in the order of the listing in this process.
        key: its key in the bucket, its index in the words of the assignment.
        etag: of the content that was listed.
        size_bytes: of that content.
        listed: images listed in this run up to and with this one.
        skipped: other objects passed over in this run before it.
    """

    position: int
    key: str
    etag: str
    size_bytes: int
    listed: int
    skipped: int


class Listing:
    """Lists the images in a thread of its own into a bounded buffer.

    S3 lists in the order of the keys' UTF-8 bytes (S3 API reference,
    ListObjectsV2), which is the order of code points. So a key says how far
    a listing had come, and a later process goes on behind it.

    Args:
        s3: the client.
        bucket: its name.
        prefix: the beginning of the keys.
        after: goes on behind this key.
        looked: keys behind ``after`` that are settled already.
        listed: images listed up to ``after``.
        skipped: other objects passed over up to ``after``.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        prefix: str,
        *,
        after: str,
        looked: Collection[str],
        listed: int,
        skipped: int,
        evidence: CircuitBreaker,
        stop: Shutdown,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix
        self._after = after
        self._looked = looked
        self._evidence = evidence
        self._stop = stop
        self._buffer: queue.Queue[Image | Exception | None] = queue.Queue(AHEAD)
        self.listed = listed
        self.skipped = skipped
        self.done = False

    def run(self) -> None:
        """List until the end; the target of a thread."""
        try:
            for image in self._images():
                if not self._put(image):
                    return
            self.done = True
            self._put(None)
        except ShutdownRequested:
            return
        except Exception as error:  # noqa: BLE001 - raised in the thread that takes
            self._put(error)

    def take(self, timeout_seconds: float) -> Image | None:
        """Return the next image, or None at the end of the listing.

        Raises:
            queue.Empty: none came in time.
            WorkerExit: the bucket cannot be listed.
        """
        item = self._buffer.get(timeout=timeout_seconds)
        if isinstance(item, Exception):
            raise item
        return item

    def _put(self, item: Image | Exception | None) -> bool:
        while not self._stop:
            try:
                self._buffer.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def _images(self) -> Iterator[Image]:
        position = 0
        for page in self._pages():
            for item in page.get("Contents", ()):
                key = item["Key"]
                if not is_image_key(key):
                    self.skipped += 1
                    continue
                self.listed += 1
                if key in self._looked:
                    continue
                yield Image(position, key, item["ETag"], item["Size"], self.listed, self.skipped)
                position += 1

    def _pages(self) -> Iterator[ListObjectsV2OutputTypeDef]:
        token: dict[str, str] = {"StartAfter": self._after} if self._after else {}
        while True:
            page = call_until_answered(
                lambda token=token: whole(  # type: ignore[misc]
                    self._s3.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, **token),
                    "IsTruncated",
                ),
                f"list the bucket {self._bucket}",
                evidence=self._evidence,
                stop=self._stop,
            )
            yield page
            if not page["IsTruncated"]:
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}
