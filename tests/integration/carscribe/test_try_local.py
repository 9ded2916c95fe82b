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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import ROOT
from tests.pipeline import PATHS
from tests.samples import box, label, picture, text

MARK = "CARSCRIBE_TEST_MARK"
LONGEST_KEY = "/".join(["l" * 200] * 5) + "/" + "m" * (1024 - 1005 - 4) + ".jpg"
ODD_KEYS = ["a b.jpg", "c+d.png", "e%41%.jpg", "f#g.jpeg", "h/ü ö/ß.JPG", "i 🚗.jpg", "1.jpg"]


WARNS = """
import sys, warnings
if "serve" in sys.orig_argv:
    warnings.warn("a library of the emulator is old")
"""


def command(images: Path, out: Path) -> list[str]:
    """Write the command that `make try` runs."""
    return [sys.executable, "-m", "carscribe", "try", "--images", str(images), "--out", str(out)]


def environment(mark: str) -> dict[str, str]:
    """Set what a user may have set, which must not matter, and a mark to find children by."""
    return {
        **os.environ,
        "PYTHONPATH": PATHS,
        MARK: mark,
        "PYTHONWARNINGS": "always",
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


def run(images: Path, out: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Try a folder."""
    return subprocess.run(
        command(images, out),
        cwd=ROOT,
        env={**environment(str(out)), **more},
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


def fill(folder: Path) -> None:
    """Make a folder with odd names, a car not sure enough, and things that are no images."""
    for tint, key in enumerate(ODD_KEYS):
        put(folder, key, 95.0, f"no. {tint}", "second line", tint=tint + 1)
    put(folder, LONGEST_KEY, 91.0, "long", tint=50)
    put(folder, "2.jpg", 90.0, "not sure enough", tint=100)
    (folder / "broken.jpg").write_bytes(b"no image")
    (folder / "notes.txt").write_text("no image")


@dataclass(frozen=True)
class Tried:
    """A run over that folder, made once for several tests."""

    done: subprocess.CompletedProcess[str]
    out: Path


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """Run over a folder never seen before."""
    folder = tmp_path_factory.mktemp("trial")
    fill(folder / "images")
    (folder / "sitecustomize.py").write_text(WARNS)
    paths = os.pathsep.join([str(folder), PATHS])
    done = run(folder / "images", folder / "out", PYTHONPATH=paths)
    assert done.returncode == 0, done.stderr
    return Tried(done, folder / "out")


def test_a_folder_never_seen_gives_its_lines(tried: Tried) -> None:
    """Spaces, signs, umlauts, emoji, folders and 1,024 bytes: every line, in natural order."""
    order = ["1.jpg", "a b.jpg", "c+d.png", "e%41%.jpg", "f#g.jpeg", "h/ü ö/ß.JPG", "i 🚗.jpg"]
    expected = [f"{key}: no. {ODD_KEYS.index(key)} | second line" for key in order]
    expected.append(f"{LONGEST_KEY}: long")
    assert tried.done.stdout.splitlines() == expected
    assert (tried.out / "output.txt").read_text() == tried.done.stdout


def test_progress_comes_as_plain_lines_where_there_is_no_terminal(tried: Tried) -> None:
    """Standard error tells the upload, both workers and the end."""
    lines = tried.done.stderr.splitlines()
    assert "uploaded 10 of 10 files" in lines
    assert "Passed over: 1 .txt file." in lines
    assert any(
        line.startswith("A looked at 10 of 10 images, B read 8 of 8 cars: 8 with text")
        for line in lines
    ), lines
    assert "10 images, 8 cars, 8 of them with text, 1 failed." in lines
    assert not [line for line in lines if "Warning" in line]


def test_a_bad_image_is_named_and_the_run_goes_on(tried: Tried) -> None:
    """An image's own fault is told at the end, and the exit code is 0 all the same."""
    assert "failed: broken.jpg: invalid-image" in tried.done.stderr


def test_pictures_that_nobody_looked_at_are_no_pictures_without_cars(tmp_path: Path) -> None:
    """Where nothing is recorded and nothing recognizes, that is said beside the number of cars."""
    put(tmp_path / "images", "1.jpg", 95.0, "known")
    for tint in (2, 3):
        (tmp_path / "images" / f"{tint}.jpg").write_bytes(picture(tint=tint))
    (tmp_path / "images" / "br\x1b[2Joken.jpg").write_bytes(b"no image")
    done = run(tmp_path / "images", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    said = "Nothing is recorded for 2 of 4 images, so nobody has seen them: EYES=1 "
    assert any(line.startswith(said) for line in lines), lines
    assert "4 images, 1 cars, 1 of them with text, 1 failed." in lines
    assert "failed: br\\u001b[2Joken.jpg: unreadable-key" in lines, "a name steers no terminal"
    assert "Looked at by recorded answers: 1, by nobody: 2." in lines


def test_pipes_and_links_are_named_and_keep_nothing_waiting(tmp_path: Path) -> None:
    """A named pipe under a picture's name, or an answer's, is read by nobody; no link is followed out."""
    images = tmp_path / "images"
    for key in ("1.jpg", "2.jpg", "3.jpg"):
        put(images, key, 95.0, "seen", tint=int(key[0]))
    for pipe in (images / "2.jpg", images / "answers" / "3.jpg.json"):
        pipe.unlink()
        os.mkfifo(pipe)
    (tmp_path / "secret.jpg").write_bytes(picture(tint=9))
    (images / "s.jpg").symlink_to(tmp_path / "secret.jpg")
    done = run(images, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1.jpg: seen\n"
    said = "Passed over: link that leaves the folder: s.jpg; named pipe: 2.jpg."
    assert said in done.stderr.splitlines()
    assert "uploaded 2 of 2 files" in done.stderr


def test_everything_is_kept_and_nothing_is_left_running(tried: Tried) -> None:
    """Both workers' files, the merged ones and the log stay; processes and scratch files go."""
    kept = {path.name for path in tried.out.glob("[!.]*")}
    files = {"output.txt", "results.csv", "results.jsonl", "summary.json", "report.html", "log.txt"}
    assert kept == {"a", "b", *files}
    assert [path.name for path in tried.out.glob(".*")] == [".made-by-carscribe"]
    log = (tried.out / "log.txt").read_text()
    assert ".work" not in log, "it names a folder that is gone"
    assert f"{tried.out}/b/output.txt has 8 lines" in log
    assert processes(str(tried.out)) == []


def test_the_ten_samples_come_out_the_same_every_time(tmp_path: Path) -> None:
    """The second run, on a terminal with its bars, replaces the first byte for byte."""
    out = tmp_path / "out"
    first = run(ROOT / "images", out)
    assert first.returncode == 0, first.stderr
    keys = [line.split(":")[0] for line in first.stdout.splitlines()]
    assert keys == ["1.jpg", "7.jpg", "9.jpg", "10.jpg"]
    lines = (out / "log.txt").read_text().splitlines()
    looked = [n for n, line in enumerate(lines) if " a " in line and ".jpg: " in line]
    read = [n for n, line in enumerate(lines) if " b " in line and ": text " in line]
    assert read[0] < looked[-1], "B reads a text before A has looked at its last image"
    code, printed, seen = run_on_a_terminal(ROOT / "images", out)
    assert code == 0
    assert printed == first.stdout == (out / "output.txt").read_text()
    assert "A looks for cars" in seen
    assert "10 of 10 images" in seen


def run_on_a_terminal(images: Path, out: Path) -> tuple[int, str, str]:
    """Try a folder with standard error on a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        command(images, out),
        cwd=ROOT,
        env={**environment(str(out)), "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=slave,
    ) as child:
        os.close(slave)
        seen = b""
        with contextlib.suppress(OSError):
            while part := os.read(master, 65536):
                seen += part
        assert child.stdout is not None
        printed = child.stdout.read()
    os.close(master)
    return child.returncode, printed.decode(), seen.decode()


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
        (out / ".work").mkdir(parents=True)
    if make == "out is a file":
        out.write_text("x")
    done = run(images, out)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert make != "out inside" or (out / ".work").exists(), "not made by us"
    assert processes(str(out)) == []


@pytest.mark.parametrize("name", ["a/thesis.txt", "b", "log.txt", ".work/x", "a/2.jpg"])
def test_what_others_made_is_not_written_over(tmp_path: Path, name: str) -> None:
    """A folder with files of the user's is refused, also where the images lie in it."""
    theirs = tmp_path / "out" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    images = theirs.parent if name == "a/2.jpg" else tmp_path / "images"
    put(images, "1.jpg", 95.0, "x")
    for _ in range(2):
        done = run(images, tmp_path / "out")
        assert done.returncode == 73, done.stderr
        assert "name a new or an empty folder with OUT=DIR." in done.stderr
        assert theirs.read_text() == "mine"


def test_a_worker_that_fails_ends_the_run_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other worker is stopped, and the sentence of the failed one is shown."""
    monkeypatch.setenv("CARSCRIBE_CAR_CONFIDENCE_PERCENT", "101")
    put(tmp_path / "images", "1.jpg", 95.0, "x")
    done = run(tmp_path / "images", tmp_path / "out")
    assert done.returncode == 78
    assert "CARSCRIBE_CAR_CONFIDENCE_PERCENT is '101'" in done.stderr
    assert processes(str(tmp_path / "out")) == []


def started(images: Path, out: Path, **popen: Any) -> subprocess.Popen[bytes]:
    """Start a try and wait until both workers are at work."""
    child = subprocess.Popen(
        command(images, out), cwd=ROOT, env=environment(str(out)), start_new_session=True, **popen
    )
    log, end = out / "log.txt", time.monotonic() + 60
    while not (
        log.exists() and all(said in log.read_text() for said in (" b carscribe", ".jpg: "))
    ):
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_that_was_started(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and its like end workers and emulator, say so, and exit with 128 and the number."""
    out = tmp_path / "out"
    child = started(ROOT / "images", out, stderr=subprocess.PIPE)
    child.send_signal(number)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 128 + number
    assert f"Stopped by {number.name}" in said.decode()
    assert "Traceback" not in said.decode()
    assert processes(str(out)) == []
    log = (out / "log.txt").read_text()
    for worker in ("a", "b"):
        assert f" {worker} Stopped by SIGTERM" in log, "a worker is asked before it is made to"
    assert not (out / ".work").exists()


def test_of_two_at_once_one_has_the_folder(tmp_path: Path) -> None:
    """The second says so and touches nothing; the first goes on to its result."""
    put(tmp_path / "images", "1.jpg", 95.0, "seen")
    out = tmp_path / "out"
    first = subprocess.Popen(
        command(tmp_path / "images", out),
        cwd=ROOT,
        env=environment(str(out)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    end = time.monotonic() + 60
    while not (out / ".work").exists() and time.monotonic() < end:
        time.sleep(0.01)
    first.send_signal(signal.SIGSTOP)
    second = run(tmp_path / "images", out)
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 73
    assert second.stderr.startswith(f"Another command keeps its results in {out}: wait for its")
    assert first.communicate(timeout=60)[0] == "1.jpg: seen\n"
    assert first.returncode == 0


def test_kill_9_of_the_parent_leaves_nothing(tmp_path: Path) -> None:
    """Even then workers and emulator are gone."""
    out = tmp_path / "out"
    child = started(ROOT / "images", out, stderr=subprocess.DEVNULL)
    child.kill()
    child.wait()
    assert nothing_left(out)


def test_kill_9_of_the_emulator_ends_the_run(tmp_path: Path) -> None:
    """Without the emulator the workers cannot go on: the run ends and says so."""
    out = tmp_path / "out"
    child = started(ROOT / "images", out, stderr=subprocess.PIPE)
    for pid in processes(str(out)):
        if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            os.kill(pid, signal.SIGKILL)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 70
    assert "The emulator ended" in said.decode()
    assert nothing_left(out)
