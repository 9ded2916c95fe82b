"""Real worker processes on an emulator: a bucket, a queue, a state directory."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
import uuid
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from carscribe_common.protocol import Message, entry
from carscribe_common.rules import natural_key

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from tests.emulator import Emulator

ROOT = Path(__file__).resolve().parents[1]
PATHS = os.pathsep.join(str(ROOT / part) for part in ("common", "worker_a", "worker_b"))
DEADLINE_SECONDS = 60

IN_MEMORY = next((path for path in ("/dev/shm",) if os.access(path, os.W_OK)), None)  # noqa: S108
"""Where a test of many thousand commits has its files: what is synced there costs nothing."""

DETECTED = r": (?:car \d|no car$|failed, )"
SETTLED = r": (?:text |no text$|failed, )"
END_RECEIVED = "-1: worker A is done"
"""What workers log: A of each image, B of each image, B of the end."""


NOTHING: dict[str, Any] = {
    "DetectLabels": {"Labels": [], "LabelModelVersion": "3.0"},
    "DetectText": {"TextDetections": [], "TextModelVersion": "3.0"},
}
"""The answers of a picture of nothing."""


@cache
def picture(seed: int, *, kind: str = "PNG", side: int = 80) -> bytes:
    """Return a small image, the same for the same seed and another for another."""
    image = Image.new("RGB", (side, side), (seed % 256, seed // 256 % 256, seed // 65536 % 256))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def car_answer(confidence: float, *texts: str, text_confidence: float = 99.0) -> dict[str, Any]:
    """Return an image's answers: a car of this confidence, with these lines of text."""
    box = {"Left": 0.1, "Top": 0.1, "Width": 0.5, "Height": 0.5}
    polygon = [{"X": x, "Y": y} for x, y in ((0.1, 0.1), (0.6, 0.1), (0.6, 0.6), (0.1, 0.6))]
    return {
        "DetectLabels": {
            "Labels": [
                {
                    "Name": "Car",
                    "Confidence": confidence,
                    "Instances": [{"BoundingBox": box, "Confidence": confidence}],
                    "Parents": [{"Name": "Transportation"}, {"Name": "Vehicle"}],
                    "Aliases": [{"Name": "Automobile"}],
                    "Categories": [{"Name": "Vehicles and Automotive"}],
                }
            ],
            "LabelModelVersion": "3.0",
        },
        "DetectText": {
            "TextDetections": [
                {
                    "DetectedText": text,
                    "Type": "LINE",
                    "Id": i,
                    "Confidence": text_confidence,
                    "Geometry": {"BoundingBox": box, "Polygon": polygon},
                }
                for i, text in enumerate(texts)
            ],
            "TextModelVersion": "3.0",
        },
    }


class Worker:
    """A worker process, its log and its files."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path, run_dir: Path) -> None:
        self.name, self.process, self.log_path, self.run_dir = name, process, log, run_dir

    def wait(self, seconds: float = DEADLINE_SECONDS) -> int:
        """Wait for its end and return the exit code; a hang fails the test with its log."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"worker {self.name} hangs:\n{self.log}") from None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.log_path.read_text()

    def logged(self, pattern: str) -> int:
        """How many lines of its log so far have a pattern in them."""
        return sum(re.search(pattern, line) is not None for line in self.log.splitlines())

    @property
    def results(self) -> list[dict[str, Any]]:
        """The rows of its results.jsonl."""
        text = (self.run_dir / "results.jsonl").read_text()
        return [json.loads(row) for row in text.split("\n")[:-1]]

    @property
    def summary(self) -> dict[str, Any]:
        """Its summary.json."""
        return dict(json.loads((self.run_dir / "summary.json").read_text()))

    @property
    def output(self) -> str:
        """Its output.txt."""
        return (self.run_dir / "output.txt").read_text()


