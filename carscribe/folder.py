"""Which files of a folder go into the bucket, and under which keys."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWERS_FOLDER = "answers"
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
LEFT_OUT_FOLDERS = {ANSWERS_FOLDER, "__pycache__"}
LEFT_OUT_SUFFIXES = (".py", ".pyc")
MAX_KEY_BYTES = 1024
UPLOADS_AT_ONCE = 8


class PicturesError(Exception):
    """The folder cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Picture:
    """A file and its key."""

    path: Path
    key: str

    @property
    def is_image(self) -> bool:
        """Say whether worker A will look at it."""
        return self.key.lower().endswith(IMAGE_SUFFIXES)


def find(folder: Path) -> list[Picture]:
    """List the files below a folder, but for answers, programs and hidden files."""
    if not folder.exists():
        raise PicturesError(f"There is no folder {folder}.")
    if not folder.is_dir():
        raise PicturesError(f"{folder} is no folder.")
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(n for n in folders if n not in LEFT_OUT_FOLDERS and n[0] != ".")
        for name in sorted(names):
            if name[0] != "." and not name.endswith(LEFT_OUT_SUFFIXES):
                path = Path(place, name)
                found.append(Picture(path, _key(folder, path)))
    if not any(picture.is_image for picture in found):
        raise PicturesError(
            f"The folder {folder} has no image: no file that ends in .jpg, .jpeg or .png."
        )
    return found


def _key(folder: Path, path: Path) -> str:
    key = path.relative_to(folder).as_posix()
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise PicturesError(f"The name of {path!r} is no UTF-8, so it cannot be a key.") from error
    if size > MAX_KEY_BYTES:
        raise PicturesError(
            f"{path} would have a key of {size} bytes, and S3 allows {MAX_KEY_BYTES}."
        )
    return key


def upload(s3: Any, bucket: str, pictures: list[Picture], done: Callable[[int], None]) -> None:
    """Put every file into the bucket, some at once, and say how many are there."""

    def put(picture: Picture) -> None:
        try:
            data = picture.path.read_bytes()
        except OSError as error:
            raise PicturesError(f"Cannot read {picture.path}: {error.strerror}.") from error
        s3.put_object(Bucket=bucket, Key=picture.key, Body=data)

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        try:
            for number, _ in enumerate(pool.map(put, pictures), start=1):
                done(number)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
