"""What a command needs from this machine before it asks anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe import inputs
from carscribe.inputs import SYSTEM_TEMPORARY, UsageError, check_key, make_key, temporary_folder
from carscribe.steps import clear

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_temporary_files_lie_in_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So they go with the checkout, and with the next command."""
    monkeypatch.setattr(inputs, "TEMPORARY_PATH_MAX", len(str(tmp_path / "build/tmp")))
    monkeypatch.setattr(inputs, "BUILD", tmp_path / "build")
    assert temporary_folder() == tmp_path / "build/tmp"
    assert temporary_folder().stat().st_mode & 0o777 == 0o700


def test_a_long_path_leaves_room_for_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ansible adds some 40 characters to it, of at most 107: a long TMPDIR would be none better."""
    monkeypatch.setattr(inputs, "BUILD", tmp_path / ("long" * 20) / "build")
    (tmp_path / ("long" * 20)).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("long" * 20)))
    monkeypatch.setattr("tempfile.tempdir", None)
    folder = temporary_folder()
    try:
        assert folder.parent == SYSTEM_TEMPORARY
        assert len(str(folder)) <= inputs.TEMPORARY_PATH_MAX
    finally:
        folder.rmdir()


@pytest.mark.parametrize("kind", ["link", "dangling link", "file"])
def test_what_others_put_there_is_not_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The system's folder is everybody's: a link there would lead the clearing elsewhere."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.tex").touch()
    build = tmp_path / "build"
    build.mkdir()
    if kind == "file":
        (build / "tmp").touch()
    else:
        (build / "tmp").symlink_to(theirs if kind == "link" else tmp_path / "nowhere")
    monkeypatch.setattr(inputs, "TEMPORARY_PATH_MAX", 1000)
    monkeypatch.setattr(inputs, "BUILD", build)
    with pytest.raises(UsageError, match="is no folder of your own: remove it"):
        clear(temporary_folder())
    assert (theirs / "thesis.tex").exists()


def _swap(key: Path) -> None:
    other = key.with_name("other")
    make_key(other)
    other.replace(key)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda key: key.write_text("junk\n"), "invalid format|error in libcrypto"),
        (lambda key: key.write_text(""), "invalid format|error in libcrypto"),
        (lambda key: key.chmod(0o644), "too open"),
        (_swap, "they are no pair"),
        (lambda key: key.with_suffix(".pub").write_bytes(b"\xff"), "they are no pair"),
    ],
)
def test_a_key_that_ssh_does_not_take(
    tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    """It is told before hosts are made with it, to which nobody would get in."""
    key = tmp_path / "ssh" / "id_ed25519"
    make_key(key)
    check_key(key)
    damage(key)
    with pytest.raises(UsageError, match=said) as told:
        check_key(key)
    assert str(told.value).startswith(f"{key} and its .pub are not what SSH takes: ")
    assert "remove both" in str(told.value)
