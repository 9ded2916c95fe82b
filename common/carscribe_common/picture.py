"""A picture in the bucket: where it lies, and its bytes as they were listed or not at all."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carscribe_common.errors import ImageError
from carscribe_common.rules import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_rekognition.type_defs import ImageTypeDef

    from carscribe_common.aws import Caller

BYTES_MAX = 5 * 1024 * 1024
"""The most that an image given as bytes may have (Rekognition API reference, Image: Bytes)."""

IN_MEMORY_BYTES = 16 * 1024 * 1024
"""So many bytes of pictures are held at once for each region at the most: a small host has 1 GiB.
A call holds its picture in base64 too, and in JSON while it is made."""


class ByteBudget:
    """So many bytes at once; who needs more waits. Used by all threads."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Wait until so many bytes are free, and take them for the length of the block."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()


@dataclass(frozen=True)
class Picture:
    """An object of the bucket, and the two ways of giving it to Rekognition.

    Attributes:
        call: asks S3.
        memory: what its bytes are taken from while they are held.
        bucket: where it lies.
        key: of the object.
        etag: of the content that was listed.
        size: of that content, in bytes.
    """

    call: Caller
    memory: ByteBudget
    bucket: str
    key: str
    etag: str
    size: int

    @contextmanager
    def by_reference(self) -> Iterator[ImageTypeDef]:
        """Give its place, for Rekognition in the bucket's own region to read it there."""
        yield {"S3Object": {"Bucket": self.bucket, "Name": self.key}}

    @contextmanager
    def as_bytes(self) -> Iterator[ImageTypeDef]:
        """Download it and give its bytes, which are held for the length of the block.

        Raises:
            ImageError: it is gone, empty, or another than was listed.
            AmbiguousError, WorkerExit, ShutdownRequested: as for a call.
        """
        with self.memory.hold(self.size):
            yield {"Bytes": self._download()}

    def _download(self) -> bytes:
        def attempt() -> bytes:
            answer = self.call.s3.get_object(Bucket=self.bucket, Key=self.key, IfMatch=self.etag)
            # Not `with answer["Body"]`: that gives urllib3's stream, past botocore's own checks.
            with closing(answer["Body"]) as body:
                if answer["ContentLength"] != self.size:  # more than memory was taken for, perhaps
                    raise ImageError("changed", "its size is not the one in its message")
                return body.read()

        data = self.call.until_done(
            attempt, f"download {escape(self.key)}", about_image=True, of_object=True
        )
        if not data:
            raise ImageError("invalid-image", "it is empty")
        return data
