"""A quota in calls a second, that may change in the middle of a run."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

Schedule = Sequence[tuple[float, float]]
"""Pairs of seconds since the first call and the calls a second that hold from then on."""


def rate_at(schedule: Schedule, seconds: float) -> float:
    """Return the rate that holds at a moment."""
    starts = [start for start, _ in schedule]
    return schedule[max(0, bisect_right(starts, seconds) - 1)][1]


def allowed(schedule: Schedule, seconds: float) -> float:
    """Return how many calls the quota allows from the first call up to a moment."""
    total = 0.0
    for index, (start, rate) in enumerate(schedule):
        end = schedule[index + 1][0] if index + 1 < len(schedule) else math.inf
        total += rate * max(0.0, min(end, seconds) - start)
    return total


class TokenBucket:
    """Holds `burst` calls (by default a second's worth, at least one), filled at the rate."""

    def __init__(self, schedule: Schedule, burst: float | None = None) -> None:
        self._schedule, self._burst = schedule, burst
        self._started_at: float | None = None
        self._filled_at = self._tokens = 0.0

    def take(self, now: float) -> bool:
        """Take one call, if the quota has one; the first call ever finds the bucket full."""
        if self._started_at is None:
            self._started_at = self._filled_at = now
            self._tokens = math.inf
        seconds = now - self._started_at
        gained = allowed(self._schedule, seconds) - allowed(
            self._schedule, self._filled_at - self._started_at
        )
        burst = rate_at(self._schedule, seconds) if self._burst is None else self._burst
        self._tokens = min(max(1.0, burst), self._tokens + gained)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
