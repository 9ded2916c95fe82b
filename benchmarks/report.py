"""Rows of the benchmark's result: promised, measured, verdict; as a table and as JSON."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One promise of the project and what came of it.

    Attributes:
        number: of the promise, as in docs/performance.md.
        promised: in words, with its number.
        measured: in words, with its numbers.
        kept: whether the promise was kept; None if this machine could not show it.
        values: the numbers behind it.
        timed: it depends on the machine's speed; a short run does not judge it.
    """

    number: str
    promised: str
    measured: str
    kept: bool | None
    values: dict[str, Any] = field(default_factory=dict)
    timed: bool = True

    @property
    def verdict(self) -> str:
        """In a word."""
        return {True: "yes", False: "**no**", None: "not measured"}[self.kept]


def judge(*, right: bool, fast: bool, is_busy: bool) -> bool | None:
    """Return whether a promise is kept; None where the machine could not show it.

    A load can only lower what is reached, so what is fast is fast.

    Args:
        right: what came of it is what should.
        fast: it was as fast as promised.
        is_busy: the machine had less to give than was wanted of it.
    """
    if right and not fast and is_busy:
        return None
    return right and fast


def machine() -> dict[str, Any]:
    """Describe what was measured on."""
    return {
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = ["| | promised | measured | kept |", "|---|---|---|---|"]
    lines += [f"| {row.number} | {row.promised} | {row.measured} | {row.verdict} |" for row in rows]
    return "\n".join(lines)


def write(folder: Path, rows: Sequence[Row], parameters: dict[str, Any]) -> None:
    """Write results.json and results.md."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {
        "machine": machine(),
        "command": sys.argv,
        "parameters": parameters,
        "rows": [asdict(row) for row in rows],
    }
    (folder / "results.json").write_text(json.dumps(data, indent=1) + "\n")
    (folder / "results.md").write_text(table(rows) + "\n")
