"""Starting again: with many settled images, and after a kill. Promises 11 and 13."""

import json
import time
from pathlib import Path

from benchmarks.harness import (
    POLL_SECONDS,
    BenchmarkError,
    Child,
    Emulator,
    Worker,
    behavior,
    wait,
)
from benchmarks.measure_cost import fill
from benchmarks.report import Row
from benchmarks.scale import Scale

MORE_SECONDS_PROMISED = 0.1
FIRST_TEXT_SECONDS_PROMISED = 3.0
VISIBILITY_SECONDS = 60
DEADLINE_SECONDS = 30.0


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
