"""A running count of calls and their outcomes, for each operation."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.messages import Answer

OUTCOMES = ("ok", "throttled", "errors", "dropped")

JUST_NOW_SECONDS = 0.5
"""An answer so young may not have reached the disk of whoever asked."""


class Counts:
    """Counts, all of one thread; `calls` is the sum of the outcomes."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._answered: deque[tuple[float, str]] = deque(maxlen=10_000)
        self.reset()

    def reset(self) -> None:
        """Start again at nothing."""
        self._counts: defaultdict[str, dict[str, int]] = defaultdict(
            lambda: dict.fromkeys(("calls", *OUTCOMES), 0)
        )

    def begin(self, operation: str) -> None:
        """Note a call that came in."""
        self._under_way[operation] += 1

    def end(self, operation: str, outcome: str) -> None:
        """Count a call that came to its end."""
        self._under_way[operation] -= 1
        row = self._counts[operation]
        row["calls"] += 1
        row[outcome] += 1
        if outcome in {"ok", "dropped"}:
            self._answered.append((time.monotonic(), operation))

    def in_flight(self) -> dict[str, int]:
        """Return, by operation, the calls under way and those answered just now."""
        since = time.monotonic() - JUST_NOW_SECONDS
        answered = Counter(name for at, name in self._answered if at >= since)
        return dict(self._under_way + answered)

    def throttled(self, operation: str) -> int:
        """Return how many calls of an operation were throttled."""
        return self._counts[operation]["throttled"]

    def read(self) -> dict[str, dict[str, int]]:
        """Return a copy, by operation."""
        return {name: dict(row) for name, row in sorted(self._counts.items())}


def outcome_of(answer: Answer) -> str:
    """Name what became of a call."""
    if answer.cut_off:
        return "dropped"
    if answer.is_throttle:
        return "throttled"
    return "ok" if answer.status < HTTPStatus.BAD_REQUEST else "errors"
