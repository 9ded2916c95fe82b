"""A pool of threads, as many as rate and latency ask for and no more than allowed.

By Little's law the calls in flight are rate x latency. The pool measures the
latency of its jobs, without what they waited for their turn, and asks for so
many at once, with some to spare for the slow ones.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from carscribe_common.rate_limit import Waited

Job = TypeVar("Job")

SPARE = 1.5
SPARE_THREADS = 4
AHEAD_SECONDS = 0.1
"""Jobs for so long wait for a thread: whoever submits them takes some time for each turn."""

FIRST_LATENCY_SECONDS = 0.5
SMOOTHING = 0.05
"""The share of a new latency in the running mean: about the last twenty jobs."""


def calls_at_once(rate_per_second: float, latency_seconds: float) -> int:
    """Return how many calls in flight keep up a rate, with some to spare for the slow ones."""
    return math.ceil(rate_per_second * latency_seconds * SPARE) + SPARE_THREADS


class Pace(Protocol):
    """How fast calls may be made, and how long the current thread waited for its turns."""

    waited: Waited

    @property
    def rate_per_second(self) -> float:
        """The rate at this moment."""


class Pool(Generic[Job]):
    """Threads that work on jobs.

    Args:
        name: of the threads, for logs.
        work: does one job; it hands its result over by itself.
        failed: is given an exception that ``work`` raised.
        pace: knows the rate, and how long a thread waited for its turn.
        concurrency_max: so many jobs at once at the most.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Job], None],
        failed: Callable[[Exception], None],
        pace: Pace,
        concurrency_max: int,
    ) -> None:
        self._name = name
        self._work = work
        self._failed = failed
        self._pace = pace
        self._concurrency_max = concurrency_max
        self._latency = FIRST_LATENCY_SECONDS
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._lock = threading.Condition()
        self._in_flight = 0
        self._threads = 0

    @property
    def capacity(self) -> int:
        """How many jobs are worth having here at this moment, those in flight included."""
        rate = self._pace.rate_per_second
        at_once = min(calls_at_once(rate, self._latency), self._concurrency_max)
        return at_once + math.ceil(rate * AHEAD_SECONDS)

    @property
    def in_flight(self) -> int:
        """How many jobs were submitted and are not done."""
        with self._lock:
            return self._in_flight

    def submit(self, job: Job) -> None:
        """Hand over a job. Never waits: compare ``in_flight`` with ``capacity`` before."""
        with self._lock:
            self._in_flight += 1
            if self._in_flight > self._threads and self._threads < self._concurrency_max:
                self._threads += 1
                # Daemons: at the end of a run nobody waits for a call that hangs.
                threading.Thread(
                    target=self._run, name=f"{self._name}-{self._threads}", daemon=True
                ).start()
        self._jobs.put(job)

    def join(self, seconds: float) -> bool:
        """Wait so long for all jobs to be done; tell whether they are."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._in_flight, seconds)

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            waited, began = self._pace.waited.seconds, time.monotonic()
            try:
                self._work(job)
            except Exception as error:  # noqa: BLE001 - handed to whoever owns the pool
                self._failed(error)
            took = time.monotonic() - began - (self._pace.waited.seconds - waited)
            with self._lock:
                self._latency += (took - self._latency) * SMOOTHING
                self._in_flight -= 1
                self._lock.notify_all()
