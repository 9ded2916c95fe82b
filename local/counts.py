"""A running count of calls and their outcomes, for each operation."""

from __future__ import annotations

import threading
from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.messages import Answer

OUTCOMES = ("ok", "throttled", "errors", "dropped")


class Counts:
    """Counts that threads may add to; `calls` is the sum of the outcomes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, dict[str, int]] = {}
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

    def read(self) -> dict[str, dict[str, int]]:
        """Return a copy, by operation."""
        with self._lock:
            return {name: dict(row) for name, row in sorted(self._counts.items())}


def outcome_of(answer: Answer) -> str:
    """Name what became of a call that was carried out."""
    if answer.cut_off:
        return "dropped"
    return "ok" if answer.status < HTTPStatus.BAD_REQUEST else "errors"
