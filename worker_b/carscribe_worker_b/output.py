"""output.txt: the lines of a run in natural order, sorted in bounded memory."""

from __future__ import annotations

import heapq
import json
import os
import tempfile
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.files import replacing
from carscribe_common.rules import natural_key, result_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from carscribe_common.journal import Journal

SORTED_AT_ONCE = 2_500
"""So many lines are sorted in memory; more are sorted in parts and merged."""

READ_BYTES = 4096
"""So much of each part is in memory while they are merged."""

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
        WorkerExit: DISK; it cannot be written.
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
        raise WorkerExit(
            Exit.DISK, f"Cannot write {path}: {error.strerror}; make space and start again."
        ) from error
    return count


def _sorted(lines: Iterable[Line], run_dir: Path, stack: ExitStack) -> Iterator[Line]:
    lines = iter(lines)
    # One file for all parts: their number is not bounded, that of open files is.
    spill = stack.enter_context(
        tempfile.TemporaryFile(dir=run_dir, prefix=".sort-")  # noqa: SIM115 - the stack closes it
    )
    parts: list[Iterable[Line]] = []
    while part := sorted(islice(lines, SORTED_AT_ONCE), key=_order):
        if len(part) < SORTED_AT_ONCE:
            parts.append(part)
            break
        start = spill.tell()
        spill.writelines(json.dumps(line).encode() + b"\n" for line in part)
        parts.append(_read(spill.fileno(), start, spill.tell()))
    spill.flush()
    return heapq.merge(*parts, key=_order)


def _read(descriptor: int, start: int, end: int) -> Iterator[Line]:
    cut_off = b""
    while start < end:
        data = os.pread(descriptor, min(READ_BYTES, end - start), start)
        start += len(data)
        *whole, cut_off = (cut_off + data).split(b"\n")
        for line in whole:
            key, text = json.loads(line)
            yield key, text


def _order(line: Line) -> tuple[str, str]:
    return natural_key(line[0])
