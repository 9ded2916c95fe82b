"""Which files of a folder go into the bucket."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from carscribe.folder import PicturesError, find, unrecorded

if TYPE_CHECKING:
    from pathlib import Path


def put(folder: Path, *names: str) -> None:
    """Write files below a folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_keys_are_paths_below_the_folder(tmp_path: Path) -> None:
    """Folders, spaces, signs, umlauts and emoji stay as they are; answers stay at home."""
    wanted = ["1.jpg", "a b+c%41#.PNG", "old.JPE", "saved.jfif", "straße/ö🚗.jpeg"]
    put(tmp_path, *wanted, "answers/1.jpg.json", "straße/answers/x.json", "draw.py", ".hidden")
    put(tmp_path, ".git/config", "__pycache__/x.jpg")
    assert [picture.key for picture in find(tmp_path).pictures] == wanted


def test_a_key_of_1024_bytes_is_the_longest(tmp_path: Path) -> None:
    """1,024 bytes in UTF-8 are accepted, one more is refused by name."""
    folder = "/".join(["ö" * 100] * 5)
    longest = f"{folder}/{'x' * (1024 - len(folder.encode()) - 1 - 4)}.jpg"
    put(tmp_path, longest)
    assert [picture.key for picture in find(tmp_path).pictures] == [longest]
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


def test_other_files_are_counted_by_their_ending(tmp_path: Path) -> None:
    """What is no picture is passed over, and one sentence says how many of which kind."""
    put(tmp_path, "1.jpg", "2.heic", "more/3.HEIC", "notes.txt", "noending", "a.\x1b[2J")
    assert str(find(tmp_path)) == (
        "Passed over: 1 file without an ending; 1 .\\u001b[2j file; 2 .heic files; 1 .txt file."
    )
    (tmp_path / "only").mkdir()
    put(tmp_path, "only/1.jpg", "only/.DS_Store", "only/answers/1.jpg.json")
    assert str(find(tmp_path / "only")) == ""


def test_links_that_leave_the_folder_are_passed_over_by_name(tmp_path: Path) -> None:
    """A linked secret, a linked folder and a dangling link are named; nothing outside is taken."""
    put(tmp_path, "secret.jpg", "elsewhere/2.jpg", "images/1.jpg")
    images = tmp_path / "images"
    (images / "s.jpg").symlink_to("../secret.jpg")
    (images / "s.txt").symlink_to("../secret.jpg")
    (images / "more").symlink_to(tmp_path / "elsewhere")
    (images / "gone.jpg").symlink_to("nowhere.jpg")
    (images / "circle.jpg").symlink_to("circle.jpg")
    (images / "same.jpg").symlink_to("1.jpg")
    found = find(images)
    assert [picture.key for picture in found.pictures] == ["1.jpg", "same.jpg"]
    assert found.passed_over == {
        "linked folder": ["more"],
        "link to nowhere": ["circle.jpg", "gone.jpg"],
        "link that leaves the folder": ["s.jpg", "s.txt"],
    }


def test_a_folder_that_is_itself_a_link_is_the_folder(tmp_path: Path) -> None:
    """What IMAGES names may be a link; what lies in its target is inside."""
    put(tmp_path, "photos/1.jpg")
    (tmp_path / "link").symlink_to("photos")
    assert [picture.key for picture in find(tmp_path / "link").pictures] == ["1.jpg"]


def test_pipes_and_sockets_are_passed_over_by_name(tmp_path: Path) -> None:
    """What is no file is never opened: a read of a named pipe would wait for ever."""
    put(tmp_path, "1.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert find(tmp_path).passed_over == {"named pipe": ["pipe.jpg"], "socket": ["s"]}
    assert str(find(tmp_path)) == "Passed over: named pipe: pipe.jpg; socket: s."


def test_many_names_are_cut(tmp_path: Path) -> None:
    """Three of a kind are named, the others counted."""
    put(tmp_path, "1.jpg")
    for number in range(5):
        (tmp_path / f"{number}").symlink_to(tmp_path.parent)
    assert str(find(tmp_path)) == "Passed over: linked folder: 0, 1, 2 and 2 more."


def test_a_picture_is_recorded_under_its_path_beside_it_or_by_its_bytes(tmp_path: Path) -> None:
    """Only pictures without any answer are left, whatever their names."""
    put(tmp_path, "1.jpg", "sub/2.jpg", "sub/3.jpg", "4.jpg", "5.jpg", "6.jpg")
    put(tmp_path, "answers/1.jpg.json", "sub/answers/2.jpg.json", "answers/sub/3.jpg.json")
    for number in (1, 4):
        (tmp_path / f"{number}.jpg").write_bytes(b"the same")
    (tmp_path / "5.jpg").write_bytes(b"of its length"[:8])
    (tmp_path / "6.jpg").write_bytes(b"another length")
    left = unrecorded(tmp_path, find(tmp_path).pictures)
    assert [picture.key for picture in left] == ["5.jpg", "6.jpg"]
