"""The table of all faults tried: how often, what was lost, doubled, and how long it took."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.faults.harness import Outcome

KEPT = Path(__file__).resolve().parents[2] / "build" / "faults.json"
HEAD = ("fault", "tried", "lost", "doubled", "in flight", "identical", "seconds")


def rows(outcomes: Iterable[Outcome]) -> list[tuple[str, ...]]:
    """Return a row for each fault, in the order in which they were tried first."""
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
            f"{sum(outcome.identical for outcome in tried)}/{len(tried)}",
            f"{sum(outcome.seconds for outcome in tried) / len(tried):.1f}",
        )
        for fault, tried in kinds.items()
    ]


def table(outcomes: Iterable[Outcome]) -> str:
    """Return the table as Markdown.

    ``doubled`` are the calls of Rekognition that were answered and asked
    again; ``in flight`` are those that were at a kill, so the most that may be.
    ``seconds`` are the mean of a trial, with the making of its images.
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
