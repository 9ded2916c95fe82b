"""results.jsonl and failures, both drawn from the journal: it alone is the truth."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.files import replacing, sync_directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from carscribe_common.journal import Journal

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


def write_results(run_dir: Path, journal: Journal, kind: str, fields: Sequence[str]) -> None:
    """Write results.jsonl: each record of a kind in the journal, with these fields.

    Raises:
        WorkerExit: DISK; it cannot be written.
    """
    path = run_dir / "results.jsonl"
    try:
        with replacing(path) as file:
            for record in journal.read():
                if record["type"] == kind:
                    # Not dump: that does without the C encoder.
                    kept = {name: record[name] for name in fields}
                    file.write(json.dumps(kept, ensure_ascii=False) + "\n")
    except OSError as error:
        raise WorkerExit(
            Exit.DISK,
            f"Cannot write {path}: {error.strerror}; make space and start again.",
        ) from error


def failures(journal: Journal, kind: str) -> list[dict[str, Any]]:
    """Return the failures in the journal, the first ones if there are very many."""
    found = (
        {"key": record["key"], "n": record["n"], **record["failure"]}
        for record in journal.read()
        if record["type"] == kind and record["failure"]
    )
    return list(islice(found, FAILURES_NAMED))
