"""Runs that end in each of the ways that docs/troubleshooting.md names, all side by side."""

from __future__ import annotations

import copy
import json
import resource
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from carscribe_common.protocol import Alive, Car, Done
from tests.pipeline import Pipeline, Worker, car_answer, picture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator import Emulator

NOWHERE = "http://127.0.0.1:9"
"""The discard service, which nobody runs: a connection is refused at once."""

PAGE_BYTES = 4096
"""Of an SQLite file, unless told otherwise."""

FILE_BYTES_MAX = 20 * PAGE_BYTES
"""Of a process whose disk is full: enough for the tables, and not for FULL_IMAGES images."""

FULL_IMAGES = 60
ETAG = '"0123456789abcdef0123456789abcdef"'
NO_POLICY = "golden-without-policy"


@dataclass
class Ended:
    """What a worker that has ended left behind.

    Attributes:
        code: its exit code.
        log: all that it said.
        running: summaries that were read while it ran.
        summary: the last one; empty if there is none.
        results: the rows of results.jsonl; none if there is no such file.
    """

    code: int
    log: str
    running: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)


def read_summary(worker: Worker) -> dict[str, Any]:
    """Return a worker's summary.json, or nothing while there is none."""
    path = worker.run_dir / "summary.json"
    return worker.summary if path.exists() else {}


def wait_until_running(*workers: Worker) -> list[dict[str, Any]]:
    """Wait until each worker has said that it is running; return what it said at first."""
    seen: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + 60
    while len(seen) < len(workers):
        for worker in workers:
            summary = read_summary(worker)
            if summary.get("state") == "running":
                seen.setdefault(worker.name, summary)
        assert time.monotonic() < deadline, [worker.log for worker in workers]
        time.sleep(0.01)
    return [seen[worker.name] for worker in workers]


def ended(worker: Worker, *running: dict[str, Any]) -> Ended:
    """Wait for a worker's end and read what it left."""
    code = worker.wait()
    path = worker.run_dir / "results.jsonl"
    rows = path.read_text().split("\n")[:-1] if path.exists() else []
    return Ended(
        code, worker.log, list(running), read_summary(worker), [json.loads(row) for row in rows]
    )


