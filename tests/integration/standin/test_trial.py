"""`make try`: from a folder of images to output.txt, and nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.standin.samples import box, label, picture, text
from tests.standin import ROOT

MARK = "CARSCRIBE_TEST_MARK"
ODD_KEYS = ["a b.jpg", "c+d.png", "e%41%.jpg", "f#g.jpeg", "h/ü ö/ß.JPG", "i 🚗.jpg", "1.jpg"]


def command(images: Path, out: Path) -> list[str]:
    """Write the command that `make try` runs."""
    return [sys.executable, "-m", "local", "try", "--images", str(images), "--out", str(out)]


def environment(mark: str) -> dict[str, str]:
    """Set what a user may have set, which must not matter, and a mark to find children by."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        MARK: mark,
        "AWS_PROFILE": "no-such-profile",
        "AWS_REGION": "eu-west-3",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "CARSCRIBE_PREFIX": "nowhere/",
    }


def processes(mark: str) -> list[int]:
    """Find the processes that carry a mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and f"{MARK}={mark}".encode() in (
                entry / "environ"
            ).read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def run(images: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Try a folder."""
    return subprocess.run(
        command(images, out),
        cwd=ROOT,
        env=environment(str(out)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def put(folder: Path, key: str, confidence: float, *lines: str, tint: int = 0) -> None:
    """Write an image with a car and lines of text, and its answer."""
    image = folder / key
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(picture("PNG" if key.lower().endswith("png") else "JPEG", tint=tint))
    found = [text(n, line, 95.0, box(0.1, 0.1, 0.5, 0.1)) for n, line in enumerate(lines)]
    answer: dict[str, Any] = {
        "DetectLabels": {"Labels": [label("Car", confidence, "Vehicles and Automotive")]},
        "DetectText": {"TextDetections": found},
    }
    path = folder / "answers" / f"{key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(answer))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with odd names, one image that is no car, and things that are no images."""
    folder = tmp_path / "images"
    for tint, key in enumerate(ODD_KEYS):
        put(folder, key, 95.0, f"no. {tint}", "second line", tint=tint + 1)
    put(folder, "2.jpg", 90.0, "not sure enough", tint=100)
    (folder / "notes.txt").write_text("no image")
    return folder


def test_a_folder_never_seen_gives_its_lines(images: Path, tmp_path: Path) -> None:
    """Spaces, signs, umlauts, emoji and folders in keys: each line is right, in natural order."""
    longest = "/".join(["l" * 200] * 5) + "/" + "m" * (1024 - 1005 - 4) + ".jpg"
    assert len(longest) == 1024
    put(images, longest, 91.0, "long", tint=50)
    done = run(images, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    order = ["1.jpg", "a b.jpg", "c+d.png", "e%41%.jpg", "f#g.jpeg", "h/ü ö/ß.JPG", "i 🚗.jpg"]
    expected = [f"{key}: no. {ODD_KEYS.index(key)} | second line" for key in order]
    expected.append(f"{longest}: long")
    assert done.stdout.splitlines() == expected
    assert (tmp_path / "out" / "output.txt").read_text() == done.stdout
    assert "9 images, 8 cars, 8 of them with text, 0 failed." in done.stderr
    assert "A looked at 9 of 9 images: 8 cars; B read 8 of 8" in done.stderr
    kept = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"a", "b", "output.txt", "results.jsonl", "summary.json", "log.txt"} <= kept
    assert processes(str(tmp_path / "out")) == []


def test_the_ten_samples_twice_the_same_and_b_works_while_a_works(tmp_path: Path) -> None:
    """The second run replaces the first byte for byte; a text is read before A's last image."""
    out = tmp_path / "out"
    first = run(ROOT / "images", out)
    again = run(ROOT / "images", out)
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert first.stdout == again.stdout == (out / "output.txt").read_text()
    assert [line.split(":")[0] for line in first.stdout.splitlines()] == [
        "1.jpg",
        "7.jpg",
        "9.jpg",
        "10.jpg",
    ]
    lines = (out / "log.txt").read_text().splitlines()
    looked = [n for n, line in enumerate(lines) if " a " in line and ".jpg: " in line]
    read = [n for n, line in enumerate(lines) if " b " in line and ": text " in line]
    assert read[0] < looked[-1]
    assert not (out / ".work").exists()


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        ("missing", 66, "There is no folder"),
        ("empty", 66, "has no image"),
        ("no image", 66, "has no image"),
        ("bad answer", 65, "answers/2.jpg.json: is no JSON"),
        ("out inside", 73, "keep the results outside the images"),
        ("out is a file", 73, "Cannot keep results in"),
    ],
)
def test_a_wrong_folder_is_one_clear_sentence(
    tmp_path: Path, make: str, code: int, said: str
) -> None:
    """Each mistake has one sentence, names what is meant, and has its own exit code."""
    images, out = tmp_path / "images", tmp_path / "out"
    if make != "missing":
        images.mkdir()
    if make == "no image":
        (images / "notes.txt").write_text("x")
    if make in {"bad answer", "out inside", "out is a file"}:
        put(images, "2.jpg", 95.0, "x")
    if make == "bad answer":
        (images / "answers" / "2.jpg.json").write_text("{")
    if make == "out inside":
        out = images / "out"
    if make == "out is a file":
        out.write_text("x")
    done = run(images, out)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert processes(str(out)) == []


