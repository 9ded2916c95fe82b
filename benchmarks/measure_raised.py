"""At a raised quota, against the plain program of reference_threads.py: promise 14."""

from pathlib import Path
from statistics import median

from benchmarks.harness import BUCKET, Emulator, Worker, behavior, start, wait
from benchmarks.measure_rate import OPERATIONS
from benchmarks.report import Row
from benchmarks.scale import Scale

THREADS = 64
"""Of the plain program, and CARSCRIBE_CONCURRENCY_MAX of the workers."""

TOLERANCE = 0.05


def raised(folder: Path, scale: Scale) -> list[Row]:
    """Each worker alone, in turn with the plain program, at ten times the quota."""
    rows = []
    for letter in "ab":
        ours, plain = [], []
        for turn in range(scale.turns):
            ours.append(_rate(letter, folder / f"{letter}{turn}", scale, is_plain=False))
            plain.append(_rate(letter, folder / f"plain-{letter}{turn}", scale, is_plain=True))
        rows.append(
            Row(
                f"14{letter}",
                f"{letter.upper()} at a quota of {scale.quota_raised:g}/s: at least as many images "
                f"a second as a plain program of 64 threads (tolerance {TOLERANCE:.0%})",
                f"{median(ours):.1f}/s against {median(plain):.1f}/s, medians of {scale.turns} "
                f"alternating runs of {scale.images_raised} images at "
                f"{scale.latency[0] * 1000:g} ms, {THREADS} threads each",
                median(ours) >= (1 - TOLERANCE) * median(plain),
                {"images_per_second": ours, "images_per_second_plain": plain},
            )
        )
    return rows


def _rate(letter: str, folder: Path, scale: Scale, *, is_plain: bool) -> float:
    """Return the calls of Rekognition a second, from the first one to the last."""
    operation = OPERATIONS[letter]
    with Emulator(
        images=scale.images_raised,
        seed=scale.seed,
        car_share=1.0,
        image_bytes=scale.image_bytes,
        rekognition={operation: behavior((scale.latency[0], None), scale.quota_raised)},
        queued_run_id="bench" if letter == "b" else "",
    ) as emulator:
        if is_plain:
            command = ["benchmarks.reference_threads", letter, BUCKET, emulator.queue_url]
            child = start(f"plain-{letter}", command, emulator.env, folder)
        else:
            settings = {"CONCURRENCY_MAX": str(THREADS)}
            rate = scale.quota_raised
            child = Worker(
                letter, emulator, folder, rate_per_second=rate, settings=settings
            ).start()
        wait(child)
        seen = emulator.ask("trace")["operations"][f"rekognition.{operation}"]
        made = emulator.ask("counts")[f"rekognition.{operation}"]["ok"]
    return float(made / (seen["admitted"][-1] - seen["admitted"][0] + 1 / scale.quota_raised))
