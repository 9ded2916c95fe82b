"""How close to Rekognition's quota the workers run: promises 1, 2, 3 and 5."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import BUCKET, Child, Emulator, Worker, behavior, start, wait
from benchmarks.report import Row
from benchmarks.scale import Scale
from emulator.quota import allowed

SHARE_PROMISED = 0.96
SHARE_PROMISED_CHANGING = 0.90
THROTTLED_SHARE_PROMISED = 0.001
TIMES_SEQUENTIAL_PROMISED = 11
OPERATIONS = {"a": "DetectLabels", "b": "DetectText"}


@dataclass(frozen=True)
class Speed:
    """What one worker got of its quota, as the server saw it.

    Attributes:
        calls_per_second: calls let in, from the first to the last.
        share: of what the quota allowed in that time. The quota counts calls as
            they come in; how long the last answer takes is the service's own matter.
        share_answered: the same up to the last answer.
        throttled_share: of all attempts.
        throttled_in_code: throttles that came through botocore's attempts.
        failed: images given up.
    """

    calls_per_second: float
    share: float
    share_answered: float
    throttled_share: float
    throttled_in_code: int
    failed: int
    busiest_second: int
    in_flight_max: int

    def kept(self, share: float) -> bool:
        """Whether it is as promised, at a quota that does not change."""
        return (
            self.share >= share
            and self.throttled_share <= THROTTLED_SHARE_PROMISED
            and self.throttled_in_code == 0
            and self.failed == 0
        )

    def __str__(self) -> str:
        return (
            f"{self.share:.1%} ({self.calls_per_second:.2f}/s; {self.share_answered:.1%} up to the "
            f"last answer), throttled at the server {self.throttled_share:.2%}, through to the "
            f"code {self.throttled_in_code}"
        )


def busiest_second(arrived: Sequence[float]) -> int:
    """Return the most calls that came in within any one second."""
    most = first = 0
    for last, at in enumerate(arrived):
        while arrived[first] <= at - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def speed(child: Child, letter: str, emulator: Emulator) -> Speed:
    """Work out what a worker got of the quota that the emulator was planned with."""
    name = OPERATIONS[letter]
    seen = emulator.ask("trace")["operations"][f"rekognition.{name}"]
    counts = emulator.ask("counts")[f"rekognition.{name}"]
    schedule = emulator.plan["rekognition"][name]["tps"]
    # The last call has its own share of a second, as each before it.
    span = seen["admitted"][-1] - seen["admitted"][0] + 1 / schedule[-1][1]
    span_answered = seen["answered"][-1] - seen["arrived"][0]
    return Speed(
        calls_per_second=counts["ok"] / span,
        share=counts["ok"] / allowed(schedule, span),
        share_answered=counts["ok"] / allowed(schedule, span_answered),
        throttled_share=counts["throttled"] / counts["calls"],
        throttled_in_code=child.throttled_in_code,
        failed=child.summary["images"]["failed"],
        busiest_second=busiest_second(seen["arrived"]),
        in_flight_max=seen["in_flight_max"],
    )


def run(
    letters: str,
    folder: Path,
    *,
    images: int,
    schedule: list[list[float]],
    latency: tuple[float, float | None],
    scale: Scale,
    car_share: float = 1.0,
    settings: dict[str, str] | None = None,
    image_bytes: int = 0,
) -> tuple[dict[str, Child], dict[str, Speed]]:
    """Run one worker or both; B alone finds everything on the queue."""
    with Emulator(
        images=images,
        seed=scale.seed,
        car_share=car_share,
        image_bytes=image_bytes or scale.image_bytes,
        rekognition=dict.fromkeys(OPERATIONS.values(), behavior(latency, schedule)),
        queued_run_id="bench" if letters == "b" else "",
    ) as emulator:
        children = {
            letter: Worker(
                letter, emulator, folder, rate_per_second=schedule[0][1], settings=settings or {}
            ).start()
            for letter in letters
        }
        wait(*children.values())
        speeds = {letter: speed(child, letter, emulator) for letter, child in children.items()}
        return children, speeds


def sequential(folder: Path, scale: Scale, latency: tuple[float, float | None]) -> dict[str, float]:
    """Measure the assignment's own way: calls a second of A, of B, images a second of both."""
    with Emulator(
        images=scale.sequential_images,
        seed=scale.seed,
        car_share=1.0,
        image_bytes=scale.image_bytes,
        rekognition=dict.fromkeys(OPERATIONS.values(), behavior(latency, scale.quota)),
    ) as emulator:
        child = start(
            "sequential",
            ["benchmarks.reference_sequential", BUCKET, emulator.queue_url],
            emulator.env,
            folder,
        )
        wait(child)
    took = json.loads(child.log.read_text())
    return {
        "a": took["images"] / took["a_seconds"],
        "b": took["cars"] / took["b_seconds"],
        "both": took["images"] / (took["a_seconds"] + took["b_seconds"]),
    }


