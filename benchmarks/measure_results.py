"""Merging what two pairs of workers wrote of many images: promise 18."""

import json
import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.harness import environment, start, wait
from benchmarks.images import Images
from benchmarks.report import Row
from benchmarks.scale import Scale
from carscribe_common.rules import natural_key, result_line

MEGABYTES_PROMISED = 200
SECONDS_PROMISED = 300
CAR_SHARE = 0.5
BOX = {"left": 0.1, "top": 0.1, "width": 0.5, "height": 0.2}
TIMES = {"at": 1_772_532_000.0, "seconds": 0.3}


def of_many(folder: Path, scale: Scale) -> Row:
    """Write both pairs' files as they come from the hosts, and merge them as `make results` does."""
    run_dir = folder / "run"
    for pair, names in enumerate((("a", "b"), ("a-2", "b-2"))):
        _write_pair(run_dir, names, pair, scale)
    child = start("results", ["carscribe.results", str(run_dir), "--unpaid"], environment(), folder)
    wait(child, deadline_seconds=4 * SECONDS_PROMISED)
    totals: dict[str, Any] = json.loads((run_dir / "summary.json").read_text())["totals"]
    with (run_dir / "results.csv").open() as table:
        rows = sum(1 for _ in table) - 1
    megabytes = child.peak_bytes / 1e6
    whole = totals["images"] == rows == scale.images_settled
    return Row(
        "18",
        f"the results of {scale.images_settled:,} images from two pairs: at most "
        f"{MEGABYTES_PROMISED} MB and {SECONDS_PROMISED} s",
        f"{megabytes:.1f} MB, {child.wall_seconds:.0f} s ({child.cpu_seconds:.0f} s of processor); "
        f"{totals['images']:,} images, {totals['with_text']:,} with text",
        whole and megabytes <= MEGABYTES_PROMISED and child.wall_seconds <= SECONDS_PROMISED,
        {"megabytes": megabytes, "seconds": child.wall_seconds, "totals": totals},
    )


def _write_pair(run_dir: Path, names: tuple[str, str], pair: int, scale: Scale) -> None:
    """Every other image; A's by key, B's by n, with a text on each car."""
    images = Images(scale.images_settled, scale.seed, CAR_SHARE)
    for name in names:
        (run_dir / name).mkdir(parents=True)
        summary = {"worker": name[0], "run_id": "bench", "state": "complete", "pairs": 2}
        summary |= {"started_at": "2026-03-03T10:00:00+00:00", "pair": pair + 1}
        summary |= {"ended_at": "2026-03-04T10:00:00+00:00", "reason": None, "failures": []}
        (run_dir / name / "summary.json").write_text(json.dumps(summary))
    of_a, of_b = (run_dir / name / "results.jsonl" for name in names)
    with of_a.open("w") as a, of_b.open("w") as b:
        for record in _records(images, pair, scale.seed):
            a.write(json.dumps(record) + "\n")
            if record["n"] is not None:
                b.write(json.dumps(_reading(record)) + "\n")
    lines = ((record["key"], record["line"]) for record in map(json.loads, of_b.open()))
    with (run_dir / names[1] / "output.txt").open("w") as output:
        for key, line in sorted(lines, key=lambda item: natural_key(item[0])):
            output.write(f"{result_line(key, line)}\n")


def _records(images: Images, pair: int, seed: int) -> Iterator[dict[str, Any]]:
    dice = random.Random(seed + pair)
    numbers = count(1)
    for index in range(pair, images.count, 2):
        is_car = dice.random() < CAR_SHARE
        car = {"confidence": 97.5, "instances": [{"confidence": 97.5, "box": BOX}] * 3}
        yield {
            "key": images.key(index),
            "etag": f'"{index:032x}"',
            "n": next(numbers) if is_car else None,
            "car": car if is_car else None,
            "failure": None,
            **TIMES,
        }


def _reading(record: dict[str, Any]) -> dict[str, Any]:
    texts = [
        {"type": kind, "id": i, "parent_id": None, "text": "GO 77", "confidence": 99.0, "box": BOX}
        for i, kind in enumerate(("LINE", "WORD", "WORD"))
    ]
    found = {name: record[name] for name in ("key", "etag", "n")}
    return {**found, "text": texts, "line": "GO 77", "failure": None, **TIMES}
