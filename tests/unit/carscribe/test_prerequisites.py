"""What a target of the Makefile needs of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe import prerequisites

if TYPE_CHECKING:
    from pathlib import Path


def test_a_missing_program_names_its_package(tmp_path: Path) -> None:
    """Each package is named once, however many of its programs are missing."""
    assert prerequisites.missing(prerequisites.SSH, str(tmp_path)) == ["openssh-client"]


def test_what_is_there_is_not_asked_for(tmp_path: Path) -> None:
    """A program on the path needs no package."""
    for name in prerequisites.SSH:
        program = tmp_path / name
        program.touch(mode=0o755)
    assert prerequisites.missing(prerequisites.SSH, str(tmp_path)) == []


def test_a_virtual_environment_needs_no_engine() -> None:
    """`make try` needs nothing but Python."""
    assert prerequisites.NEEDED["venv"] == {}


def test_elsewhere_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without root the missing packages are named, and nothing is tried."""
    monkeypatch.setattr(prerequisites, "missing", lambda *_: ["chromium", "git"])
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(prerequisites, "install", lambda _: pytest.fail("tried to install"))
    assert prerequisites.main("test") == prerequisites.EXIT_NOT_CONFIGURED
    said = capsys.readouterr().err
    assert "chromium git" in said
    assert said.count("\n") == 1
