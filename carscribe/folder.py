"""Which files of a folder go into the bucket, and under which keys."""

from __future__ import annotations

import filecmp
import os
import stat
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from carscribe_common.rules import IMAGE_ENDINGS, is_image_key, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ANSWERS_FOLDER = "answers"
LEFT_OUT_FOLDERS = {ANSWERS_FOLDER, "__pycache__"}
LEFT_OUT_SUFFIXES = (".py", ".pyc")
KEY_BYTES_MAX = 1024
"""S3 user guide, "Naming Amazon S3 objects"."""
UPLOADS_AT_ONCE = 8
NAMES_SAID = 3
"""So many files are named of each kind that is passed over by name."""

_KINDS = (
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISCHR, "device"),
)


class PicturesError(Exception):
    """The folder cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Picture:
    """A file and its key."""

    path: Path
    key: str


@dataclass
class Found:
    """What a folder holds.

    Attributes:
        pictures: in the order of their paths.
        other_files: how many files are no pictures, by their ending.
        passed_over: paths below the folder that are no files in it, by what
            they are: links, pipes and the like.
    """

    pictures: list[Picture] = field(default_factory=list)
    other_files: Counter[str] = field(default_factory=Counter)
    passed_over: dict[str, list[str]] = field(default_factory=dict)

    def pass_over(self, kind: str, name: str) -> None:
        """Take note of what is not taken."""
        self.passed_over.setdefault(kind, []).append(name)

    def __str__(self) -> str:
        """Say what was passed over; nothing if nothing was."""
        parts = []
        for kind, names in sorted(self.passed_over.items()):
            named = ", ".join(visible(name) for name in names[:NAMES_SAID])
            more = f" and {len(names) - NAMES_SAID} more" if len(names) > NAMES_SAID else ""
            parts.append(f"{kind}: {named}{more}")
        for ending, number in sorted(self.other_files.items()):
            files = "file" if number == 1 else "files"
            parts.append(
                f"{number} {visible(ending)} {files}"
                if ending
                else f"{number} {files} without an ending"
            )
        return f"Passed over: {'; '.join(parts)}." if parts else ""


def find(folder: Path) -> Found:
    """List the pictures below a folder, and what is passed over.

    Answers, programs and hidden files are no pictures and not worth a word. A
    link counts as what it leads to as long as that lies in the folder too:
    nothing outside is ever taken.

    Raises:
        PicturesError: there is no such folder, it cannot be read, or it holds no picture.
    """
    if not folder.exists():
        raise PicturesError(f"There is no folder {folder}.")
    if not folder.is_dir():
        raise PicturesError(f"{folder} is no folder.")
    found = _look(folder)
    if not found.pictures:
        raise PicturesError(
            f"The folder {folder} has no image: no file that ends in {IMAGE_ENDINGS}."
            f"{f' {found}' if str(found) else ''}"
        )
    return found


def _look(folder: Path) -> Found:
    root = folder.resolve()
    found = Found()
    for place, folders, names in os.walk(folder, onerror=_unreadable):
        below = Path(place).relative_to(folder)
        folders[:] = sorted(n for n in folders if n not in LEFT_OUT_FOLDERS and n[0] != ".")
        for name in folders:
            if Path(place, name).is_symlink():
                found.pass_over("linked folder", (below / name).as_posix())
        for name in sorted(names):
            if name[0] == "." or name.endswith(LEFT_OUT_SUFFIXES):
                continue
            path = Path(place, name)
            if kind := _no_file(path, root):
                found.pass_over(kind, (below / name).as_posix())
            elif not is_image_key(name):
                found.other_files[path.suffix.lower()] += 1
            else:
                found.pictures.append(Picture(path, _key(folder, path)))
    return found


def _unreadable(error: OSError) -> NoReturn:
    raise PicturesError(f"Cannot read {error.filename}: {error.strerror}.") from error


def _no_file(path: Path, root: Path) -> str | None:
    """Return what a path is that is no file in the folder; None if it is one."""
    try:
        mode = path.stat().st_mode
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # dangling, or a circle
        return "link to nowhere"
    if not target.is_relative_to(root):
        return "link that leaves the folder"
    if stat.S_ISREG(mode):
        return None
    return next(kind for is_kind, kind in _KINDS if is_kind(mode))


def _key(folder: Path, path: Path) -> str:
    key = path.relative_to(folder).as_posix()
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise PicturesError(f"The name of {path!r} is no UTF-8, so it cannot be a key.") from error
    if size > KEY_BYTES_MAX:
        raise PicturesError(
            f"{path} would have a key of {size} bytes, and S3 allows {KEY_BYTES_MAX}."
        )
    return key


def unrecorded(folder: Path, pictures: Sequence[Picture]) -> list[Picture]:
    """Return the pictures for which no answer of Rekognition lies in the folder.

    The answer for ``sub/2.jpg`` is ``sub/answers/2.jpg.json`` or
    ``answers/sub/2.jpg.json``, or that of a picture with the same bytes.
    """
    missing: list[Picture] = []
    recorded: dict[int, list[Picture]] = {}
    for picture in pictures:
        if _is_recorded(folder, picture):
            recorded.setdefault(picture.path.stat().st_size, []).append(picture)
        else:
            missing.append(picture)
    return [
        picture
        for picture in missing
        if not any(
            filecmp.cmp(picture.path, other.path, shallow=False)
            for other in recorded.get(picture.path.stat().st_size, ())
        )
    ]


def _is_recorded(folder: Path, picture: Picture) -> bool:
    below = picture.path.relative_to(folder)
    return any(
        (folder / home / ANSWERS_FOLDER / f"{below.relative_to(home)}.json").exists()
        for home in below.parents
    )


def upload(s3: Any, bucket: str, pictures: list[Picture], done: Callable[[int], None]) -> None:
    """Put every picture into the bucket, some at once, and say how many are there."""

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
