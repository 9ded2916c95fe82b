"""A running count of calls and their outcomes, for each operation."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.messages import Answer

OUTCOMES = ("ok", "throttled", "errors", "dropped")

JUST_NOW_SECONDS = 0.5
"""An answer so young may not have reached the disk of whoever asked."""


class Counts:
    """Counts that threads may add to; `calls` is the sum of the outcomes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, dict[str, int]] = {}
        self._under_way: Counter[str] = Counter()
        self._answered: deque[tuple[float, str]] = deque(maxlen=10_000)
        self.reset()

    def reset(self) -> None:
        """Start again at nothing."""
        with self._lock:
            self._counts = defaultdict(lambda: dict.fromkeys(("calls", *OUTCOMES), 0))

    def add(self, operation: str, outcome: str) -> None:
        """Count one call."""
        with self._lock:
            row = self._counts[operation]
            row["calls"] += 1
            row[outcome] += 1
            if outcome in {"ok", "dropped"}:
                self._answered.append((time.monotonic(), operation))

    @contextmanager
    def under_way(self, operation: str) -> Iterator[None]:
        """Count a call as being carried out."""
        with self._lock:
            self._under_way[operation] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[operation] -= 1

    def in_flight(self) -> dict[str, int]:
        """Return, by operation, the calls under way and those answered just now."""
        since = time.monotonic() - JUST_NOW_SECONDS
        with self._lock:
            answered = Counter(name for at, name in self._answered if at >= since)
            return dict(self._under_way + answered)

    def read(self) -> dict[str, dict[str, int]]:
        """Return a copy, by operation."""
        with self._lock:
            return {name: dict(row) for name, row in sorted(self._counts.items())}


def outcome_of(answer: Answer) -> str:
    """Name what became of a call that was carried out."""
    if answer.cut_off:
        return "dropped"
    return "ok" if answer.status < HTTPStatus.BAD_REQUEST else "errors"
