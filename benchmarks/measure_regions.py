"""The quotas of three regions with one pair of workers: promise 15."""

from pathlib import Path

from benchmarks.harness import Child, Emulator, Worker, behavior, wait
from benchmarks.measure_rate import OPERATIONS
from benchmarks.report import Row, judge
from benchmarks.scale import Scale
from emulator.quota import Schedule, allowed

ELSEWHERE = ("us-west-2", "eu-west-1")
SHARE_PROMISED = 0.96
SHARE_PROMISED_CHANGING = 0.95
LOAD_MAX = 0.3
"""With more of other programs on the machine than this nothing is too slow."""


def several(folder: Path, scale: Scale, load: float) -> list[Row]:
    """Both workers with three regions, at a quota that stays, and with one of the three cut.

    Args:
        folder: for the run's files.
        scale: how large it is.
        load: of the machine, before the benchmark began.
    """
    steady = [(0.0, scale.quota)]
    cut = [*steady, (scale.cut_seconds[0], scale.quota_small)]
    total = (1 + len(ELSEWHERE)) * scale.quota
    cut_in_words = f"one of them cut to {scale.quota_small:g}/s at second {scale.cut_seconds[0]:g}"
    rows = []
    for number, schedule, share, image_bytes, words in (
        ("15a", steady, SHARE_PROMISED, scale.image_bytes, "no throttle in the code"),
        ("15b", cut, SHARE_PROMISED_CHANGING, scale.image_bytes, cut_in_words),
        ("15c", steady, SHARE_PROMISED, 4 * scale.image_bytes, "no throttle in the code"),
    ):
        children, speeds = _run(folder / number, scale, schedule, image_bytes)
        seconds = {
            letter: 1000 * child.cpu_seconds / scale.images_regions
            for letter, child in children.items()
        }
        measured = "; ".join(
            f"{letter.upper()} {speeds[letter]['per_second']:.1f}/s, "
            f"{speeds[letter]['share']:.1%} of what was allowed, through to the code "
            f"{child.throttled_in_code}, failed images {child.summary['images']['failed']}, "
            f"{seconds[letter]:.2f} ms of processor an image"
            for letter, child in children.items()
        )
        right = all(
            child.summary["images"]["failed"] == 0
            and (schedule is cut or child.throttled_in_code == 0)
            for child in children.values()
        )
        fast = all(speed["share"] >= share for speed in speeds.values())
        kept = judge(right=right, fast=fast, is_busy=load >= LOAD_MAX)
        rows.append(
            Row(
                number,
                f"A and B at once with three regions of {scale.quota:g}/s, every image a car of "
                f"{image_bytes / 1000:g} kB: {share:.0%} of what they allow"
                + (f" ({share * total:g}/s)" if schedule is steady else "")
                + f", {words}",
                measured
                if kept is not None
                else f"not measured at a load of {load:.2f} ({measured})",
                kept,
                {
                    "speeds": speeds,
                    "load": load,
                    "cpu_ms_an_image": seconds,
                    "peak_bytes": {k: child.peak_bytes for k, child in children.items()},
                    "answers": {k: child.summary["answers"] for k, child in children.items()},
                },
            )
        )
    return rows


def _run(
    folder: Path, scale: Scale, last: Schedule, image_bytes: int
) -> tuple[dict[str, Child], dict[str, dict[str, float]]]:
    """Run both workers; return what each came to, and its speed by the quotas that it had."""
    steady = [(0.0, scale.quota)]
    behaviors = {}
    for name in OPERATIONS.values():
        behaviors[name] = behavior(scale.latency, [list(each) for each in steady])
        behaviors[f"{name}@{ELSEWHERE[-1]}"] = behavior(
            scale.latency, [list(each) for each in last]
        )
    settings = {"REKOGNITION_REGIONS": ",".join(f"{r}={scale.quota:g}" for r in ELSEWHERE)}
    with Emulator(
        images=scale.images_regions,
        seed=scale.seed,
        car_share=1.0,
        image_bytes=image_bytes,
        rekognition=behaviors,
    ) as emulator:
        children = {
            letter: Worker(
                letter, emulator, folder, rate_per_second=scale.quota, settings=settings
            ).start()
            for letter in OPERATIONS
        }
        wait(*children.values())
        seen, counts = emulator.ask("trace")["operations"], emulator.ask("counts")
    speeds = {}
    for letter, name in OPERATIONS.items():
        admitted = seen[f"rekognition.{name}"]["admitted"]
        made = counts[f"rekognition.{name}"]["ok"]
        span = admitted[-1] - admitted[0]
        may = len(ELSEWHERE) * allowed(steady, span) + allowed(last, span)
        speeds[letter] = {"per_second": made / span, "share": made / may}
    return children, speeds
