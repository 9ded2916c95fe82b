"""`python -m carscribe try`: the whole pipeline on this machine, with Python alone."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from carscribe import CHECKOUT, PATHS, progress
from carscribe.folder import Found, Picture, PicturesError, find, unrecorded, upload
from carscribe.runs import listed
from carscribe_common.rules import visible
from emulator import lifetime
from emulator.secret import ROOT_ACCESS_KEY_ID, Secret, SecretError, private_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEFAULT_OUT = CHECKOUT / "results" / "try"
REGION = "us-east-1"
BUCKET = "carscribe-images"
QUEUE = "carscribe-indexes"
DEAD_LETTER_QUEUE = "carscribe-indexes-dead"
WORKERS = ("a", "b")
# The quotas of small and large regions on AWS, in calls a second for each operation.
SMALL_RATE_PER_SECOND, LARGE_RATE_PER_SECOND = 5, 50
# Slow enough to see both workers at work, and no slower than need be.
SECONDS_TO_WATCH = 3
VISIBILITY_TIMEOUT_SECONDS = 60
MAX_RECEIVE_COUNT = 5
READY_SECONDS = 180  # the first time the detector's model is fetched
SECONDS_TO_GIVE_BACK = 1.5
POLL_SECONDS = 0.1
FAILURES_NAMED = 10
EYES = "CARSCRIBE_EYES"
NOT_LOOKED_AT = (
    "Nothing is recorded for {missing} of {total} images, so nobody has seen them: EYES=1 "
    "recognizes what is in them here, and make record asks Rekognition."
)

EXIT_NO_INPUT = 66  # EX_NOINPUT of sysexits.h
EXIT_CANNOT_CREATE = 73  # EX_CANTCREAT: another command is at work, or a file cannot be used
EXIT_SOFTWARE = 70  # EX_SOFTWARE
OWN_NAMES = (
    *WORKERS,
    "output.txt",
    "results.csv",
    "results.jsonl",
    "summary.json",
    "report.html",
    "log.txt",
)
WORK_FOLDER = ".work"
MARK = ".made-by-carscribe"
"""The file that tells a folder of results, which is written over, from one of the user's."""


class Failed(Exception):  # noqa: N818 # the end of a run, with its exit code
    """The run cannot go on; the sentence says why."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


def run(images: Path, out: Path, *, eyes: bool) -> int:
    """Try the pipeline; whatever happens, leave nothing running.

    Args:
        images: a folder, with ``answers/``.
        out: where the results are kept.
        eyes: recognize what is in images without an answer.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    # Python's warnings are for who develops; between lines of progress they only alarm.
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    children: list[subprocess.Popen[bytes]] = []
    work: Path | None = None
    until = ExitStack()
    try:
        images = images.resolve()
        found = find(images)
        _say(0, str(found))
        out = _prepare(out, images, until)
        work = out / WORK_FOLDER
        if eyes:
            os.environ[EYES] = "1"  # heard by the emulator
        return _run(images, out, found, children)
    except PicturesError as error:
        return _say(EXIT_NO_INPUT, str(error))
    except Failed as failed:
        return _say(failed.code, failed.sentence)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        # Workers first: what they hold they can give back while there is a queue.
        # The end of the emulator then ends a long poll that B may be waiting in.
        lifetime.ask(children[1:], SECONDS_TO_GIVE_BACK)
        lifetime.stop(children)
        for child in children:
            if child.stdin:
                child.stdin.close()
        if work:
            shutil.rmtree(work, ignore_errors=True)
        until.close()


def _stop(number: int, _: Any) -> NoReturn:
    raise Failed(
        128 + number, f"Stopped by {signal.Signals(number).name}; nothing is left running."
    )


def _say(code: int, sentence: str) -> int:
    if sentence:
        print(sentence, file=sys.stderr, flush=True)
    return code


def _prepare(out: Path, images: Path, until: ExitStack) -> Path:
    """Make the folder for the results, without those of an earlier run, and have it alone."""
    out, images = out.resolve(), images.resolve()
    if out == images or images in out.parents:
        raise Failed(
            EXIT_CANNOT_CREATE, f"{out} lies in {images}: keep the results outside the images."
        )
    ours = [out / name for name in (*OWN_NAMES, WORK_FOLDER)]
    theirs = [images] if any(map(images.is_relative_to, ours)) else _not_ours(out, ours)
    if theirs:
        raise Failed(
            EXIT_CANNOT_CREATE,
            f"The results would be written over {listed(str(path) for path in theirs)}, which "
            "`make try` has not made: name a new or an empty folder with OUT=DIR.",
        )
    try:
        if out.is_relative_to(CHECKOUT / "results"):
            private_folder(CHECKOUT / "results")
        out.mkdir(parents=True, exist_ok=True)
        _take(out, until)
        (out / MARK).touch()
        for old in ours:
            if old.is_dir():
                shutil.rmtree(old)
            else:
                old.unlink(missing_ok=True)
        (out / WORK_FOLDER).mkdir()
    except OSError as error:
        raise Failed(
            EXIT_CANNOT_CREATE, f"Cannot keep results in {out}: {error.strerror}."
        ) from error
    return out


