"""What the workers cost: promises 6, 7 and 8."""

import json
import statistics
from pathlib import Path

from benchmarks.harness import BUCKET, Child, Thin, Worker, environment, start, wait
from benchmarks.report import Row
from benchmarks.scale import Scale

CPU_TIMES_PROMISED = 1.5
MEMORY_TIMES_PROMISED = 1.1
MEMORY_MEGABYTES_PROMISED = 120
START_TIMES_PROMISED = 1.3
RATE_MAX = 1000.0  # the highest that a worker can be set to: no pacing at all


def flat_out(letter: str, folder: Path, images: int, scale: Scale) -> Child:
    """Run a worker as fast as the processor allows: no latency, no quota."""
    with Thin(
        images=images,
        seed=scale.seed,
        car_share=1.0,
        image_bytes=scale.image_bytes,
        queued_run_id="bench" if letter == "b" else "",
    ) as thin:
        child = Worker(letter, thin, folder, rate_per_second=RATE_MAX).start()
        wait(child)
    return child


def bare(letter: str, folder: Path, images: int, scale: Scale) -> float:
    """Return the processor time of the bare calls for so many images, in seconds."""
    with Thin(
        images=images,
        seed=scale.seed,
        car_share=1.0,
        image_bytes=scale.image_bytes,
        queued_run_id="bench" if letter == "b" else "",
    ) as thin:
        child = start(
            f"bare-{letter}-{images}",
            ["benchmarks.reference_bare", letter, BUCKET, thin.queue_url],
            thin.env,
            folder,
        )
        wait(child)
        if json.loads(child.log.read_text())["images"] != images:
            raise AssertionError(child.log.read_text())
    return child.cpu_seconds


def processor_and_memory(
    folder: Path, scale: Scale, at_quota: dict[str, Child]
) -> tuple[list[Row], list[Row]]:
    """Promises 6 and 7: two sizes of run, so that the start is taken out of the difference."""
    cpu_rows, memory_rows = [], []
    few, many = scale.images_few, scale.images_many
    for letter in "ab":
        bare_few = [bare(letter, folder, few // 10, scale) for _ in range(2)]
        small = flat_out(letter, folder / f"{letter}-few", few, scale)
        large = flat_out(letter, folder / f"{letter}-many", many, scale)
        bare_many = [bare(letter, folder, few + few // 10, scale) for _ in range(2)]
        bare_each = (min(bare_many) - min(bare_few)) / few
        each = (large.cpu_seconds - small.cpu_seconds) / (many - few)
        start_cpu = max(0.0, small.cpu_seconds - each * few)
        paced = (at_quota[letter].cpu_seconds - start_cpu) / scale.images
        times, times_paced = each / bare_each, paced / bare_each
        cpu_rows.append(
            Row(
                f"6{letter}",
                f"{letter.upper()}: at most {CPU_TIMES_PROMISED} times the processor time of the "
                "bare calls for an image",
                f"{times:.2f} times flat out ({each * 1000:.2f} ms against "
                f"{bare_each * 1000:.2f} ms), {times_paced:.2f} times at {scale.quota:g}/s; one "
                f"core carries {1 / each / scale.quota:.0f} times the quota",
                max(times, times_paced) <= CPU_TIMES_PROMISED,
                {
                    "milliseconds_flat_out": each * 1000,
                    "milliseconds_at_quota": paced * 1000,
                    "milliseconds_bare": bare_each * 1000,
                    "times_flat_out": times,
                    "times_at_quota": times_paced,
                    "images_per_second_flat_out": many / large.wall_seconds,
                    "quotas_per_core": 1 / each / scale.quota,
                },
            )
        )
        growth = large.peak_bytes / small.peak_bytes
        megabytes = large.peak_bytes / 1e6
        memory_rows.append(
            Row(
                f"7{letter}",
                f"{letter.upper()}: peak memory at {many:,} images at most "
                f"{MEMORY_TIMES_PROMISED} times that at {few:,}, and under "
                f"{MEMORY_MEGABYTES_PROMISED} MB",
                f"{growth:.2f} times: {small.peak_bytes / 1e6:.1f} MB, then {megabytes:.1f} MB",
                growth <= MEMORY_TIMES_PROMISED and megabytes < MEMORY_MEGABYTES_PROMISED,
                {
                    "peak_bytes": {str(few): small.peak_bytes, str(many): large.peak_bytes},
                    "growth": growth,
                },
                timed=False,
            )
        )
    return cpu_rows, memory_rows


def starting(folder: Path, scale: Scale) -> list[Row]:
    """Promise 8: from the start of the process to its first call."""
    reference: list[float] = []
    first_call: dict[str, list[float]] = {"a": [], "b": []}
    for turn in range(scale.starts):
        # Its endpoint is never called.
        child = start(
            f"start-{turn}",
            ["benchmarks.reference_start"],
            environment("http://127.0.0.1:9"),
            folder,
        )
        wait(child)
        reference.append(float(child.log.read_text()) - child.spawned_at)
        for letter in "ab":
            with Thin(images=1, car_share=1.0, queued_run_id="bench") as thin:
                worker = Worker(letter, thin, folder / f"{letter}{turn}").start()
                wait(worker)
                operations = thin.ask("trace")["operations"].values()
            first = min(each["arrived"][0] for each in operations)
            first_call[letter].append(first - worker.spawned_at)
    rows = []
    base = statistics.median(reference)
    for letter, times in first_call.items():
        took = statistics.median(times)
        rows.append(
            Row(
                f"8{letter}",
                f"{letter.upper()}: start to first call at most {START_TIMES_PROMISED} times "
                "`import boto3` and the building of the clients",
                f"{took / base:.2f} times ({took * 1000:.0f} ms against {base * 1000:.0f} ms)",
                took <= START_TIMES_PROMISED * base,
                {"seconds": times, "reference_seconds": reference, "times": took / base},
            )
        )
    return rows
