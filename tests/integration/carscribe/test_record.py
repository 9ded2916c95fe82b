"""Record and replay: the emulator plays the service, and then its recording."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.pipeline import PATHS, ROOT, car_answer, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator import Emulator


def record(emulator: Emulator, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the recorder against the emulator as if it were the service."""
    return subprocess.run(
        [sys.executable, "-m", "carscribe.record", str(folder), *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": PATHS} | emulator.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def photos(emulator: Emulator, folder: Path) -> None:
    """Make a folder of three images, one in a folder below, that the service knows."""
    (folder / "sub").mkdir(parents=True)
    (folder / "1.jpg").write_bytes(emulator.teach(picture(101), car_answer(97.5, "GO 1")))
    (folder / "sub" / "2.png").write_bytes(emulator.teach(picture(102), car_answer(95.5, "GO 2")))
    (folder / "3.jpg").write_bytes(picture(103))


def test_answers_are_kept_and_replayed(
    emulator: Emulator, start_emulator: Callable[..., Emulator], tmp_path: Path
) -> None:
    """What was recorded is what an emulator with that folder answers afterwards."""
    folder = tmp_path / "photos"
    photos(emulator, folder)
    done = record(emulator, folder, "--yes")
    assert done.returncode == 0, done.stderr
    assert "3 images without answers, 6 calls of Rekognition: about $0.006" in done.stdout
    kept = json.loads((folder / "answers" / "sub" / "2.png.json").read_text())
    assert kept["DetectLabels"]["Labels"][0]["Confidence"] == 95.5
    assert "ResponseMetadata" not in kept["DetectText"]
    client = start_emulator(images=folder).client("rekognition")
    answer = client.detect_text(Image={"Bytes": (folder / "1.jpg").read_bytes()})
    assert answer["TextDetections"][0]["DetectedText"] == "GO 1"


def test_nothing_is_asked_twice(emulator: Emulator, tmp_path: Path) -> None:
    """A second time costs nothing; a new image costs its own two calls."""
    folder = tmp_path / "photos"
    photos(emulator, folder)
    record(emulator, folder, "--yes")
    again = record(emulator, folder, "--yes")
    assert "nothing to pay" in again.stdout
    assert emulator.counts()["rekognition.DetectLabels"]["calls"] == 3
    (folder / "4.jpg").write_bytes(picture(104))
    record(emulator, folder, "--yes")
    assert emulator.counts()["rekognition.DetectLabels"]["calls"] == 4
    assert emulator.counts()["rekognition.DetectText"]["calls"] == 4


def test_nothing_is_paid_without_consent(emulator: Emulator, tmp_path: Path) -> None:
    """Without --yes and without a terminal to ask at, the cost is said and nothing is asked."""
    folder = tmp_path / "photos"
    photos(emulator, folder)
    done = record(emulator, folder)
    assert done.returncode == 78
    assert "about $0.006. Say YES=1 to go on" in done.stderr
    assert emulator.counts() == {}


def test_an_image_that_is_none_is_named(emulator: Emulator, tmp_path: Path) -> None:
    """One bad image is named and keeps no other from being recorded."""
    folder = tmp_path / "photos"
    photos(emulator, folder)
    (folder / "0.jpg").write_bytes(b"no image")
    done = record(emulator, folder, "--yes")
    assert done.returncode == 65
    assert "0.jpg: not recorded, invalid-image" in done.stdout
    assert "3 recorded, 1 not" in done.stdout


def test_folder_that_is_not_there(emulator: Emulator, tmp_path: Path) -> None:
    """A missing folder is one sentence."""
    done = record(emulator, tmp_path / "nowhere", "--yes")
    assert done.returncode == 66
    assert "There is no folder" in done.stderr


def test_only_what_lies_in_the_folder_is_sent_away(emulator: Emulator, tmp_path: Path) -> None:
    """A link out of the folder is passed over by name; the same bytes are paid for once."""
    folder = tmp_path / "photos"
    photos(emulator, folder)
    (tmp_path / "secret.jpg").write_bytes(picture(104))
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    record(emulator, folder, "--yes")
    (folder / "copy.jpg").write_bytes((folder / "1.jpg").read_bytes())
    done = record(emulator, folder, "--yes")
    assert "Passed over: link that leaves the folder: link.jpg." in done.stdout
    assert "nothing to pay" in done.stdout
    assert emulator.counts()["rekognition.DetectLabels"]["calls"] == 3


def test_a_profile_that_does_not_exist_is_named(emulator: Emulator, tmp_path: Path) -> None:
    """Nobody is asked in the name of nobody: one sentence names the profile."""
    folder = tmp_path / "photos"
    photos(emulator, folder)
    kept = {
        n: v
        for n, v in emulator.env.items()
        if not n.startswith("AWS_ACCESS") and "SECRET" not in n
    }
    done = subprocess.run(
        [sys.executable, "-m", "carscribe.record", str(folder), "--yes"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": PATHS, **kept, "AWS_PROFILE": "nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 77
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