class Pipeline:
    """A bucket and queues of a test's own, and workers on them."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self.bucket = f"photos-{uuid.uuid4().hex[:8]}"
        self.s3 = emulator.client("s3")
        self.sqs = emulator.client("sqs")
        self.s3.create_bucket(Bucket=self.bucket)
        self.dlq_url = self._queue(f"{self.bucket}-dlq")
        arn = self.sqs.get_queue_attributes(QueueUrl=self.dlq_url, AttributeNames=["QueueArn"])
        redrive = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 20}
        self._redrive = {"RedrivePolicy": json.dumps(redrive)}
        self.queue_url = self._queue(self.bucket, **self._redrive)
        self._workers: list[Worker] = []
        self.environ_of: dict[str, dict[str, str]] = {}  # of one worker, beside that of all
        self.settings = {
            "BUCKET": self.bucket,
            "QUEUE_URL": self.queue_url,
            "REGION": "us-east-1",
            "RUN_ID": "run-1",
            "REKOGNITION_RATE_PER_SECOND": "200",
            "VISIBILITY_TIMEOUT_SECONDS": "3",
            "IDLE_TIMEOUT_SECONDS": "15",
        }

    def _queue(self, name: str, **attributes: str) -> str:
        answer = self.sqs.create_queue(QueueName=name, Attributes=attributes)
        return str(answer["QueueUrl"])

    def of_pair(self, pair: int, pairs: int) -> dict[str, str]:
        """Return the settings of one of several pairs of workers, each with a queue of its own."""
        name = self.bucket if pair == 1 else f"{self.bucket}-{pair}"
        url = self._queue(name, **self._redrive)
        return {"PAIRS": str(pairs), "PAIR": str(pair), "QUEUE_URL": url}

    def add(self, key: str, answer: dict[str, Any] | None = None, *, body: bytes = b"") -> str:
        """Put an image into the bucket, with its answers or those of a picture of nothing; return its etag."""
        if not body:
            body = picture(zlib.crc32(key.encode("utf-8", "surrogatepass")))
            answer = answer or NOTHING  # an earlier test may have taught another one
        if answer:
            body = self.emulator.teach(body, answer)
        return str(self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)["ETag"])

    def start(self, name: str, *arguments: str, run_id: str = "run-1", **settings: str) -> Worker:
        """Start worker ``a`` or ``b``."""
        run = {"RUN_ID": run_id, "STATE_DIR": str(self.folder / name)}
        environ = {f"CARSCRIBE_{k}": v for k, v in (self.settings | run | settings).items()}
        environ |= self.environ_of.get(name, {})
        log = self.folder / f"{name}-{len(self._workers)}.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", f"carscribe_worker_{name[0]}", *arguments],
                env={"PATH": os.environ["PATH"], "PYTHONPATH": PATHS} | self.emulator.env | environ,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
            )
        worker = Worker(name, process, log, self.folder / name / "runs" / run_id)
        self._workers.append(worker)
        return worker

    def run(self, name: str, *arguments: str, run_id: str = "run-1", **settings: str) -> Worker:
        """Start a worker and wait for its end."""
        worker = self.start(name, *arguments, run_id=run_id, **settings)
        worker.wait()
        return worker

    def send(self, *messages: Message) -> None:
        """Put messages on the queue, one after the other."""
        for message in messages:
            self.sqs.send_message(QueueUrl=self.queue_url, **entry(message))

    def messages(self, url: str | None = None) -> list[dict[str, Any]]:
        """Take all messages that are visible off a queue."""
        found: list[dict[str, Any]] = []
        while received := self.sqs.receive_message(
            QueueUrl=url or self.queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
        ).get("Messages"):
            found += received
        return found

    def calls(self, operation: str) -> int:
        """Return how many calls of an operation had success."""
        return self.emulator.counts().get(operation, {}).get("ok", 0)

    def stop(self) -> None:
        """End what is still running."""
        for worker in self._workers:
            if worker.process.poll() is None:
                worker.process.kill()
            worker.process.wait()


def in_natural_order(*outputs: str) -> str:
    """Return the lines of several pairs' output.txt as one pair writes them."""
    lines = [line for output in outputs for line in output.splitlines(keepends=True)]
    return "".join(sorted(lines, key=lambda line: natural_key(line.partition(": ")[0])))


def wait_for(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait until something holds; fail with its name if it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def wait_for_log(worker: Worker, pattern: str, count: int = 1) -> None:
    """Wait until a worker has logged so many lines of a kind: what it logs is on its disk."""
    try:
        wait_for(lambda: worker.logged(pattern) >= count, f"{count} lines of {pattern}")
    except AssertionError as vain:
        raise AssertionError(f"{vain}:\n{worker.log}") from None