def test_a_bad_image_is_named_and_the_run_goes_on(images: Path, tmp_path: Path) -> None:
    """An image's own fault is told at the end, and the exit code is 0."""
    (images / "broken.jpg").write_bytes(b"no image")
    done = run(images, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "failed: broken.jpg: invalid-image" in done.stderr
    assert len(done.stdout.splitlines()) == len(ODD_KEYS)


def test_a_worker_that_fails_ends_the_run_with_its_code(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other worker is stopped, and the sentence of the failed one is shown."""
    monkeypatch.setenv("CARSCRIBE_CAR_CONFIDENCE_PERCENT", "101")
    done = run(images, tmp_path / "out")
    assert done.returncode == 78
    assert "CARSCRIBE_CAR_CONFIDENCE_PERCENT is '101'" in done.stderr
    assert processes(str(tmp_path / "out")) == []


def started(images: Path, out: Path, **popen: Any) -> subprocess.Popen[bytes]:
    """Start a try and wait until both workers are at work."""
    child = subprocess.Popen(
        command(images, out), cwd=ROOT, env=environment(str(out)), start_new_session=True, **popen
    )
    log, end = out / "log.txt", time.monotonic() + 60
    while not (log.exists() and ".jpg: " in log.read_text()):
        assert time.monotonic() < end
        assert child.poll() is None
        time.sleep(0.02)
    assert len(processes(str(out))) == 4
    return child


def nothing_left(out: Path) -> bool:
    """Wait a moment for processes to end."""
    end = time.monotonic() + 10
    while processes(str(out)) and time.monotonic() < end:
        time.sleep(0.05)
    return processes(str(out)) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_that_was_started(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and its like end workers and stand-in, say so, and exit with 128 and the number."""
    out = tmp_path / "out"
    child = started(ROOT / "images", out, stderr=subprocess.PIPE)
    child.send_signal(number)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 128 + number
    assert f"Stopped by {number.name}" in said.decode()
    assert "Traceback" not in said.decode()
    assert processes(str(out)) == []
    assert not (out / ".work").exists()


def test_kill_9_of_the_parent_leaves_nothing(tmp_path: Path) -> None:
    """Even then workers and stand-in are gone."""
    out = tmp_path / "out"
    child = started(ROOT / "images", out, stderr=subprocess.DEVNULL)
    child.kill()
    child.wait()
    assert nothing_left(out)


def test_kill_9_of_the_standin_ends_the_run(tmp_path: Path) -> None:
    """Without the stand-in the workers cannot go on: the run ends and says so."""
    out = tmp_path / "out"
    child = started(ROOT / "images", out, stderr=subprocess.PIPE)
    for pid in processes(str(out)):
        if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            os.kill(pid, signal.SIGKILL)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 70
    assert "The stand-in ended" in said.decode()
    assert nothing_left(out)


def test_a_terminal_gets_bars(images: Path, tmp_path: Path) -> None:
    """On a terminal standard error shows a bar for each worker."""
    master, slave = pty.openpty()
    out = tmp_path / "out"
    with subprocess.Popen(
        command(images, out),
        cwd=ROOT,
        env={**environment(str(out)), "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.DEVNULL,
        stderr=slave,
    ) as child:
        os.close(slave)
        seen = b""
        with contextlib.suppress(OSError):
            while part := os.read(master, 65536):
                seen += part
    os.close(master)
    assert child.returncode == 0
    assert b"A looks for cars" in seen
    assert b"8/8" in seen
