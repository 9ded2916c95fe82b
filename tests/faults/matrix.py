"""All faults, and the table: how often tried, what was lost, doubled, how long it took.

    python -m tests.faults.matrix [pytest's arguments]

tries each as often as docs/reliability.md says and prints the table at the
end. The faults of hosts are tests/deployment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from carscribe_common.rules import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.faults.harness import Outcome

KEPT = Path(__file__).resolve().parents[2] / "build" / "faults.json"
HEAD = (
    "fault",
    "tried",
    "lost",
    "made again",
    "in flight at kills",
    "output identical",
    "seconds each",
)


def rows(outcomes: Iterable[Outcome]) -> list[tuple[str, ...]]:
    """Return a row for each fault, in the order of their numbers."""
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        kinds[outcome.fault].append(outcome)
    return [
        (
            fault,
            str(len(tried)),
            str(sum(outcome.lost for outcome in tried)),
            str(sum(outcome.doubled for outcome in tried)),
            str(sum(outcome.in_flight for outcome in tried)),
            f"{sum(outcome.identical for outcome in tried)} of {len(tried)}",
            f"{sum(outcome.seconds for outcome in tried) / len(tried):.1f}",
        )
        for fault, tried in sorted(kinds.items(), key=lambda kind: natural_key(kind[0]))
    ]


def table(outcomes: Iterable[Outcome]) -> str:
    """Return the table as Markdown.

    ``made again`` are calls of Rekognition that were answered and asked again,
    or asked by the other one where there were two; ``in flight at kills`` is
    the most that they may be. ``seconds each`` is the mean of a trial.
    """
    lines = [HEAD, *rows(outcomes)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    ruled = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in ruled
    )


def write(outcomes: Iterable[Outcome]) -> None:
    """Keep all outcomes, for who wants to see more than the table."""
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))


def main(arguments: list[str]) -> int:
    """Try all faults in full; return pytest's exit code."""
    pytest = [sys.executable, "-m", "pytest", "-q", "--numprocesses", "4", "tests/faults"]
    root = KEPT.parents[1]
    return subprocess.run(
        [*pytest, *arguments], cwd=root, env={**os.environ, "FAULTS": "full"}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