class Scenarios:
    """Starts every scenario at once, since most of them only wait, and collects the ends."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._emulator = emulator
        self._folder = folder
        self._pipelines: list[Pipeline] = []

    def run(self) -> dict[str, Ended]:
        """Return how each scenario's worker ended, by its name."""
        try:
            waiting = {
                "b incomplete": self._incomplete(),
                "b of other images": self._other_images(),
                "a failed": self._pipeline("settings").start("a", BUCKET="golden-no-such-bucket"),
                "b failed": self._pipeline("queue").start(
                    "b", QUEUE_URL=f"{self._emulator.url}/123456789012/golden-none"
                ),
                "a nothing succeeds": self._pipeline("network", AWS_ENDPOINT_URL=NOWHERE).start(
                    "a", GIVE_UP_SECONDS="1"
                ),
                "b no credentials": self._pipeline("credentials", without="AWS_ACCESS_KEY").start(
                    "b"
                ),
                "b silent metadata": self._pipeline(
                    "metadata",
                    without="AWS_ACCESS_KEY",
                    AWS_EC2_METADATA_DISABLED="false",
                    AWS_EC2_METADATA_SERVICE_ENDPOINT=NOWHERE,
                ).start("b"),
                "a full disk": self._full_disk(),
                "a fault": self._fault(),
                "a no results": self._no_results(),
                "a no state directory": self._pipeline("state").start("a", STATE_DIR="/proc/none"),
            }
            found = self._whole_run()
            found |= {name: ended(worker) for name, worker in waiting.items()}
            found["a denied"] = self._denied()
            return found
        finally:
            for pipeline in self._pipelines:
                pipeline.stop()

    def _pipeline(self, name: str, *, without: str = "none", **environ: str) -> Pipeline:
        """Return a bucket and queues of a scenario's own, its workers with this environment."""
        folder = self._folder / name
        folder.mkdir()
        pipeline = Pipeline(self._emulator, folder)
        emulator = copy.copy(self._emulator)
        kept = {k: v for k, v in emulator.env.items() if not k.startswith(without)}
        emulator.env = {**kept, **environ}
        pipeline.emulator = emulator
        self._pipelines.append(pipeline)
        return pipeline

    def _whole_run(self) -> dict[str, Ended]:
        """A run with an image of every kind, and what may follow it."""
        pipeline = self._pipeline("whole")
        pipeline.add("1.jpg", car_answer(99.0, "GO 1"))
        pipeline.add("2.jpg", car_answer(99.0))
        pipeline.add("3.jpg", car_answer(90.0))
        pipeline.add("4.jpg", body=picture(4_000_004))  # another than what other tests teach
        pipeline.add("5.jpg", body=b"no image")
        pipeline.add("notes.txt", body=b"text")
        pipeline.send(Car("run-1", 900, "nowhere.jpg", ETAG))
        pipeline.emulator.faults({"operations": {"rekognition.*": {"latency_seconds": 1}}})
        try:
            b, a = pipeline.start("b"), pipeline.start("a")
            running_a, running_b = wait_until_running(a, b)
            found = {"a complete": ended(a, running_a), "b complete": ended(b, running_b)}
        finally:
            pipeline.emulator.faults({})
        found["a of another run"] = ended(pipeline.start("a", CAR_CONFIDENCE_PERCENT="50"))
        damage(a.run_dir)
        found["a damaged"] = ended(pipeline.start("a"))
        (a.run_dir / "store.sqlite3").unlink()
        found["a without its store"] = ended(pipeline.start("a"))
        (a.run_dir / "journal.jsonl").write_text("{}")
        found["a of an older release"] = ended(pipeline.start("a"))
        stopped = pipeline.start("b", run_id="run-2")
        wait_until_running(stopped)
        found["b in use"] = ended(pipeline.start("b", run_id="run-2"))
        stopped.signal(signal.SIGTERM)
        pipeline.send(Alive("run-2"))  # ends the long poll
        found["b stopped"] = ended(stopped)
        return found

    def _incomplete(self) -> Worker:
        """A run without its second car, with messages of every kind."""
        pipeline = self._pipeline("incomplete")
        etag = pipeline.add("1.jpg", car_answer(99.0, "GO 1"))
        car = Car("run-1", 1, "1.jpg", etag)
        pipeline.send(car, car, Alive("run-1"), Alive("other"), Done("run-1", 2), Done("run-1", 3))
        pipeline.sqs.send_message(QueueUrl=pipeline.queue_url, MessageBody="junk")
        return pipeline.start("b", IDLE_TIMEOUT_SECONDS="1")

    def _other_images(self) -> Worker:
        """An end that speaks of other images than those that came."""
        pipeline = self._pipeline("digest")
        etag = pipeline.add("1.jpg", car_answer(99.0, "GO 1"))
        pipeline.send(Car("run-1", 1, "1.jpg", etag), Done("run-1", 1, digest=1))
        return pipeline.start("b")

    def _full_disk(self) -> Worker:
        """A worker whose files cannot grow beyond a few images' records."""
        pipeline = self._pipeline("disk")
        for n in range(FULL_IMAGES):
            pipeline.add(f"full-{n}.jpg", car_answer(99.0))
        worker = pipeline.start("a", LOG_LEVEL="ERROR")  # its log is a file, too
        resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, -1))
        return worker

    def _fault(self) -> Worker:
        """A worker in whose store stands what no release of it writes."""
        pipeline = self._pipeline("fault")
        done = pipeline.run("a")
        with closing(sqlite3.connect(done.run_dir / "store.sqlite3")) as store, store:
            store.execute("UPDATE meta SET value = 'no JSON' WHERE name = 'end'")
        return pipeline.start("a")

    def _no_results(self) -> Worker:
        """A worker that cannot write its results, for something is in their place."""
        pipeline = self._pipeline("results")
        worker = pipeline.start("a")
        (worker.run_dir / ".results.jsonl.new").mkdir(parents=True)
        return worker

    def _denied(self) -> Ended:
        """A worker whose user may do nothing; the policies of all others are their own."""
        pipeline = self._pipeline("denied")
        iam = self._emulator.client("iam")
        iam.create_user(UserName=NO_POLICY)
        key = iam.create_access_key(UserName=NO_POLICY)["AccessKey"]
        pipeline.emulator.env |= {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        self._emulator.enforce_iam()
        try:
            return ended(pipeline.start("a"))
        finally:
            self._emulator.enforce_iam(enforced=False)


def damage(run_dir: Path) -> None:
    """Write over the page of the first table of what a worker keeps of its run."""
    with (run_dir / "store.sqlite3").open("r+b") as file:
        file.seek(PAGE_BYTES)
        file.write(b"\xa5" * PAGE_BYTES)
