"""Starting again: with many settled images, and after a kill. Promises 11, 13 and 17."""

import json
import time
from pathlib import Path

from benchmarks import measure_cost
from benchmarks.harness import (
    POLL_SECONDS,
    BenchmarkError,
    Child,
    Emulator,
    Worker,
    behavior,
    start,
    wait,
)
from benchmarks.report import Row
from benchmarks.scale import Scale

MORE_SECONDS_PROMISED = 0.1
FIRST_TEXT_SECONDS_PROMISED = 3.0
VISIBILITY_SECONDS = 60
DEADLINE_SECONDS = 30.0
DEADLINE_MANY_SECONDS = 1800.0
MEMORY_TIMES_PROMISED = 1.2


def with_many_settled(folder: Path, scale: Scale) -> list[Row]:
    """Promise 11: a start takes as long with many settled images as with none."""
    rows = []
    for letter in "ab":
        with Emulator(images=1, car_share=1.0) as emulator:
            full, empty = (
                Worker(letter, emulator, folder / f"{letter}-{name}") for name in ("full", "empty")
            )
            fill(full, emulator, scale.images_settled, scale)
            first_call(full, emulator)  # which warms the file system's cache
            took: dict[str, list[float]] = {"full": [], "empty": []}
            for _ in range(scale.starts):
                took["empty"].append(first_call(empty, emulator))
                took["full"].append(first_call(full, emulator))
        # The best of each, for all else that runs can only add.
        more = min(took["full"]) - min(took["empty"])
        rows.append(
            Row(
                f"11{letter}",
                f"{letter.upper()}: start to first call with {scale.images_settled:,} settled "
                f"images at most {MORE_SECONDS_PROMISED:g} s more than with none, warm",
                f"{more * 1000:+.0f} ms ({min(took['full']) * 1000:.0f} ms against "
                f"{min(took['empty']) * 1000:.0f} ms)",
                more <= MORE_SECONDS_PROMISED,
                {"seconds": took, "more_seconds": more},
            )
        )
    return rows


def fill(worker: Worker, emulator: Emulator, images: int, scale: Scale) -> None:
    """Let a worker have settled so many images already."""
    run_dir = worker.folder / worker.letter / "runs" / worker.run_id
    run_dir.mkdir(parents=True)
    command = ["benchmarks.fill_store", worker.letter, str(run_dir), emulator.queue_url]
    command += [str(number) for number in (images, scale.seed, scale.image_bytes)]
    wait(start(f"fill-{worker.letter}", command, emulator.env, worker.folder))


def memory_with_many(folder: Path, scale: Scale) -> list[Row]:
    """Promise 17: a run of many images ends in the memory of a small one, with no latency."""
    rows = []
    total, settled = scale.images_settled, scale.images_settled - scale.images_new
    for letter in "ab":
        small = measure_cost.flat_out(
            letter,
            folder / "small",
            scale.images_many,
            scale,
            concurrency=measure_cost.CONCURRENCY_MEMORY,
        )
        with Emulator(
            images=total,
            seed=scale.seed,
            car_share=1.0,
            image_bytes=scale.image_bytes,
            queued_run_id="bench" if letter == "b" else "",
            queued_after=settled,
        ) as emulator:
            settings = {"CONCURRENCY_MAX": str(measure_cost.CONCURRENCY_MEMORY)}
            rate = measure_cost.RATE_MAX
            worker = Worker(
                letter, emulator, folder / "large", rate_per_second=rate, settings=settings
            )
            fill(worker, emulator, settled, scale)
            large = worker.start()
            wait(large, deadline_seconds=DEADLINE_MANY_SECONDS)
        done = large.summary["images"]["detected" if letter == "a" else "settled"]
        rows.append(
            Row(
                f"17{letter}",
                f"{letter.upper()}: peak memory of a run of {total:,} images, of which "
                f"{scale.images_new:,} are new, at most {MEMORY_TIMES_PROMISED} times that of "
                f"{scale.images_many:,}",
                f"{large.peak_bytes / small.peak_bytes:.2f} times: {small.peak_bytes / 1e6:.1f} "
                f"MB, then {large.peak_bytes / 1e6:.1f} MB; {large.summary['state']}, {done:,} images",
                large.peak_bytes <= MEMORY_TIMES_PROMISED * small.peak_bytes
                and large.summary["state"] == "complete"
                and done == total,
                {"peak_bytes": {"small": small.peak_bytes, "large": large.peak_bytes}},
                timed=False,
            )
        )
    return rows


def first_call(worker: Worker, emulator: Emulator) -> float:
    """Start a worker, wait for its first call, kill it; return how long that took, in seconds."""
    emulator.ask("reset", "POST")
    child = worker.start()
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        # A long poll of the process before may be in flight still, and did not arrive now.
        while not (arrived := _first_arrivals(emulator)):
            if child.poll() or time.monotonic() > deadline:
                raise BenchmarkError(f"no call of {child.name}:\n{child.log.read_text()}")
            time.sleep(POLL_SECONDS)
    finally:
        kill(child)
    return min(arrived) - child.spawned_at


def _first_arrivals(emulator: Emulator) -> list[float]:
    operations = emulator.ask("trace")["operations"].values()
    return [each["arrived"][0] for each in operations if each["arrived"]]


def kill(child: Child) -> None:
    """Kill a worker, as the power would."""
    if not child.poll():
        child.process.kill()
    while not child.poll():
        time.sleep(POLL_SECONDS)


def killed_at_half(folder: Path, scale: Scale) -> Row:
    """Promise 13: a B that is killed in the middle goes on at once."""
    images = scale.images_killed
    with Emulator(
        images=images,
        seed=scale.seed,
        car_share=1.0,
        image_bytes=scale.image_bytes,
        rekognition={"DetectText": behavior(scale.latency, scale.quota)},
        queued_run_id="bench",
    ) as emulator:
        settings = {"VISIBILITY_TIMEOUT_SECONDS": str(VISIBILITY_SECONDS)}
        worker = Worker("b", emulator, folder, rate_per_second=scale.quota, settings=settings)
        first = worker.start()
        while len(before := emulator.ask("trace")["images"]["DetectText"]) < images / 2:
            if first.poll():
                raise BenchmarkError(first.log.read_text())
            time.sleep(POLL_SECONDS)
        kill(first)
        before = emulator.ask("trace")["images"]["DetectText"]
        second = worker.start()
        wait(second)
        after = emulator.ask("trace")["images"]["DetectText"]
        calls = emulator.ask("counts")["rekognition.DetectText"]["ok"]
    first_text = min(at for index, at in after.items() if index not in before) - second.spawned_at
    lines = len((second.run_dir / "output.txt").read_text().splitlines())
    unknown = json.loads((second.run_dir / "summary.json").read_text())["calls_unknown"]
    ends_within = VISIBILITY_SECONDS + FIRST_TEXT_SECONDS_PROMISED
    return Row(
        "13",
        f"B killed at half of {images} images: first new text within "
        f"{FIRST_TEXT_SECONDS_PROMISED:g} s of its restart, the end within {ends_within:g} s",
        f"first new text after {first_text:.2f} s, the end after {second.wall_seconds:.2f} s; "
        f"{lines} lines, {calls - images} calls made again of {unknown} that were in flight",
        first_text <= FIRST_TEXT_SECONDS_PROMISED
        and second.wall_seconds <= ends_within
        and lines == images
        and calls - images <= unknown,
        {
            "first_text_seconds": first_text,
            "end_seconds": second.wall_seconds,
            "made_again": calls - images,
            "calls_unknown": unknown,
        },
    )
