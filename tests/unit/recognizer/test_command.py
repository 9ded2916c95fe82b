"""`python -m emulator.recognizer`, around a recognizer that the tests make up."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from emulator.recognizer import __main__ as command
from emulator.recognizer.boxes import Box
from emulator.recognizer.detector import Found
from emulator.recognizer.labels import to_labels
from emulator.recognizer.loading import UnavailableError
from emulator.recognizer.text import Piece, join, to_detections

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Slow:
    """Knows each answer when it is asked for the third time."""

    def __init__(self) -> None:
        self.asked = 0

    def recognize(self, operation: str, data: bytes) -> dict[str, Any] | None:
        """Answer at last."""
        del data
        self.asked += 1
        if self.asked % 3:
            return None
        if operation == "DetectLabels":
            return to_labels([Found(2, 0.3, Box(0, 0, 1, 1))])
        return to_detections(join([Piece("GO 77", 0.95, ((0, 0), (9, 0), (9, 9), (0, 9)))]), 9, 9)


def test_it_waits_for_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a busy machine a picture is not said to show nothing because nobody knows yet."""
    (tmp_path / "1.jpg").write_bytes(b"a picture")
    (tmp_path / "notes.txt").write_bytes(b"none")
    monkeypatch.setattr(sys, "argv", ["recognizer", str(tmp_path)])
    monkeypatch.setattr(command, "load", Slow)
    assert command.main() == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "1.jpg: Car 90.0; text: GO 77 (95)"
    assert told[1].startswith("1 images: each ")


def test_without_a_recognizer_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a sentence, and with an exit code for what is not available."""

    def fail() -> None:
        raise UnavailableError("there is no npm")

    monkeypatch.setattr(sys, "argv", ["recognizer", str(tmp_path)])
    monkeypatch.setattr(command, "load", fail)
    assert command.main() == 69
    assert "there is no npm." in capsys.readouterr().err