def at_quota(folder: Path, scale: Scale) -> tuple[list[Row], dict[str, Child]]:
    """Promise 1: at the large regions' quota, each alone and both at once."""
    reference = sequential(folder / "sequential", scale, scale.latency)
    rows: list[Row] = []
    kept_children: dict[str, Child] = {}
    for number, letters, words in (
        ("1a", "a", "A alone"),
        ("1b", "b", "B alone, every image a car"),
        ("1c", "ab", "A and B at once, every image a car"),
    ):
        children, speeds = run(
            letters,
            folder / letters,
            images=scale.images,
            schedule=[[0, scale.quota]],
            latency=scale.latency,
            scale=scale,
        )
        if len(letters) == 1:
            kept_children |= children
        measured = "; ".join(
            f"{letter.upper()} {each}, {each.calls_per_second / reference[letter]:.1f} times "
            "the sequential program"
            for letter, each in speeds.items()
        )
        rows.append(
            Row(
                number,
                f"{words}, {scale.images:,} images at {scale.quota:g}/s: {SHARE_PROMISED:.0%} of "
                f"the quota, at most {THROTTLED_SHARE_PROMISED:.1%} throttled, none in the code",
                measured,
                all(each.kept(SHARE_PROMISED) for each in speeds.values()),
                {
                    "speeds": {letter: vars(each) for letter, each in speeds.items()},
                    "wall_seconds": {k: child.wall_seconds for k, child in children.items()},
                    "peak_bytes": {k: child.peak_bytes for k, child in children.items()},
                    "cpu_seconds": {k: child.cpu_seconds for k, child in children.items()},
                    "sequential_per_second": reference,
                },
            )
        )
    return rows, kept_children


def at_small_quota(folder: Path, scale: Scale) -> Row:
    """Promise 2: at the small regions' quota."""
    _, speeds = run(
        "ab",
        folder,
        images=scale.images_small_quota,
        schedule=[[0, scale.quota_small]],
        latency=scale.latency,
        scale=scale,
    )
    return Row(
        "2",
        f"A and B at once at {scale.quota_small:g}/s, {scale.images_small_quota} images: "
        f"{SHARE_PROMISED:.0%} of the quota",
        "; ".join(f"{letter.upper()} {each}" for letter, each in speeds.items()),
        all(each.kept(SHARE_PROMISED) for each in speeds.values()),
        {"speeds": {letter: vars(each) for letter, each in speeds.items()}},
    )


def quota_cut(folder: Path, scale: Scale) -> Row:
    """Promise 3: the quota is cut in half in the middle of a run, and given back."""
    begin, end = scale.cut_seconds
    schedule = [[0, scale.quota], [begin, scale.quota / 2], [end, scale.quota]]
    _, speeds = run(
        "ab",
        folder,
        images=scale.images_cut,
        schedule=schedule,
        latency=scale.latency,
        scale=scale,
    )
    return Row(
        "3",
        f"the quota cut in half from second {begin:g} to {end:g}: no image failed, "
        f"{SHARE_PROMISED_CHANGING:.0%} of what was allowed",
        "; ".join(
            f"{letter.upper()} {each}, failed images {each.failed}"
            for letter, each in speeds.items()
        ),
        all(each.share >= SHARE_PROMISED_CHANGING and not each.failed for each in speeds.values()),
        {
            "speeds": {letter: vars(each) for letter, each in speeds.items()},
            "schedule": schedule,
        },
    )


def times_sequential(folder: Path, scale: Scale) -> Row:
    """Promise 5: so many times the sequential program, at a latency that never changes."""
    latency = (scale.latency[0], None)
    reference = sequential(folder / "sequential", scale, latency)
    _, speeds = run(
        "a",
        folder,
        images=scale.images_times_sequential,
        schedule=[[0, scale.quota]],
        latency=latency,
        scale=scale,
    )
    reached = speeds["a"].calls_per_second
    times = reached / reference["a"]
    return Row(
        "5",
        f"{TIMES_SEQUENTIAL_PROMISED} times the sequential program at "
        f"{latency[0] * 1000:g} ms, up to the quota",
        f"{times:.1f} times ({reached:.1f}/s against {reference['a']:.2f}/s)",
        times >= TIMES_SEQUENTIAL_PROMISED,
        {"times": times, "sequential_per_second": reference, "speed": vars(speeds["a"])},
    )
