"""One, two and four pairs of workers on one bucket and one quota: promise 16."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Child, Emulator, Worker, behavior, wait
from benchmarks.measure_rate import OPERATIONS
from benchmarks.report import Row, judge
from benchmarks.scale import Scale
from carscribe_common.rules import natural_key

TIMES_PROMISED = {2: 1.9, 4: 3.8}
SHARE_PROMISED = 0.96
"""Of its own share of the quota, by the one pair that the others are held against."""


@dataclass(frozen=True)
class Ran:
    """What so many pairs came to together.

    Attributes:
        per_second: by letter, images from the first call that was let in to the last.
        lines: of their outputs, in natural order of the keys.
        calls: of Rekognition that were answered.
        cores: that the workers and the emulator computed on, on average.
    """

    per_second: dict[str, float]
    lines: list[str]
    calls: dict[str, int]
    throttled_in_code: int
    failed: int
    cores: float


def several(folder: Path, scale: Scale, load: float) -> list[Row]:
    """Let two and four pairs do what one does.

    Args:
        folder: for the runs' files.
        scale: how large it is.
        load: of the machine, before the benchmark began.
    """
    one = _run(folder / "1", scale, 1)
    cores = os.cpu_count() or 1
    rows: list[Row] = []
    for pairs, times_promised in TIMES_PROMISED.items():
        ran = _run(folder / str(pairs), scale, pairs)
        times = {letter: ran.per_second[letter] / one.per_second[letter] for letter in OPERATIONS}
        same = ran.lines == one.lines and ran.calls == one.calls
        measured = "; ".join(
            f"{letter.upper()} {times[letter]:.2f} times ({ran.per_second[letter]:.1f}/s against "
            f"{one.per_second[letter]:.1f}/s)"
            for letter in OPERATIONS
        ) + (
            f"; output of {len(ran.lines):,} lines {'identical' if same else 'ANOTHER ONE'}; "
            f"through to the code {ran.throttled_in_code}, failed images {ran.failed}; "
            f"{ran.cores:.2f} cores in use"
        )
        right = same and not ran.failed and not ran.throttled_in_code
        fast = all(each >= times_promised for each in times.values()) and all(
            each >= SHARE_PROMISED * scale.rate_of_pair for each in one.per_second.values()
        )
        kept = judge(right=right, fast=fast, is_busy=load + ran.cores > cores)
        rows.append(
            Row(
                f"16{'ab'[len(rows)]}",
                f"{pairs} pairs on {scale.images_pairs:,} images, each held to "
                f"{scale.rate_of_pair:g}/s by its share: {times_promised} times one pair's rate, "
                "the output and the number of calls identical",
                measured
                if kept is not None
                else f"not measured at a load of {load:.2f} on {cores} cores ({measured})",
                kept,
                {
                    "per_second": ran.per_second,
                    "per_second_of_one_pair": one.per_second,
                    "identical": same,
                    "calls": ran.calls,
                    "load": load,
                    "cores_in_use": ran.cores,
                },
            )
        )
    return rows


def _run(folder: Path, scale: Scale, pairs: int) -> Ran:
    """Run so many pairs; the account's quota is told to all, and divided by their settings."""
    rate = pairs * scale.rate_of_pair
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Emulator(
        images=scale.images_pairs,
        seed=scale.seed,
        car_share=1.0,
        image_bytes=scale.image_bytes,
        pairs=pairs,
        rekognition=dict.fromkeys(OPERATIONS.values(), behavior(scale.latency, scale.quota_raised)),
    ) as emulator:
        children: list[Child] = [
            Worker(letter, emulator, folder, pair=pair, rate_per_second=rate).start()
            for pair in range(1, pairs + 1)
            for letter in OPERATIONS
        ]
        wait(*children)
        seen, counts = emulator.ask("trace")["operations"], emulator.ask("counts")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    per_second = {}
    for letter, name in OPERATIONS.items():
        admitted = seen[f"rekognition.{name}"]["admitted"]
        # The last call has its own share of a second, as each before it.
        span = admitted[-1] - admitted[0] + 1 / rate
        per_second[letter] = scale.images_pairs / span
    seconds = max(c.ended_at for c in children) - min(c.spawned_at for c in children)
    used = sum(getattr(after, kind) - getattr(before, kind) for kind in ("ru_utime", "ru_stime"))
    lines = [
        line
        for child in children
        if child.name.startswith("b")
        for line in (child.run_dir / "output.txt").read_text().splitlines()
    ]
    return Ran(
        per_second,
        sorted(lines, key=lambda line: natural_key(line.partition(": ")[0])),
        {name: counts[f"rekognition.{name}"]["ok"] for name in OPERATIONS.values()},
        sum(child.throttled_in_code for child in children),
        sum(child.summary["images"]["failed"] for child in children),
        used / seconds,
    )
