"""What a command needs from this machine before it asks anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe import inputs
from carscribe.inputs import SYSTEM_TEMPORARY, UsageError, temporary_folder
from carscribe.steps import clear

if TYPE_CHECKING:
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
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("long" * 20)))
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
