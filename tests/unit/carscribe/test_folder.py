"""Which files of a folder go into the bucket."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from carscribe.folder import PicturesError, find

if TYPE_CHECKING:
    from pathlib import Path


def put(folder: Path, *names: str) -> None:
    """Write files below a folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_keys_are_paths_below_the_folder(tmp_path: Path) -> None:
    """Folders, spaces, signs, umlauts and emoji stay as they are; answers stay at home."""
    wanted = ["1.jpg", "a b+c%41#.PNG", "notes.txt", "straße/ö🚗.jpeg"]
    put(tmp_path, *wanted, "answers/1.jpg.json", "straße/answers/x.json", "draw.py", ".hidden")
    put(tmp_path, ".git/config", "__pycache__/x.jpg")
    assert [picture.key for picture in find(tmp_path)] == wanted


def test_a_key_of_1024_bytes_is_the_longest(tmp_path: Path) -> None:
    """1,024 bytes in UTF-8 are accepted, one more is refused by name."""
    folder = "/".join(["ö" * 100] * 5)
    longest = f"{folder}/{'x' * (1024 - len(folder.encode()) - 1 - 4)}.jpg"
    put(tmp_path, longest)
    assert [picture.key for picture in find(tmp_path)] == [longest]
    put(tmp_path, longest.replace("x.jpg", "xx.jpg"))
    with pytest.raises(PicturesError, match=r"1025 bytes, and S3 allows 1024"):
        find(tmp_path)


def test_a_name_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    """Such a file cannot have a key, and the sentence says so."""
    (tmp_path / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    with pytest.raises(PicturesError, match="no UTF-8"):
        find(tmp_path)


@pytest.mark.parametrize("name", ["missing", "empty", "file.jpg", "texts"])
def test_a_folder_without_an_image_is_one_clear_sentence(tmp_path: Path, name: str) -> None:
    """A missing folder, an empty one, a file, and a folder of other files are told apart."""
    (tmp_path / "empty").mkdir()
    put(tmp_path, "file.jpg", "texts/a.txt")
    said = {
        "missing": "There is no folder",
        "empty": "has no image",
        "file.jpg": "is no folder",
        "texts": "has no image",
    }
    with pytest.raises(PicturesError, match=said[name]):
        find(tmp_path / name)
