"""When each call came and was answered; the emulator itself only counts."""

import time
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from emulator.counts import Counts


def _times() -> "array[float]":
    return array("d")


@dataclass
class Operation:
    """The calls of one operation; times are seconds since the epoch."""

    in_flight_max: int = 0
    arrived: "array[float]" = field(default_factory=_times)
    admitted: "array[float]" = field(default_factory=_times)  # within the quota
    answered: "array[float]" = field(default_factory=_times)  # of the successes


class Trace(Counts):
    """The emulator's counts, with times."""

    def reset(self) -> None:
        """Forget everything; what is in flight stays counted as in flight."""
        super().reset()
        self._operations: defaultdict[str, Operation] = defaultdict(Operation)
        for name, in_flight in self._under_way.items():
            if in_flight:
                self._operations[name] = Operation(in_flight)

    def begin(self, operation: str) -> None:
        """Note when a call came in."""
        super().begin(operation)
        seen, now = self._operations[operation], time.time()
        seen.in_flight_max = max(seen.in_flight_max, self._under_way[operation])
        seen.arrived.append(now)
        seen.admitted.append(now)

    def end(self, operation: str, outcome: str) -> None:
        """Note when it was answered; a throttle is answered at once, before the next call comes."""
        super().end(operation, outcome)
        seen = self._operations[operation]
        if outcome == "throttled":
            seen.admitted.pop()
        elif outcome == "ok":
            seen.answered.append(time.time())

    def times(self) -> dict[str, dict[str, Any]]:
        """Return all of it, by operation, in a form that is JSON."""
        return {
            name: {
                "in_flight_max": each.in_flight_max,
                "arrived": each.arrived.tolist(),
                "admitted": each.admitted.tolist(),
                "answered": each.answered.tolist(),
            }
            for name, each in self._operations.items()
        }
