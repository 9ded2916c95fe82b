"""The benchmark: `make bench`, or `python -m benchmarks.run [--short] [--only 1,4]`.

Runs the real workers as processes of their own against the emulator and
prints a row for each promise in docs/performance.md. Exit code 1 if one is
not kept.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks import (
    measure_cost,
    measure_large,
    measure_pairs,
    measure_pipeline,
    measure_raised,
    measure_rate,
    measure_regions,
    measure_restart,
    measure_results,
    report,
)
from benchmarks.harness import BUCKET, ROOT, Child, Emulator, start, wait
from benchmarks.report import Row
from benchmarks.scale import SHORT, Scale

CEILINGS_PROMISED = {
    "rekognition.DetectLabels": 5_000,
    "s3.GetObject": 1_000,
    "rekognition.DetectText": 1_000,
    "sqs.SendMessageBatch": 2_500,
    "sqs.ReceiveMessage": 10_000,
}
"""Calls a second of the emulator."""
PARTS = (
    *("0", "1", "2", "3", "4", "5", "6", "8", "10"),
    *("11", "12", "13", "14", "15", "16", "17", "18"),
)


class Benchmark:
    """One run of all that was asked for."""

    def __init__(self, scale: Scale, parts: set[str], out: Path, work: Path) -> None:
        self.scale = scale
        self.parts = parts
        self.out = out
        self.work = work
        self.rows: list[Row] = []
        self.at_quota: dict[str, Child] = {}
        self.began = time.monotonic()
        self.load = os.getloadavg()[0]

    def part(self, number: str, do: Callable[[Path], Row | list[Row]]) -> None:
        """Measure one part, and say what came of it."""
        if number not in self.parts:
            return
        rows = do(self.work / number)
        for row in rows if isinstance(rows, list) else [rows]:
            self.rows.append(row)
            verdict = {True: "kept", False: "NOT KEPT", None: "not measured"}[row.kept]
            seconds = time.monotonic() - self.began
            print(f"[{seconds:4.0f} s] {row.number:>3} {verdict}: {row.measured}", flush=True)

    def ceiling(self, folder: Path) -> Row:
        """Measure the emulator itself."""
        with Emulator(images=10, image_bytes=self.scale.image_bytes) as emulator:
            seconds = str(self.scale.ceiling_seconds)
            child = start(
                "ceiling", ["benchmarks.ceiling", emulator.url, seconds], emulator.env, folder
            )
            wait(child)
        found: dict[str, int] = json.loads(child.log.read_text())
        return Row(
            "0",
            "the emulator on a quiet machine: more than "
            + ", ".join(f"{rate:,} {name}" for name, rate in CEILINGS_PROMISED.items())
            + " a second",
            ", ".join(f"{name} {rate:,}/s" for name, rate in found.items()),
            all(found[name] > rate for name, rate in CEILINGS_PROMISED.items()),
            dict(found),
        )

    def quota(self, folder: Path) -> list[Row]:
        """Promise 1; what it used is needed again by promise 6."""
        rows, self.at_quota = measure_rate.at_quota(folder, self.scale)
        return rows

    def cost(self, folder: Path) -> list[Row]:
        """Promises 6 and 7."""
        return measure_cost.processor_and_memory(folder, self.scale, self.at_quota)

    def run(self) -> None:
        """Measure everything, in the order of the machine's patience."""
        scale = self.scale
        with ExitStack() as stack:
            waiting = None
            if "10" in self.parts:
                waiting = measure_pipeline.Waiting(self.work / "10", scale)
                stack.callback(waiting.close)
            self.part("0", self.ceiling)
            self.part("1", self.quota)
            self.part("2", lambda folder: measure_rate.at_small_quota(folder, scale))
            self.part("3", lambda folder: measure_rate.quota_cut(folder, scale))
            self.part("4", lambda folder: measure_pipeline.pipeline(folder, scale))
            self.part("5", lambda folder: measure_rate.times_sequential(folder, scale))
            self.part("15", lambda folder: measure_regions.several(folder, scale, self.load))
            self.part("16", lambda folder: measure_pairs.several(folder, scale, self.load))
            self.part("13", lambda folder: measure_restart.killed_at_half(folder, scale))
            if waiting is not None:
                self.part("10", lambda _: waiting.finish())
        # From here on the processor itself is measured: nothing else may run.
        self.part("6", self.cost)
        self.part("8", lambda folder: measure_cost.starting(folder, scale))
        self.part("11", lambda folder: measure_restart.with_many_settled(folder, scale))
        self.part("12", lambda folder: measure_large.large(folder, scale))
        self.part("14", lambda folder: measure_raised.raised(folder, scale))
        self.part("18", lambda folder: measure_results.of_many(folder, scale))
        self.part("17", lambda folder: measure_cost.memory_with_many(folder, scale))


def main() -> int:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__.split("\n\n")[0])
    parser.add_argument("--short", action="store_true", help="small, for a look that it runs")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    base = SHORT if arguments.short else Scale()
    scale = Scale(**{**vars(base), "seed": arguments.seed})
    parts = set(arguments.only.split(","))
    if "6" in parts:
        parts.add("1")  # it builds on it
    if not parts <= set(PARTS):
        parser.error(f"--only takes some of {','.join(PARTS)}")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # by way of finally
    print(json.dumps({"machine": report.machine(), "parameters": asdict(scale), "bucket": BUCKET}))
    with tempfile.TemporaryDirectory(prefix="carscribe-bench-") as work:
        benchmark = Benchmark(scale, parts, arguments.out, Path(work))
        try:
            benchmark.run()
        finally:
            benchmark.rows.sort(key=lambda row: (int(row.number.rstrip("abc")), row.number))
            parameters = asdict(scale) | {"short": arguments.short, "parts": sorted(parts)}
            report.write(arguments.out, benchmark.rows, parameters)
    print(f"\n{report.table(benchmark.rows)}\n\nWritten to {arguments.out}")
    judged = [row for row in benchmark.rows if not (arguments.short and row.timed)]
    return 0 if all(row.kept is not False for row in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
