"""Small pictures of the images for the page, made once and kept."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from carscribe.options import THUMBNAILS_MAX
from emulator.decoding import DecodingError, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client
    from PIL import Image

Source: TypeAlias = "Callable[[str, str], bytes]"
"""Returns the bytes of the image of a key and etag; raises SourceError."""

AT_ONCE = 8
IMAGES_MAX = THUMBNAILS_MAX
"""So many thumbnails go on a page at the most."""
BYTES_IN_ALL = 18_000_000
"""For all thumbnails of a page together: a third more as text, and the page stays below 30 MB."""
SIDES = ((60, 960), (250, 640), (1_200, 384), (6_000, 208), (IMAGES_MAX, 160))
"""Up to so many images, so many pixels for the longer side."""
QUALITIES = (72, 55, 38)
FAILURES_IN_A_ROW = 5
"""So many reads that fail for the set-up's fault, and no more are tried."""


class SourceError(Exception):
    """An image cannot be read.

    Attributes:
        own: whether that is this image's own fault (gone, changed), or the set-up's.
    """

    def __init__(self, reason: str, *, own: bool) -> None:
        super().__init__(reason)
        self.own = own


@dataclass(frozen=True)
class Size:
    """How large the thumbnails of a page may be."""

    side: int
    bytes_max: int


def size_for(images: int) -> Size:
    """Return what keeps a page of so many images below its limit."""
    most, side = next((step for step in SIDES if images <= step[0]), SIDES[-1])
    return Size(side, BYTES_IN_ALL // most)


def from_bucket(s3: S3Client, bucket: str) -> Source:
    """Read images from a bucket, and only those that are still what was looked at."""

    def read(key: str, etag: str) -> bytes:
        try:
            return s3.get_object(Bucket=bucket, Key=key, IfMatch=etag)["Body"].read()
        except ClientError as error:
            own = error.response["Error"]["Code"] in {
                "NoSuchKey",
                "PreconditionFailed",
                "404",
                "412",
            }
            raise SourceError(str(error), own=own) from error
        except BotoCoreError as error:
            raise SourceError(str(error), own=False) from error

    return read


def from_folder(folder: Path) -> Source:
    """Read images from a folder, where a key is the path below it."""
    root = folder.resolve()

    def read(key: str, etag: str) -> bytes:
        del etag  # the folder is what the bucket was filled from
        try:
            path = (root / key).resolve()
            if not path.is_relative_to(root):
                raise SourceError(f"{key} lies outside {root}", own=True)
            if not path.is_file():
                raise SourceError(f"{key} is no file", own=True)
            return path.read_bytes()
        except (OSError, ValueError) as error:
            raise SourceError(str(error), own=True) from error

    return read


def shrink(data: bytes, size: Size) -> bytes | None:
    """Return an image as a small WebP, upright; None if it is no image that can be opened."""
    try:
        return _encoded(decode(data, size.side), size)
    except DecodingError:
        return None


def _encoded(small: Image.Image, size: Size) -> bytes:
    while True:
        for quality in QUALITIES:
            buffer = io.BytesIO()
            small.save(buffer, "WEBP", quality=quality, method=4)
            if buffer.tell() <= size.bytes_max:
                return buffer.getvalue()
        if max(small.size) <= 32:  # a stamp; it has to end somewhere
            return buffer.getvalue()
        small = small.resize((max(small.width * 3 // 4, 1), max(small.height * 3 // 4, 1)))


class Thumbnails:
    """Makes the thumbnails of one page, several at a time, and keeps them by etag.

    Args:
        source: reads an image; without it there are no thumbnails.
        cache: the folder where they are kept.
        wanted: of how many images a thumbnail is made, the first ones.
    """

    def __init__(self, source: Source | None, cache: Path, wanted: int = IMAGES_MAX) -> None:
        self._source = source
        self._wanted = wanted
        self._cache = cache
        self._failed_in_a_row = 0
        self.missing = 0
        self.reason: str | None = None

    def of(self, records: Iterable[dict[str, Any]], images: int) -> Iterator[bytes | None]:
        """Return the thumbnail of each record, in order; None where there is none."""
        rest = iter(records)
        if self._source is not None:
            yield from self._made(islice(rest, self._wanted), size_for(min(images, self._wanted)))
        for _ in rest:
            yield None

    def _made(self, records: Iterable[dict[str, Any]], size: Size) -> Iterator[bytes | None]:
        with suppress(OSError):
            self._cache.mkdir(parents=True, exist_ok=True)
        waiting: deque[Future[bytes | None]] = deque()
        with ThreadPoolExecutor(AT_ONCE, "thumbnail") as pool:
            try:
                for record in records:
                    waiting.append(pool.submit(self._one, record["key"], record["etag"], size))
                    if len(waiting) > 2 * AT_ONCE:
                        yield self._counted(waiting.popleft())
                while waiting:
                    yield self._counted(waiting.popleft())
            finally:
                pool.shutdown(cancel_futures=True)

    def _counted(self, future: Future[bytes | None]) -> bytes | None:
        thumbnail = future.result()
        self.missing += thumbnail is None
        return thumbnail

    def _one(self, key: str, etag: str, size: Size) -> bytes | None:
        kept = self._cache / f"{_name(key, etag, size)}.webp"
        with suppress(OSError):
            return kept.read_bytes()
        if self._source is None or self._failed_in_a_row >= FAILURES_IN_A_ROW:
            return None
        try:
            data = self._source(key, etag)
        except SourceError as error:
            if not error.own:
                self._failed_in_a_row += 1
                self.reason = str(error)
            return None
        self._failed_in_a_row = 0
        thumbnail = shrink(data, size)
        if thumbnail is not None:
            with suppress(OSError):
                _keep(kept, thumbnail)
        return thumbnail


def _name(key: str, etag: str, size: Size) -> str:
    text = f"{etag}\0{key}\0{size.side}\0{size.bytes_max}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _keep(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(f".{threading.get_ident()}.new")
    temporary.write_bytes(data)
    temporary.replace(path)
