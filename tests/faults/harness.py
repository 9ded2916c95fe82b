"""A trial: both workers on a bucket of known images, faults, and the one verdict on it all."""

from __future__ import annotations

import copy
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from carscribe_common.errors import Exit
from tests.pipeline import Pipeline, car_answer, in_natural_order, picture, wait_for_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.emulator import Emulator
    from tests.pipeline import Worker

FULL = os.environ.get("FAULTS") == "full"
"""`make faults` repeats each fault as often as docs/reliability.md says."""

IMAGES = 40
DEADLINE_SECONDS = 90
LATENCY_SECONDS = 0.3
"""Of each call of Rekognition, so that there is always one in flight."""

ARRIVAL_SECONDS = 0.1
"""In which the emulator reads what a process sent before it was killed: less than the latency."""

NEVER_RESTARTED = frozenset(
    {Exit.OK, Exit.INCOMPLETE, Exit.IN_USE, Exit.DENIED, Exit.CONFIG, Exit.TERMINATED}
)
"""As the units of systemd say: RestartPreventExitStatus and SuccessExitStatus."""

RESTART_SECONDS = 0.2
RESTARTS_MAX = 20
OPERATIONS = {"a": "rekognition.DetectLabels", "b": "rekognition.DetectText"}
RUN_ID = "run-1"

BASE = 7_000_000
"""Where the colors of these images begin, so that no other test has the same bytes."""


def seeds(few: int, many: int) -> list[int]:
    """Return the seeds of a fault: a few of them in `make test`, many in `make faults`."""
    return list(range(1, (many if FULL else few) + 1))


def answer_of(number: int) -> dict[str, Any] | None:
    """Return what the n-th image shows: half of them are cars with text."""
    match number % 8:
        case 0:
            return None  # nothing at all
        case 1:
            return car_answer(90.0, "NOT ABOVE")
        case 2:
            return car_answer(99.0)  # a car without text
        case 3:
            return car_answer(97.5, "BLURRED", text_confidence=79.9)
        case _:
            return car_answer(99.0, f"GO {number}", "TAXI")


def line_of(number: int) -> str:
    """Return the line of output.txt of the n-th image, or nothing."""
    return f"{number}.jpg: GO {number} | TAXI\n" if number % 8 >= 4 else ""


@dataclass
class Outcome:
    """What came of one trial: a row of the table, with others of its kind."""

    fault: str
    lost: int
    doubled: int
    in_flight: int
    identical: bool
    seconds: float
    exits: dict[str, list[int]] = field(default_factory=dict)


