"""Throughput against concurrency and against the number of images, for the plots."""

from pathlib import Path

from benchmarks.measure_rate import run
from benchmarks.scale import Scale

Points = list[tuple[float, float]]
RAISED = 10  # times the quota


def against_concurrency(folder: Path, scale: Scale) -> dict[str, Points]:
    """Worker A with so many calls at once, at the quota and at ten times as much."""
    latency = (scale.latency[0], None)
    curves: dict[str, Points] = {}
    for quota, concurrencies in (
        (scale.quota, scale.concurrencies),
        (scale.quota * RAISED, scale.concurrencies_raised),
    ):
        points: Points = []
        for concurrency in concurrencies:
            expected = min(quota, concurrency / scale.latency[0])
            _, speeds, _ = run(
                "a",
                folder / f"{quota:g}-{concurrency}",
                images=max(concurrency, round(expected * scale.seconds_each_point)),
                schedule=[[0, quota]],
                latency=latency,
                scale=scale,
                settings={"CONCURRENCY_MAX": str(concurrency)},
            )
            points.append((concurrency, speeds["a"].calls_per_second))
        curves[f"quota {quota:g}/s"] = points
    return curves


def against_images(
    folder: Path, scale: Scale, known: dict[str, tuple[int, float]]
) -> dict[str, Points]:
    """Images a second of A alone and B alone, from the start of the process to its end.

    `known` holds what promise 1 has measured already: images and seconds.
    """
    curves: dict[str, Points] = {}
    for letter in "ab":
        points: Points = []
        for images in scale.image_counts:
            children, _, _ = run(
                letter,
                folder / f"{letter}-{images}",
                images=images,
                schedule=[[0, scale.quota]],
                latency=scale.latency,
                scale=scale,
            )
            points.append((images, images / children[letter].wall_seconds))
        count, seconds = known[letter]
        points.append((count, count / seconds))
        curves[f"worker {letter.upper()}"] = points
    return curves
