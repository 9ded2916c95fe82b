"""summary.json: what a run has come to, while it runs and at its end."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from carscribe_common import __version__
from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.files import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from carscribe_common.aws import Calls
    from carscribe_common.rate_limit import RateLimiter

PRICE_USD_PER_CALL = 0.001
"""Of DetectLabels and DetectText each, for the first million calls a month in us-east-1
(Amazon Rekognition pricing, group 1 and 2 APIs). Failed calls are not charged."""

INTERVAL_SECONDS = 1.0

_STATES = {
    Exit.OK: "complete",
    Exit.INCOMPLETE: "incomplete",
    Exit.TERMINATED: "stopped",
    Exit.INTERRUPTED: "stopped",
}


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Summary:
    """Writes summary.json about once a second, and once more at the end.

    Args:
        path: the file.
        worker: ``a`` or ``b``.
        run_id: of this run.
        started_at: when the run began, ISO 8601.
        calls: what the clients have done in this process.
        pacer: knows the rate.
        counts: returns the counts of this worker: ``images``, ``messages`` and
            so on; ``billed_calls`` among them.
    """

    def __init__(
        self,
        path: Path,
        *,
        worker: str,
        run_id: str,
        started_at: str,
        calls: Calls,
        pacer: RateLimiter,
        counts: Callable[[], dict[str, Any]],
    ) -> None:
        self._path = path
        self._worker = worker
        self._run_id = run_id
        self._started_at = started_at
        self._calls = calls
        self._pacer = pacer
        self._counts = counts
        self._written_at = 0.0

    def tick(self) -> None:
        """Write how far the run is, if the last time is a second ago.

        Progress may be lost: a full disk shows where it matters, in the journal.
        """
        if time.monotonic() - self._written_at < INTERVAL_SECONDS:
            return
        self._written_at = time.monotonic()
        with suppress(OSError):
            write_json(self._path, self._data("running"), durable=False)

    def end(
        self,
        code: Exit,
        reason: str | None,
        failures: Iterable[dict[str, Any]],
        missing: list[int] | None = None,
    ) -> None:
        """Write how the run ended.

        Raises:
            WorkerExit: DISK; the summary of a complete run could not be written.
        """
        data = self._data(_STATES.get(code, "failed"))
        data |= {"reason": reason, "exit_code": int(code), "failures": list(failures)}
        if missing is not None:
            data["missing"] = missing
        try:
            write_json(self._path, data)
        except OSError as error:
            if code == Exit.OK:
                raise WorkerExit(
                    Exit.DISK,
                    f"Cannot write {self._path}: {error.strerror}; make space and start again.",
                ) from error

    def _data(self, state: str) -> dict[str, Any]:
        counts = self._counts()
        billed = counts.pop("billed_calls")
        ended_at = None if state == "running" else now()
        seconds = (
            datetime.fromisoformat(ended_at or now()) - datetime.fromisoformat(self._started_at)
        ).total_seconds()
        return {
            "worker": self._worker,
            "run_id": self._run_id,
            "state": state,
            "reason": None,
            "exit_code": None,
            "started_at": self._started_at,
            "ended_at": ended_at,
            # The clock may have been set back in between.
            "duration_seconds": round(max(seconds, 0.0), 3),
            **counts,
            "failures": [],
            "api_calls": self._calls.snapshot(),
            "throttled": self._calls.throttled,
            "rate_per_second": round(self._pacer.rate_per_second, 2),
            "billed_calls": billed,
            "estimated_cost_usd": round(billed * PRICE_USD_PER_CALL, 6),
            "version": __version__,
        }
