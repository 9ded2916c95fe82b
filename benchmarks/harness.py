"""The processes of a benchmark: the emulator and what is measured against it.

This module imports no boto3 and stays small: a child's peak memory is read
from the kernel, and a large parent would show in it.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

ROOT = Path(__file__).resolve().parent.parent
BUCKET = QUEUE = "bench"
REGION = "us-east-1"
POLL_SECONDS = 0.02
DEADLINE_SECONDS = 180.0


def queue_of(pair: int) -> str:
    """Name the queue of a pair of workers."""
    return QUEUE if pair == 1 else f"{QUEUE}-{pair}"


class BenchmarkError(Exception):
    """A program under measurement did not do its work."""


def environment(url: str = "", secret: str = "") -> dict[str, str]:
    """Return the environment of a child: ours, without what belongs to a real account."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "CARSCRIBE_"))
    }
    folders = [ROOT, ROOT / "common", ROOT / "worker_a", ROOT / "worker_b"]
    return kept | {
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "AWS_ACCESS_KEY_ID": "carscribe",
        "AWS_SECRET_ACCESS_KEY": secret or "none",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": url,
    }


class Emulator:
    """The emulator in a process of its own, with a bucket of generated images.

    Args:
        plan: see benchmarks.server.Plan.
    """

    def __init__(self, **plan: Any) -> None:
        self.plan = plan
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server", json.dumps(plan)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
        )
        output = self._pipe(self._process.stdout)
        self.url = output.readline().strip()
        if not self.url:
            raise BenchmarkError("the emulator did not start")
        said = [output.readline().strip().partition("=") for _ in range(3)]
        credentials = {name.removeprefix("export "): value for name, _, value in said}
        self._token = credentials["CARSCRIBE_EMULATOR_TOKEN"]
        self.env = environment(self.url, credentials["AWS_SECRET_ACCESS_KEY"])
        self.queue_url = self.queue_url_of(1)

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None  # noqa: S101  it was asked for above
        return pipe

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def queue_url_of(self, pair: int) -> str:
        """Return the URL of the queue of a pair of workers."""
        return f"{self.url}/123456789012/{queue_of(pair)}"

    def close(self) -> None:
        """End the emulator; once is enough."""
        self._pipe(self._process.stdin).close()
        self._process.wait(10)
        self._pipe(self._process.stdout).close()

    def ask(self, what: str, method: str = "GET") -> Any:
        """Ask for "counts", "trace", "images" or "queue", or have "reset" done (POST)."""
        request = urllib.request.Request(  # noqa: S310  loopback
            f"{self.url}/_carscribe/{what}",
            method=method,
            headers={"Authorization": f"Bearer {self._token}"},
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310  loopback
            return json.load(answer)


def behavior(
    latency: tuple[float, float | None], tps: float | list[list[float]] | None = None
) -> dict[str, Any]:
    """Return how an operation of Rekognition behaves.

    Args:
        latency: median and 99th percentile in seconds; without the latter it is always the same.
        tps: its quota, or what holds from which second on; None for none.
    """
    median, p99 = latency
    found: dict[str, Any] = {"latency_seconds": median}
    if p99 is not None:
        found["latency_seconds"] = {"lognormal": {"median": median, "p99": p99}}
    return found if tps is None else {**found, "tps": tps}


@dataclass
class Child:
    """A program under measurement; times are seconds since the epoch."""

    name: str
    process: "subprocess.Popen[bytes]"
    spawned_at: float
    run_dir: Path
    log: Path
    peak_bytes: int = 0
    exit_code: int | None = None
    ended_at: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def wall_seconds(self) -> float:
        """From the start of the process to its end."""
        return self.ended_at - self.spawned_at

    @property
    def summary(self) -> dict[str, Any]:
        """The worker's own summary.json."""
        found: dict[str, Any] = json.loads((self.run_dir / "summary.json").read_text())
        return found

    @property
    def throttled_in_code(self) -> int:
        """How often a throttle came through botocore's attempts to the worker's own code."""
        return int(self.summary["errors_throttled"])

    def poll(self) -> bool:
        """Look after the process; tell whether it has ended."""
        if self.exit_code is not None:
            return True
        self.peak_bytes = max(self.peak_bytes, peak_of(self.process.pid))
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0:
            return False
        self.ended_at = time.time()
        self.exit_code = self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        if not self.peak_bytes:  # no /proc here
            self.peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return True


def peak_of(pid: int) -> int:
    """Return the most memory that a process ever held; 0 where the kernel does not say.

    `ru_maxrss` would count what the parent held when it forked.
    """
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def start(
    name: str,
    command: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    run_dir: Path | None = None,
) -> Child:
    """Start a Python program of ours, `python -m command...`, with its log in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with log.open("wb") as stream:
        spawned_at = time.time()
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    return Child(name, process, spawned_at, run_dir or folder, log)


@dataclass(frozen=True)
class Worker:
    """How to start a worker against an emulator."""

    letter: str
    emulator: Emulator
    folder: Path
    pair: int = 1
    rate_per_second: float = 50.0
    run_id: str = "bench"
    settings: dict[str, str] = field(default_factory=dict)

    def start(self) -> Child:
        """Start it, or start it again in the same folder: then it goes on with its run."""
        name = self.letter if self.pair == 1 else f"{self.letter}-{self.pair}"
        state = self.folder / name
        state.mkdir(parents=True, exist_ok=True)
        own = {
            "RUN_ID": self.run_id,
            "BUCKET": BUCKET,
            "QUEUE_URL": self.emulator.queue_url_of(self.pair),
            "PAIRS": str(self.emulator.plan.get("pairs", 1)),
            "PAIR": str(self.pair),
            "REGION": REGION,
            "STATE_DIR": str(state),
            "REKOGNITION_RATE_PER_SECOND": f"{self.rate_per_second:g}",
        } | self.settings
        env = self.emulator.env | {f"CARSCRIBE_{name}": value for name, value in own.items()}
        env["MALLOC_ARENA_MAX"] = "1"  # as the unit has it
        return start(
            name,
            [f"carscribe_worker_{self.letter}"],
            env,
            self.folder,
            state / "runs" / self.run_id,
        )


def wait(*children: Child, deadline_seconds: float = DEADLINE_SECONDS) -> None:
    """Wait for all; every one must succeed, or none is left."""
    deadline = time.monotonic() + deadline_seconds
    try:
        while sum(not child.poll() for child in children):
            if time.monotonic() > deadline:
                raise BenchmarkError(f"no end after {deadline_seconds:g} s")
            time.sleep(POLL_SECONDS)
    finally:
        stop(*children)
    for child in children:
        if child.exit_code:
            tail = "\n".join(child.log.read_text().splitlines()[-15:])
            raise BenchmarkError(f"{child.name} ended with {child.exit_code}:\n{tail}")


def stop(*children: Child) -> None:
    """End what still runs."""
    for child in children:
        if child.exit_code is None:
            child.process.terminate()
            give_up = time.monotonic() + 3  # B would wait for its long poll
            while not child.poll():
                if time.monotonic() > give_up:
                    child.process.kill()
                time.sleep(POLL_SECONDS)
