"""What the server has seen: counts for each operation, and when."""

import time
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Operation:
    """The calls of one operation; times are seconds since the epoch."""

    calls: int = 0
    ok: int = 0
    throttled: int = 0
    errors: int = 0
    in_flight: int = 0
    in_flight_max: int = 0
    arrived: "array[float]" = field(default_factory=lambda: array("d"))
    admitted: "array[float]" = field(default_factory=lambda: array("d"))  # within the quota
    answered: "array[float]" = field(default_factory=lambda: array("d"))  # of the successes

    def begin(self) -> None:
        """Count a call that came in."""
        self.calls += 1
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        self.arrived.append(time.time())

    def admit(self) -> None:
        """Note that the quota had room for the call that came in last."""
        self.admitted.append(self.arrived[-1])

    def end(self, outcome: str) -> None:
        """Count its answer: "ok", "throttled" or "errors"."""
        self.in_flight -= 1
        setattr(self, outcome, getattr(self, outcome) + 1)
        if outcome == "ok":
            self.answered.append(time.time())


class Counts:
    """All operations, by names such as `sqs.SendMessageBatch`."""

    def __init__(self) -> None:
        self.operations: defaultdict[str, Operation] = defaultdict(Operation)
        self.marks: dict[str, float] = {}

    def __getitem__(self, name: str) -> Operation:
        return self.operations[name]

    def mark(self, name: str) -> None:
        """Remember when something happened last."""
        self.marks[name] = time.time()

    def reset(self) -> None:
        """Forget everything; what is in flight stays counted as in flight."""
        flying = {name: each.in_flight for name, each in self.operations.items()}
        self.operations.clear()
        self.marks.clear()
        for name, in_flight in flying.items():
            if in_flight:
                self.operations[name] = Operation(in_flight=in_flight, in_flight_max=in_flight)

    def summary(self) -> dict[str, dict[str, int]]:
        """Return the counts, in the form of the stand-in's /_carscribe/counts."""
        return {
            name: {
                "calls": each.calls,
                "ok": each.ok,
                "throttled": each.throttled,
                "errors": each.errors,
                "dropped": 0,
            }
            for name, each in self.operations.items()
        }

    def trace(self) -> dict[str, Any]:
        """Return the times as well."""
        return {
            "marks": self.marks,
            "operations": {
                name: {
                    "in_flight_max": each.in_flight_max,
                    "arrived": each.arrived.tolist(),
                    "admitted": each.admitted.tolist(),
                    "answered": each.answered.tolist(),
                }
                for name, each in self.operations.items()
            },
        }