class Unit:
    """A worker that is started again as systemd would, in a thread of its own."""

    def __init__(self, trial: Trial, name: str, settings: Mapping[str, str]) -> None:
        self.name = name
        self.exits: list[int] = []
        self._trial = trial
        self._settings = dict(settings)
        self._lock = threading.Lock()
        self._given_up = threading.Event()
        self.worker = self._start()
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._thread.start()

    def _start(self) -> Worker:
        return self._trial.pipeline.start(self.name, **self._settings)

    def _supervise(self) -> None:
        while True:
            code = self.worker.process.wait()
            self.exits.append(code)
            if self._given_up.is_set() or code in NEVER_RESTARTED or len(self.exits) > RESTARTS_MAX:
                return
            time.sleep(RESTART_SECONDS)
            with self._lock:
                if self._given_up.is_set():
                    return
                self.worker = self._start()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the process that runs now, and note what it had in flight."""
        with self._lock:
            running = self.worker.process.poll() is None
            self.worker.signal(number)
            if running:
                self._trial.note_in_flight(OPERATIONS[self.name[0]])

    def await_progress(self) -> None:
        """Wait until the process that runs now has settled an image, or none runs any more.

        Five processes that die with the same image at work make it that image's
        failure: what kills more often than that lets each settle one.
        """
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self._thread.is_alive() and time.monotonic() < deadline:
            if self.worker.logged(r": (car|no car|text|no text|failed)\b"):
                return
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill it, and let nobody start it again."""
        self._given_up.set()
        self.kill()
        self._thread.join(5)

    def wait(self, seconds: float = DEADLINE_SECONDS) -> int:
        """Wait until it is not started again; return the last exit code. A hang fails."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            with self._lock:
                self._given_up.set()
                self.worker.signal(signal.SIGKILL)
            self._thread.join(5)
            raise AssertionError(
                f"worker {self.name} hangs; exits so far {self.exits}:\n{self.logs[-6000:]}"
            )
        return self.exits[-1]

    @property
    def logs(self) -> str:
        """What all its processes have logged."""
        logs = sorted(self._trial.pipeline.folder.glob(f"{self.name}-*.log"))
        return "\n".join(log.read_text() for log in logs)


class Trial:
    """One run under faults, on images that are known.

    Args:
        pipeline: a bucket and queues of its own.
        fault: what the row of the table is called.
        seed: of all that is random here; printed, so that a trial can be repeated.
        pairs: of workers; those of the second are called ``a-2`` and ``b-2``.
    """

    def __init__(
        self, pipeline: Pipeline, fault: str, seed: int, images: int = IMAGES, pairs: int = 1
    ) -> None:
        self.pipeline = pipeline
        self.names = [("a", "b"), *((f"a-{pair}", f"b-{pair}") for pair in range(2, pairs + 1))]
        self.fault, self.seed, self.images = fault, seed, images
        self.dice = random.Random(f"{fault}:{seed}")
        self.units: dict[str, Unit] = {}
        self.exits: dict[str, list[int]] = {"a": [], "b": []}
        self.in_flight: Counter[str] = Counter()
        self.outcomes: list[Outcome] = []
        self.numbers = list(range(1, images + 1))
        self._began = time.monotonic()
        print(f"\n{fault}: seed {seed}")  # noqa: T201 - pytest shows it where a trial fails
        _put_images(pipeline, self.numbers)
        pipeline.settings |= {
            "REKOGNITION_RATE_PER_SECOND": "18",
            "VISIBILITY_TIMEOUT_SECONDS": "3",
            "IDLE_TIMEOUT_SECONDS": "20",
        }
        pipeline.emulator.call("POST", "_carscribe/reset")
        self.faults()

    # --- what happens ----------------------------------------------------------

    def start(self, name: str, **settings: str) -> Unit:
        """Start a worker under its unit; again, if it has ended."""
        if len(self.names) > 1:
            pair = int(name.partition("-")[2] or 1)
            settings = self.pipeline.of_pair(pair, len(self.names)) | settings
        known = self.units.pop(name, None)
        if known:
            self.exits.setdefault(name, []).extend(known.exits)
        self.units[name] = Unit(self, name, settings)
        return self.units[name]

    def start_both(self, **settings: str) -> None:
        """Start both workers, of each pair, as the run does: B first."""
        for a, b in self.names:
            self.start(b, **settings)
            self.start(a, **settings)

    def faults(self, setting: dict[str, Any] | None = None) -> None:
        """Switch faults on, seeded, beside the latency that Rekognition always has here."""
        operations = {"rekognition.*": {"latency_seconds": LATENCY_SECONDS}}
        merged = {"seed": self.seed, **(setting or {})}
        merged["operations"] = operations | merged.get("operations", {})
        self.pipeline.emulator.faults(merged)

    def environ(self, *without: str, **more: str) -> None:
        """Give the workers that are started from now on another environment."""
        emulator = copy.copy(self.pipeline.emulator)
        emulator.env = {k: v for k, v in emulator.env.items() if k not in without} | more
        self.pipeline.emulator = emulator

    def sleep(self, lowest: float, highest: float) -> None:
        """Let a random time pass."""
        time.sleep(self.dice.uniform(lowest, highest))

    def wait(self) -> tuple[int, int]:
        """Wait for the end of both workers; return A's and B's exit codes."""
        return self.units["a"].wait(), self.units["b"].wait()

    def finish(self) -> None:
        """Wait for the end of all, which must be the good one."""
        codes = {name: self.units[name].wait() for pair in self.names for name in pair}
        if any(codes.values()):
            logs = "\n".join(unit.logs[-5000:] for unit in self.units.values())
            raise AssertionError(f"Workers ended with {codes}, not 0:\n{logs}")

    def wait_for_log(self, name: str, pattern: str, count: int = 1) -> None:
        """Wait until a worker has logged so many lines of a kind."""
        wait_for_log(self.units[name].worker, pattern, count)

    def note_in_flight(self, operation: str) -> None:
        """Allow the calls to be made again that are in flight now: asked, and not on disk.

        Some of them the service has answered already, and the answer waits for
        its fsync: the emulator takes those of the last half second for such.
        Others have been sent, and the emulator has not read them yet.
        """
        time.sleep(ARRIVAL_SECONDS)
        calls = self.pipeline.emulator.call("GET", "_carscribe/in_flight")
        self.in_flight[operation] += calls.get(operation, 0)

    # --- what has come of it -----------------------------------------------------

    @property
    def expected(self) -> str:
        """What output.txt must be, byte for byte."""
        return "".join(line_of(number) for number in self.numbers)

    def run_dir(self, name: str) -> Path:
        """Return the directory of a worker's run."""
        return self.pipeline.folder / name / "runs" / RUN_ID

    def results(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a worker's results.jsonl; every line of it must be whole."""
        text = (self.run_dir(name) / "results.jsonl").read_text()
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def summary(self, name: str) -> dict[str, Any]:
        """Return a worker's summary.json."""
        return dict(json.loads((self.run_dir(name) / "summary.json").read_text()))

    def judge(self, **expectations: Any) -> Outcome:
        """Return the outcome, after the verdict: see the module.

        Args:
            expectations: ``output`` in place of the undisturbed run's,
                ``failed_a`` and ``failed_b``: the keys that fail, with reasons,
                ``strays``: n that no A gave, ``alone``: no other run or worker
                made calls that count here.
        """
        failed_a: dict[str, str] = expectations.get("failed_a", {})
        failed_b: dict[str, str] = expectations.get("failed_b", {})
        of_pairs = [(self.results(a), self.results(b)) for a, b in self.names]
        detected = [row for rows, _ in of_pairs for row in rows]
        settled = [row for _, rows in of_pairs for row in rows]
        wanted = {f"{n}.jpg" for n in self.numbers} | set(failed_a)
        cars = {r["key"]: r["n"] for r in detected if r["n"] is not None}
        known = {(n, key) for key, n in cars.items()}
        settled_known = [(r["n"], r["key"]) for r in settled if (r["n"], r["key"]) in known]
        strays = [r for r in settled if (r["n"], r["key"]) not in known]
        output = in_natural_order(
            *((self.run_dir(b) / "output.txt").read_text() for _, b in self.names)
        )
        counts = self.pipeline.emulator.counts()
        paid = {
            "a": sum(r["failure"] is None for r in detected),
            "b": sum(r["failure"] is None for r in settled),
        }
        extra = {
            operation: counts.get(operation, {}).get("ok", 0) - paid[name]
            for name, operation in OPERATIONS.items()
        }
        outcome = Outcome(
            fault=self.fault,
            lost=len(wanted - {r["key"] for r in detected}) + len(known - set(settled_known)),
            doubled=sum(max(0, more) for more in extra.values()),
            in_flight=sum(self.in_flight.values()),
            identical=output == expectations.get("output", self.expected),
            seconds=time.monotonic() - self._began,
            exits={
                name: self.exits.get(name, []) + unit.exits for name, unit in self.units.items()
            },
        )
        self.outcomes.append(outcome)
        assert outcome.identical, f"output.txt is another one:\n{output}"
        assert outcome.lost == 0, f"lost: {known - set(settled_known)}"
        twice = [key for key, times in Counter(r["key"] for r in detected).items() if times > 1]
        assert not twice, f"asked about twice: {twice}"
        assert len(settled_known) == len(set(settled_known)), "an image was settled twice"
        assert {r["n"] for r in strays} <= set(expectations.get("strays", ())), strays
        for rows, _ in of_pairs:
            given = sorted(r["n"] for r in rows if r["n"] is not None)
            assert given == list(range(1, len(given) + 1)), "n are not 1, 2, 3, ..."
        for operation, more in extra.items():
            assert 0 <= more <= self.in_flight[operation], (
                f"{operation}: {more} calls more than settled images, "
                f"{self.in_flight[operation]} were in flight at kills"
            )
        for workers, reasons in zip(
            zip(*self.names, strict=True), (failed_a, failed_b), strict=True
        ):
            summaries = [self.summary(name) for name in workers]
            failures = {f["key"]: f["reason"] for each in summaries for f in each["failures"]}
            assert failures == reasons, f"failures of workers {workers}: {failures}"
            assert {each["state"] for each in summaries} == {"complete"}
            if expectations.get("alone", True):
                billed = sum(each["billed_calls"] for each in summaries)
                said = billed + sum(each["calls_unknown"] for each in summaries)
                made = counts.get(OPERATIONS[workers[0]], {}).get("ok", 0)
                assert billed <= made <= said, f"{made} calls, the summaries: {billed} to {said}"
        return outcome


def _put_images(pipeline: Pipeline, numbers: Sequence[int]) -> None:
    teach(pipeline.emulator, numbers)
    for number in numbers:
        pipeline.s3.put_object(
            Bucket=pipeline.bucket, Key=f"{number}.jpg", Body=picture(BASE + number)
        )


def teach(emulator: Emulator, numbers: Sequence[int]) -> None:
    """Let the emulator know the answers, once for all trials of a session."""
    folder = emulator.images / "answers"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [n for n in numbers if not (emulator.images / f"fault-{n}.png").exists()]
    for number in missing:
        (emulator.images / f"fault-{number}.png").write_bytes(picture(BASE + number))
        answer = answer_of(number)
        if answer:
            (folder / f"fault-{number}.png.json").write_text(json.dumps(answer))
    if missing:
        emulator.call("POST", "_carscribe/answers")
