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
    """Copy pictures without their answers."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("1.jpg", "3.jpg", "4.jpg", "6.jpg"):
        shutil.copy(images / name, folder)
    return folder


def test_cars_are_found_and_their_plates_read(pictures: Path, tmp_path: Path) -> None:
    """Without an answer and without an account, by the same protocol."""
    done = attempt(pictures, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "output.txt").read_text().splitlines() == [
        "1.jpg: SBR8167",
        "4.jpg: YHI 907",
    ]
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    confidences = {
        line["key"]: line["car"]["confidence"] for line in map(json.loads, lines) if line["car"]
    }
    assert set(confidences) == {"1.jpg", "4.jpg"}
    assert min(confidences.values()) > 90


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
