"""A quota in calls a second, that may change in the middle of a run."""

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

Schedule = Sequence[tuple[float, float]]  # (seconds since the first call, calls a second)


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


@dataclass
class TokenBucket:
    """Holds `burst_seconds` worth of calls, filled at the rate of the schedule."""

    schedule: Schedule
    burst_seconds: float = 1.0
    _started_at: float | None = None
    _filled_at: float = 0.0
    _tokens: float = 0.0

    def take(self, now: float) -> bool:
        """Take one call, if the quota has one."""
        if self._started_at is None:
            self._started_at = self._filled_at = now
            self._tokens = self.schedule[0][1] * self.burst_seconds
        gained = allowed(self.schedule, now - self._started_at) - allowed(
            self.schedule, self._filled_at - self._started_at
        )
        capacity = max(1.0, rate_at(self.schedule, now - self._started_at) * self.burst_seconds)
        self._tokens = min(capacity, self._tokens + gained)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass
class Latency:
    """A fixed time, or log-normal with a median and a 99th percentile."""

    median: float
    p99: float | None = None
    dice: random.Random = field(default_factory=random.Random)

    def draw(self) -> float:
        """Return the seconds that one call takes."""
        if self.p99 is None or self.median <= 0:
            return self.median
        sigma = math.log(self.p99 / self.median) / 2.3263  # the normal's 99 % quantile
        return self.dice.lognormvariate(math.log(self.median), sigma)
