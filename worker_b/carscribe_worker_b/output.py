"""output.txt: the lines of a run in natural order, sorted in bounded memory."""

from __future__ import annotations

import heapq
import json
import tempfile
from contextlib import ExitStack
from itertools import islice
from typing import IO, TYPE_CHECKING

from carscribe_common.exits import Exit, StopWorker
from carscribe_common.files import replacing
from carscribe_common.rules import natural_key, result_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from carscribe_common.journal import Journal

SORTED_AT_ONCE = 10_000
"""So many lines are sorted in memory; more are sorted in parts and merged."""

Line = tuple[str, str]  # a key and its text


def write_output(run_dir: Path, journal: Journal, expected: int) -> int:
    """Write output.txt, one line for each image with both a car and text.

    Args:
        run_dir: of the run.
        journal: its journal.
        expected: the last n; what claims a higher one is none of A's.

    Returns:
        How many lines it has.

    Raises:
        StopWorker: DISK; it cannot be written.
    """
    lines = (
        (record["key"], record["line"])
        for record in journal.read()
        if record["type"] == "settled" and record["line"] is not None and record["n"] <= expected
    )
    path = run_dir / "output.txt"
    count = 0
    try:
        with replacing(path) as file, ExitStack() as stack:
            for key, text in _sorted(lines, run_dir, stack):
                file.write(result_line(key, text) + "\n")
                count += 1
    except OSError as error:
        raise StopWorker(
            Exit.DISK, f"Cannot write {path}: {error.strerror}; make space and start again."
        ) from error
    return count


def _sorted(lines: Iterable[Line], run_dir: Path, stack: ExitStack) -> Iterator[Line]:
    lines = iter(lines)
    parts: list[Iterable[Line]] = []
    while part := sorted(islice(lines, SORTED_AT_ONCE), key=_order):
        if len(part) < SORTED_AT_ONCE:
            parts.append(part)
            break
        spill = tempfile.TemporaryFile(  # noqa: SIM115 - the stack closes it after the merge
            "w+", encoding="utf-8", dir=run_dir, prefix=".sort-"
        )
        stack.enter_context(spill)
        spill.writelines(json.dumps(line) + "\n" for line in part)
        spill.seek(0)
        parts.append(_read(spill))
    return heapq.merge(*parts, key=_order)


def _read(spill: IO[str]) -> Iterator[Line]:
    for line in spill:
        key, text = json.loads(line)
        yield key, text


def _order(line: Line) -> tuple[str, str]:
    return natural_key(line[0])
