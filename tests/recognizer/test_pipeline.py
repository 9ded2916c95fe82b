"""The whole pipeline on pictures without any recorded answer, as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def attempt(pictures: Path, out: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `try --eyes`; the workers ask the emulator, which asks the recognizer."""
    command = [sys.executable, "-m", "carscribe", "try", "--eyes"]
    command += ["--images", str(pictures), "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture
def pictures(tmp_path: Path, images: Path) -> Path:
    """Copy the sample images without their answers."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for image in images.glob("*.jpg"):
        shutil.copy(image, folder)
    return folder


def test_the_samples_come_out_the_same_without_their_answers(
    pictures: Path, images: Path, tmp_path: Path
) -> None:
    """The same six cars and the same four lines as with them, by the same protocol."""
    done = attempt(pictures, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    output = (tmp_path / "out" / "output.txt").read_text(encoding="utf-8")
    assert output == (images / "expected-output.txt").read_text(encoding="utf-8")
    lines = (tmp_path / "out" / "results.jsonl").read_text(encoding="utf-8").splitlines()
    cars = {row["key"] for row in map(json.loads, lines) if row["n"] is not None}
    assert cars == {f"{number}.jpg" for number in (1, 2, 7, 8, 9, 10)}
    assert "Loading the models that recognize pictures ..." in done.stderr.splitlines()
    assert "Looked at by the recognizer: 10." in done.stderr.splitlines()


def test_without_a_recognizer_recorded_answers_alone_are_used(
    pictures: Path, tmp_path: Path
) -> None:
    """One sentence says so, and the run goes on as without EYES."""
    missing = tmp_path / "missing"
    missing.mkdir()
    (missing / "rapidocr.py").write_text("raise ModuleNotFoundError(name='rapidocr')")
    done = attempt(pictures, tmp_path / "out", PYTHONPATH=f"{missing}{os.pathsep}{ROOT}")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Without a recognizer, recorded answers alone are used") == 1
    assert "0 cars" in done.stderr
