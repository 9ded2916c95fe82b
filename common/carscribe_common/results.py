"""results.jsonl and the failures of a run, both drawn from the store: it alone is the truth."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.files import replacing, sync_directory

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FAILURES_NAMED = 10_000
"""So many failures are named in summary.json at the most; results.jsonl has them all."""


def make_run_dir(run_dir: Path) -> Path:
    """Make the directory of a run.

    Raises:
        WorkerExit: DISK; it cannot be made.
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        for directory in (run_dir.parent, run_dir.parent.parent):
            sync_directory(directory)
    except OSError as error:
        raise WorkerExit(
            Exit.DISK,
            f"Cannot make {run_dir}: {error.strerror}; set CARSCRIBE_STATE_DIR to a directory "
            "that this user may write to.",
        ) from error
    return run_dir


def write_results(run_dir: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write results.jsonl, one row of the store a line.

    Raises:
        WorkerExit: DISK; it cannot be written.
    """
    path = run_dir / "results.jsonl"
    try:
        with replacing(path) as file:
            # Not dump: that does without the C encoder.
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    except OSError as error:
        raise WorkerExit(
            Exit.DISK,
            f"Cannot write {path}: {error.strerror}; make space and start again.",
        ) from error


def failures(failed_rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the failures as summary.json has them, the first ones if there are very many."""
    return [
        {"key": row["key"], "n": row["n"], **row["failure"]}
        for row in islice(failed_rows, FAILURES_NAMED)
    ]
