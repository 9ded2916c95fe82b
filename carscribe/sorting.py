"""Sort more records than memory should hold."""

from __future__ import annotations

import heapq
import json
import tempfile
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from carscribe_common.rules import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import ExitStack
    from pathlib import Path

SORTED_AT_ONCE = 10_000
"""So many records are sorted in memory; more are sorted in parts and merged."""

Record = dict[str, Any]


def by_key(records: Iterable[Record], scratch: Path, stack: ExitStack) -> Iterator[Record]:
    """Return records in the natural order of their ``key``.

    Args:
        records: read to the end before the first one is returned.
        scratch: where parts are written if there are many.
        stack: closes the parts.
    """
    records = iter(records)
    parts: list[Iterable[Record]] = []
    while part := sorted(islice(records, SORTED_AT_ONCE), key=_order):
        if len(part) < SORTED_AT_ONCE:
            parts.append(part)
            break
        spill = tempfile.TemporaryFile(  # noqa: SIM115 - the stack closes it after the merge
            "w+", encoding="utf-8", dir=scratch, prefix=".sort-"
        )
        stack.enter_context(spill)
        spill.writelines(json.dumps(record) + "\n" for record in part)
        spill.seek(0)
        parts.append(_read(spill))
    return heapq.merge(*parts, key=_order)


def _read(spill: IO[str]) -> Iterator[Record]:
    for line in spill:
        yield json.loads(line)


def _order(record: Record) -> tuple[str, str]:
    return natural_key(record["key"])