def _not_ours(out: Path, ours: Sequence[Path]) -> list[Path]:
    """Return what has a name of ours in a folder that is none of ours."""
    if out == DEFAULT_OUT or (out / MARK).exists():
        return []
    return [path for path in ours if os.path.lexists(path)]


def _take(out: Path, until: ExitStack) -> None:
    taken = os.open(out, os.O_RDONLY)
    until.callback(os.close, taken)
    try:
        fcntl.flock(taken, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Failed(
            EXIT_CANNOT_CREATE,
            f"Another command keeps its results in {out}: wait for its end, or name another "
            "folder with OUT=DIR.",
        ) from None


def _run(
    images: Path,
    out: Path,
    found: Found,
    children: list[subprocess.Popen[bytes]],
) -> int:
    secret_file = out / WORK_FOLDER / "secret.sh"
    try:
        secret = Secret.kept_in(secret_file)
    except SecretError as error:
        raise Failed(EXIT_CANNOT_CREATE, str(error)) from error
    emulator = _start_emulator(images, out, secret_file, children)
    environment = _environment(emulator["url"], secret)
    os.environ.clear()
    os.environ.update(environment)  # for our own clients too
    total = len(found.pictures)
    with progress.display() as display:
        queue_url = _fill(found.pictures, display)
        run_id = f"try-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        rate = min(LARGE_RATE_PER_SECOND, max(SMALL_RATE_PER_SECOND, total // SECONDS_TO_WATCH))
        settings = {
            "CARSCRIBE_REKOGNITION_RATE_PER_SECOND": str(rate),
            **environment,
            "CARSCRIBE_RUN_ID": run_id,
            "CARSCRIBE_BUCKET": BUCKET,
            "CARSCRIBE_PREFIX": "",
            "CARSCRIBE_QUEUE_URL": queue_url,
            "CARSCRIBE_REGION": REGION,
        }
        workers = _start_workers(out, settings, children)
        folders = {w: out / WORK_FOLDER / w / "runs" / run_id for w in WORKERS}
        code = _watch(children[0], workers, folders, total, display)
    _keep(out, folders)
    if code:
        _explain(code, folders, out)
        return code
    return _show(images, out, found, recognizer=emulator["recognizer"])


def _environment(url: str, secret: Secret) -> dict[str, str]:
    """Give the children our address and keys, and nothing of the user's own account."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_")
        and name.lower() not in {"http_proxy", "https_proxy", "all_proxy"}
        and name not in {"JOURNAL_STREAM", "STATE_DIRECTORY"}
    }
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(PATHS),
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ROOT_ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": secret.access_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _start_emulator(
    images: Path, out: Path, secret_file: Path, children: list[subprocess.Popen[bytes]]
) -> dict[str, Any]:
    """Return what it says of itself: its address, and whether it has a recognizer."""
    ready = out / WORK_FOLDER / "emulator.json"
    log = out / WORK_FOLDER / "emulator.log"
    command = [sys.executable, "-m", "emulator", "serve", "--images", str(images)]
    command += ["--ready-file", str(ready), "--log", str(log), "--until-stdin-closes"]
    command += ["--secret-file", str(secret_file)]
    child = lifetime.start(
        command,
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    children.append(child)
    import boto3  # noqa: F401, PLC0415 # takes half a second, just as the emulator does

    end = time.monotonic() + READY_SECONDS
    while not ready.exists():
        code = child.poll()
        if code is not None:
            raise Failed(code or EXIT_SOFTWARE, "")  # it has said why
        if time.monotonic() > end:
            raise Failed(
                EXIT_SOFTWARE,
                f"The emulator did not answer in {READY_SECONDS} s: try again when the machine is less busy.",
            )
        time.sleep(0.02)
    told: dict[str, Any] = json.loads(ready.read_text())
    return told


def _fill(pictures: list[Picture], display: progress.Display) -> str:
    """Make bucket and queues, fill the bucket, and return the queue's URL."""
    import boto3  # noqa: PLC0415 # --help and wrong folders need not wait for it

    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    s3.create_bucket(Bucket=BUCKET)
    dead = sqs.create_queue(QueueName=DEAD_LETTER_QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    redrive = {
        "deadLetterTargetArn": arn["Attributes"]["QueueArn"],
        "maxReceiveCount": MAX_RECEIVE_COUNT,
    }
    attributes: Any = {
        "VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS),
        "RedrivePolicy": json.dumps(redrive),
    }
    queue = sqs.create_queue(QueueName=QUEUE, Attributes=attributes)
    upload(s3, BUCKET, pictures, lambda number: display.uploaded(number, len(pictures)))
    return str(queue["QueueUrl"])


def _start_workers(
    out: Path, settings: dict[str, str], children: list[subprocess.Popen[bytes]]
) -> dict[str, subprocess.Popen[bytes]]:
    workers = {}
    log = os.open(out / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        for worker in WORKERS:
            state = out / WORK_FOLDER / worker
            state.mkdir()
            workers[worker] = lifetime.start(
                [sys.executable, "-m", f"carscribe_worker_{worker}"],
                cwd=state,
                env={**settings, "CARSCRIBE_STATE_DIR": str(state)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            children.append(workers[worker])
    finally:
        os.close(log)
    return workers


def _watch(
    emulator: subprocess.Popen[bytes],
    workers: dict[str, subprocess.Popen[bytes]],
    folders: dict[str, Path],
    total: int,
    display: progress.Display,
) -> int:
    """Wait for both; when one fails the other is stopped, for it would wait in vain."""
    shown = progress.Progress(total)
    while True:
        codes = {worker: child.poll() for worker, child in workers.items()}
        a, b = (_summary(folders[worker]) for worker in WORKERS)
        display.worked(shown.figures(a, b))
        if all(code == 0 for code in codes.values()):
            return 0
        failed = [code for code in codes.values() if code]
        if failed:
            lifetime.stop(list(workers.values()))
            return failed[0] if failed[0] > 0 else 128 - failed[0]
        if emulator.poll() is not None:
            raise Failed(
                EXIT_SOFTWARE,
                "The emulator ended before the workers did: try again, and if it happens again, please report it with what it said.",
            )
        time.sleep(POLL_SECONDS)


def _summary(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / "summary.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _keep(out: Path, folders: dict[str, Path]) -> None:
    """Keep what the workers wrote, and let their log name it where it is now."""
    log, kept = out / "log.txt", out / WORK_FOLDER / "log.txt"
    with log.open("rb") as said, kept.open("wb") as corrected:
        for line in said:
            for worker, folder in folders.items():
                for gone in (folder, out / WORK_FOLDER / worker):
                    line = line.replace(os.fsencode(gone), os.fsencode(out / worker))  # noqa: PLW2901 # one after the other
            corrected.write(line)
    kept.replace(log)
    for worker, folder in folders.items():
        (out / worker).mkdir()
        for name in ("results.jsonl", "summary.json", "output.txt"):
            if (folder / name).exists():
                shutil.copy2(folder / name, out / worker / name)


def _explain(code: int, folders: dict[str, Path], out: Path) -> None:
    for worker, folder in folders.items():
        summary = _summary(folder)
        if summary.get("exit_code") == code and summary.get("reason"):
            _say(code, f"Worker {worker.upper()} ended with {code}: {summary['reason']}")
            return
    lines = (out / "log.txt").read_text(errors="replace").splitlines()
    told = [line for line in lines if line.endswith(f"(exit {code})")] or lines
    last = told[-1] if told else "it said nothing"
    _say(code, f"A worker ended: {last} (all of it: {out / 'log.txt'})")


def _show(images: Path, out: Path, found: Found, *, recognizer: bool) -> int:
    """Merge both workers' results, print the result, and say where all of it is."""
    command = [sys.executable, "-m", "carscribe.results", str(out), "--images", str(images)]
    command.append("--unpaid")
    merged = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if merged.returncode:
        return _say(merged.returncode, f"Cannot merge the results: {merged.stderr.strip()}")
    a, b = (_summary(out / worker) for worker in WORKERS)
    figures = progress.Figures.of(a, b)
    output = (out / "output.txt").read_bytes()
    sys.stdout.flush()
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
    failures = [*a.get("failures", []), *b.get("failures", [])]
    for failure in failures[:FAILURES_NAMED]:
        _say(0, f"failed: {visible(str(failure.get('key')))}: {failure.get('reason')}")
    if len(failures) > FAILURES_NAMED:
        _say(0, f"failed: and {len(failures) - FAILURES_NAMED} more, see summary.json")
    failed = {failure.get("key") for failure in failures}
    asked = [picture for picture in found.pictures if picture.key not in failed]
    missing = len(unrecorded(images, asked))
    if missing and os.environ.get(EYES) != "1":
        _say(0, NOT_LOOKED_AT.format(missing=missing, total=len(found.pictures)))
    means = {
        "recorded answers": len(asked) - missing,
        "the recognizer": missing if recognizer else 0,
        "nobody": 0 if recognizer else missing,
    }
    said = ", by ".join(f"{who}: {number}" for who, number in means.items() if number)
    if said:
        _say(0, f"Looked at by {said}.")
    lines = len(output.splitlines())
    _say(
        0,
        f"{figures.detected} images, {figures.cars} cars, {lines} of them with text, {len(failures)} failed.",
    )
    _say(0, f"Kept in {out}: {', '.join(n for n in OWN_NAMES if (out / n).exists())}")
    return 0
