"""A rate limiter in front of Rekognition: just under the quota, and under what is left of it.

Rekognition's quota is a number of transactions a second for each operation,
account and region. Every attempt of a call waits here for its turn, retries of
botocore included. Where the service throttles all the same (another program
shares the quota) the rate follows what the service gives: cut at once, then
back along a cubic curve, as TCP CUBIC does it (RFC 9438): fast at first, slow
near the rate that was throttled last, then faster again.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HEADROOM = 0.98
"""The share of the quota that is used: clocks and networks jitter."""

BURST_SECONDS = 0.1
"""How much of an unused turn is kept, so that a moment's stall costs nothing."""

FIRST_CUT = 0.7
"""What is left of the rate when it is throttled after CALM_SECONDS without."""

NEXT_CUT = 0.85
"""What is left of the rate when it is throttled again soon."""

CALM_SECONDS = 10.0
CUT_INTERVAL_SECONDS = 1.0
"""One cut an interval: the calls in flight at a cut are throttled for the old rate."""

GROWTH = 0.008
"""Curvature of the way back, for each transaction a second of the quota."""

FLOOR = 0.02
"""The rate is never cut below this share of the quota."""


class RateLimiter:
    """A token bucket shared by all threads, whose rate follows the service.

    Args:
        rate_per_second: the quota, transactions a second.
        clock: seconds that never go back.
        sleep: waits so many seconds. With ``clock`` the one seam of time here.

    Attributes:
        waited: seconds that the current thread waited in all, ``waited.seconds``.
    """

    def __init__(
        self,
        rate_per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._quota = rate_per_second
        self._highest = rate_per_second * HEADROOM
        self._rate = self._highest
        self._burst = max(1.0, self._highest * BURST_SECONDS)
        self._tokens = 1.0
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        now = clock()
        self._filled_at = now
        self._cut_at = now - CALM_SECONDS
        self._rate_at_cut = self._highest
        self._curvature = GROWTH * rate_per_second
        self._reached_after = 0.0
        self._growing = False
        self.waited = Waited()

    @property
    def rate_per_second(self) -> float:
        """The rate at this moment."""
        with self._lock:
            self._fill()
            return self._rate

    def acquire(self) -> None:
        """Wait for a turn."""
        with self._lock:
            self._fill()
            self._tokens -= 1.0
            wait = -self._tokens / self._rate if self._tokens < 0 else 0.0
        if wait:
            self._sleep(wait)
            self.waited.seconds += wait

    def throttled(self) -> None:
        """Hear that the service refused a call for its rate."""
        with self._lock:
            now = self._fill()
            calm = now - self._cut_at
            if calm < CUT_INTERVAL_SECONDS:
                return
            self._rate_at_cut = self._rate
            cut = FIRST_CUT if calm >= CALM_SECONDS else NEXT_CUT
            self._rate = max(self._rate * cut, self._quota * FLOOR)
            self._tokens = min(self._tokens, 0.0)
            self._cut_at = now
            # CUBIC: W(t) = C (t - K)^3 + W_max, where K is when W_max is reached again.
            self._reached_after = ((self._rate_at_cut - self._rate) / self._curvature) ** (1 / 3)
            self._growing = True

    def _fill(self) -> float:
        now = self._clock()
        if self._growing:
            self._grow(now - self._cut_at)
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        return now

    def _grow(self, since_cut: float) -> None:
        grown = self._rate_at_cut + self._curvature * (since_cut - self._reached_after) ** 3
        self._rate = min(max(self._rate, grown), self._highest)
        self._growing = self._rate < self._highest


class Waited(threading.local):
    """How long the current thread waited in all."""

    seconds: float = 0.0
