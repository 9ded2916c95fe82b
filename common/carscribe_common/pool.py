"""A crew of threads, as many as rate and latency ask for and no more than allowed.

By Little's law the calls in flight are rate x latency. The crew measures the
latency of its jobs, without what they waited for their turn, and lets so many
run at once, with some to spare for the slow ones.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from carscribe_common.rate_limit import RateLimiter

Job = TypeVar("Job")

SPARE = 1.5
SPARE_THREADS = 4
REFILL = 0.75
"""Below this share of its limit the crew asks for more: for a few jobs at once, not for each."""
FIRST_LATENCY_SECONDS = 0.5
SMOOTHING = 0.05
"""The share of a new latency in the running mean: about the last twenty jobs."""


class Pool(Generic[Job]):
    """Threads that work on jobs.

    Args:
        name: of the threads, for logs.
        work: does one job. It must not raise: what it raises ends in ``failed``.
        failed: hears of an exception of ``work``.
        pacer: knows the rate, and how long a thread waited for its turn.
        concurrency_max: so many jobs at once at the most.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Job], None],
        failed: Callable[[Exception], None],
        pacer: RateLimiter,
        concurrency_max: int,
    ) -> None:
        self._name = name
        self._work = work
        self._failed = failed
        self._pacer = pacer
        self._concurrency_max = concurrency_max
        self._latency = FIRST_LATENCY_SECONDS
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._in_hand = 0  # given and not done
        self._threads = 0

    @property
    def limit(self) -> int:
        """How many jobs may be worked on at once at this moment."""
        wanted = math.ceil(self._pacer.rate_per_second * self._latency * SPARE) + SPARE_THREADS
        return min(wanted, self._concurrency_max)

    @property
    def in_hand(self) -> int:
        """How many jobs were given and are not done."""
        with self._changed:
            return self._in_hand

    def wait_for_room(self, timeout_seconds: float) -> bool:
        """Wait until another job may be given; tell whether it may."""
        with self._changed:
            return self._changed.wait_for(lambda: self._in_hand < self.limit, timeout_seconds)

    def give(self, job: Job) -> None:
        """Hand over a job. Never waits: ask wait_for_room before."""
        with self._changed:
            self._in_hand += 1
            if self._in_hand > self._threads and self._threads < self._concurrency_max:
                self._threads += 1
                # Daemons: at the end of a run nobody waits for a call that hangs.
                threading.Thread(
                    target=self._run, name=f"{self._name}-{self._threads}", daemon=True
                ).start()
        self._jobs.put(job)

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            waited, began = self._pacer.waited.seconds, time.monotonic()
            try:
                self._work(job)
            except Exception as error:  # noqa: BLE001 - handed to whoever owns the crew
                self._failed(error)
            took = time.monotonic() - began - (self._pacer.waited.seconds - waited)
            with self._changed:
                self._latency += (took - self._latency) * SMOOTHING
                self._in_hand -= 1
                if self._in_hand <= self.limit * REFILL:
                    self._changed.notify_all()
