"""summary.json: what a run has come to, while it goes on and at its end."""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from carscribe_common import __version__
from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.files import write_json
from carscribe_common.prices import rekognition_usd, transfer_usd, wire_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from carscribe_common.aws import Calls
    from carscribe_common.regions import Regions
    from carscribe_common.settings import Settings
    from carscribe_common.store import Store
    from carscribe_common.upload import Upload

logger = logging.getLogger(__name__)

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

    Its counts are of the whole run: what the store has, and what of this
    process is not there yet.

    Args:
        worker: ``a`` or ``b``.
        settings: name the run, and the pair of workers that this one is of.
        store: of this run.
        calls: what the clients have done and the store does not know yet.
        regions: know the rate, and which of them are asked.
        upload: puts what the run has come to into the bucket, where that is asked for.
        counts: returns what this worker's summary has beside that of the
            other, of all counts by name.
    """

    def __init__(
        self,
        *,
        worker: str,
        settings: Settings,
        store: Store,
        calls: Calls,
        regions: Regions,
        upload: Upload,
        counts: Callable[[Counter[str]], dict[str, Any]],
    ) -> None:
        self._path = settings.run_dir / "summary.json"
        self._worker = worker
        self._settings = settings
        self._store = store
        self._calls = calls
        self._regions = regions
        self._upload = upload
        self._counts = counts
        self._stored: dict[str, int] = {}
        self._written_at = 0.0

    def tick(self) -> None:
        """Write how far the run is, if the last time is a second ago.

        Progress may be lost: a full disk shows where it matters, in the store.
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
        **more: Any,
    ) -> None:
        """Write how the run ended; where it came to its end, put it into the bucket before.

        Args:
            code: what the process exits with.
            reason: why, where it is not the good end.
            failures: of images, see ``results.failures``.
            more: what this worker has to add.

        Raises:
            WorkerExit: DISK; the summary of a complete run could not be written.
                What the bucket did not take: so the run has not come to its end,
                and that is written.
        """
        failed = list(failures)
        is_end = code in (Exit.OK, Exit.INCOMPLETE)
        try:
            if is_end:
                self._upload.put_files()
            data = self._data(_STATES.get(code, "failed"))
            data |= {"reason": reason, "exit_code": int(code), "failures": failed, **more}
            models = {answer.partition(" ")[2] for answer in data["answers"]}
            if len(models) > 1:
                logger.warning(
                    "Several versions of the model answered, %s: what they see may differ",
                    ", ".join(sorted(models)),
                )
            write_json(self._path, data, before=self._upload.put_summary if is_end else None)
        except WorkerExit as unfinished:
            self.end(unfinished.code, unfinished.sentence, failed, **more)
            raise
        except OSError as error:
            if code == Exit.OK:
                raise WorkerExit(
                    Exit.DISK,
                    f"Cannot write {self._path}: {error.strerror}; make space and start again.",
                ) from error

    def _data(self, state: str) -> dict[str, Any]:
        counts = self._all_counts()
        billed = counts["billed"]
        sent = wire_bytes(counts["bytes_elsewhere"])
        ended_at = None if state == "running" else now()
        seconds = (
            datetime.fromisoformat(ended_at or now())
            - datetime.fromisoformat(self._store.started_at)
        ).total_seconds()
        return {
            "worker": self._worker,
            "run_id": self._settings.run_id,
            "pair": self._settings.pair,
            "pairs": self._settings.pairs,
            "state": state,
            "reason": None,
            "exit_code": None,
            "started_at": self._store.started_at,
            "ended_at": ended_at,
            # The clock may have been set back in between.
            "duration_seconds": round(max(seconds, 0.0), 3),
            **self._counts(counts),
            "failures": [],
            "api_calls": {
                name.removeprefix("api:"): counts[name]
                for name in sorted(counts)
                if name.startswith("api:")
            },
            "throttled": counts["throttled"],
            "errors_throttled": counts["errors_throttled"],
            # Killed with their process, or without an answer and asked in another region.
            "calls_unknown": self._store.calls_unknown + counts["unanswered"],
            "rate_per_second": round(self._regions.rate_per_second, 2),
            "regions": self._regions.states(),
            # By region and version of the model: one of several may see something else.
            "answers": {
                name.removeprefix("answers:").replace(":", " "): counts[name]
                for name in sorted(counts)
                if name.startswith("answers:")
            },
            "calls_moved": counts["moved"],
            "transferred_bytes": sent,
            "billed_calls": billed,
            "estimated_cost_usd": round(
                rekognition_usd(billed) + transfer_usd(sent, self._regions.home.name), 6
            ),
            "version": __version__,
        }

    def _all_counts(self) -> Counter[str]:
        # Where the disk is broken, the last counts that it gave must do.
        with suppress(WorkerExit):
            self._stored = self._store.counts()
        counts = Counter(self._stored)
        counts.update(self._calls.pending())
        return counts
