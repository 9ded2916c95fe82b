"""What the workers cost: promises 6, 7 and 8."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.harness import BUCKET, Child, Emulator, Worker, behavior, environment, start, wait
from benchmarks.report import Row
from benchmarks.scale import Scale

CPU_TIMES_PROMISED = 1.1
CPU_TIMES_PROMISED_AT_QUOTA = 1.5
TOLERANCE = 0.05
MEMORY_TIMES_PROMISED = 1.1
MEMORY_TIMES_PROMISED_SETTLED = 1.2
MEMORY_MEGABYTES_PROMISED = 120
START_TIMES_PROMISED = 1.3
CONCURRENCY_FLAT_OUT = 8
"""Calls at once where processor time is compared: enough for two cores; of more threads than
that the kernel only switches between them."""
CONCURRENCY_MEMORY = 32
"""Calls at once in both sizes of run, more than the quota needs: else the longer run would
come to more threads than the shorter one, and their memory would count as the images'."""
DEADLINE_SECONDS = 1800.0
RATE_MAX = 1000.0  # the highest that a worker can be set to: no pacing at all


def flat_out(
    letter: str,
    folder: Path,
    images: int,
    scale: Scale,
    concurrency: int = CONCURRENCY_FLAT_OUT,
    *,
    settled: int = 0,
) -> Child:
    """Run a worker as fast as the processor allows: no latency, no quota.

    Of the images an earlier process has settled the first ones, so many.
    """
    with Emulator(
        images=images,
        seed=scale.seed,
        car_share=1.0,
        image_bytes=scale.image_bytes,
        queued_run_id="bench" if letter == "b" else "",
        queued_after=settled,
    ) as emulator:
        settings = {"CONCURRENCY_MAX": str(concurrency)}
        worker = Worker(letter, emulator, folder, rate_per_second=RATE_MAX, settings=settings)
        if settled:
            fill(worker, emulator, settled, scale)
        child = worker.start()
        wait(child, deadline_seconds=DEADLINE_SECONDS)
    return child


def fill(worker: Worker, emulator: Emulator, images: int, scale: Scale) -> None:
    """Let a worker have settled so many images already."""
    run_dir = worker.folder / worker.letter / "runs" / worker.run_id
    run_dir.mkdir(parents=True)
    command = ["benchmarks.fill_store", worker.letter, str(run_dir), emulator.queue_url]
    command += [str(number) for number in (images, scale.seed, scale.image_bytes)]
    wait(start(f"fill-{worker.letter}", command, emulator.env, worker.folder))


def bare(letter: str, folder: Path, images: int, scale: Scale, pause_seconds: float = 0) -> float:
    """Return the processor time of the bare calls for so many images, in seconds.

    With a pause each call of Rekognition takes so long, as at a quota.
    """
    paused = behavior((pause_seconds, None))
    with Emulator(
        images=images,
        seed=scale.seed,
        car_share=1.0,
        image_bytes=scale.image_bytes,
        rekognition={"DetectLabels": paused, "DetectText": paused},
        queued_run_id="bench" if letter == "b" else "",
    ) as emulator:
        child = start(
            f"bare-{letter}",
            ["benchmarks.reference_bare", letter, BUCKET, emulator.queue_url],
            emulator.env,
            folder,
        )
        wait(child)
        if json.loads(child.log.read_text())["images"] != images:
            raise AssertionError(child.log.read_text())
    return child.cpu_seconds


@dataclass(frozen=True)
class Cost:
    """Processor time for an image in milliseconds, and two runs of different size."""

    flat_out: float
    flat_out_bare: float
    paced: float
    paced_bare: float
    small: Child
    large: Child

    @property
    def times_flat_out(self) -> float:
        """Against the bare calls, both as fast as the processor allows."""
        return self.flat_out / self.flat_out_bare

    @property
    def times_paced(self) -> float:
        """Against the bare calls, both at the quota."""
        return self.paced / self.paced_bare


def cost(letter: str, folder: Path, scale: Scale, at_quota: Child) -> Cost:
    """Measure one worker; in each difference of two runs the start is taken out.

    A call that comes alone costs more than one among many, for the caches are
    cold and the process is woken: so at the quota it is compared with bare
    calls at the quota.
    """
    few, many = scale.images_few // 10, scale.images_few
    pause = 0.9 / scale.quota  # one call after the other, about as many as the quota has
    ours: list[float] = []
    bare_calls: list[float] = []
    starts: list[float] = []
    bare_starts: list[float] = []
    # Alternating, so that a noisy machine disturbs both.
    for turn in range(scale.turns):
        place = folder / f"{letter}-{turn}"
        starts.append(flat_out(letter, place / "few", few, scale).cpu_seconds)
        bare_starts.append(bare(letter, place, few, scale))
        ours.append(flat_out(letter, place / "many", many, scale).cpu_seconds)
        bare_calls.append(bare(letter, place, many, scale))
    each = (median(ours) - median(starts)) / (many - few)
    bare_each = (median(bare_calls) - median(bare_starts)) / (many - few)
    paced = few * 3
    bare_paced = bare(letter, folder / f"{letter}-paced", paced, scale, pause)
    small, large = (
        flat_out(letter, folder / f"{letter}-{images}", images, scale, CONCURRENCY_MEMORY)
        for images in (scale.images_few, scale.images_many)
    )
    start_cpu = max(0.0, median(starts) - each * few)
    bare_start = max(0.0, median(bare_starts) - bare_each * few)
    return Cost(
        flat_out=each * 1000,
        flat_out_bare=bare_each * 1000,
        paced=(at_quota.cpu_seconds - start_cpu) / scale.images * 1000,
        paced_bare=(bare_paced - bare_start) / paced * 1000,
        small=small,
        large=large,
    )


def processor_and_memory(folder: Path, scale: Scale, at_quota: dict[str, Child]) -> list[Row]:
    """Promises 6 and 7, for each worker."""
    rows = []
    for letter in "ab":
        found = cost(letter, folder, scale, at_quota[letter])
        rows += [_processor(letter, scale, found), _memory(letter, scale, found)]
    return rows


def _processor(letter: str, scale: Scale, found: Cost) -> Row:
    quotas = 1000 / found.flat_out / scale.quota
    return Row(
        f"6{letter}",
        f"{letter.upper()}: at most {CPU_TIMES_PROMISED} times the processor time of the bare "
        f"calls for an image (medians of {scale.turns} alternating runs, tolerance "
        f"{TOLERANCE:.0%}), and {CPU_TIMES_PROMISED_AT_QUOTA} times at the quota",
        f"{found.times_flat_out:.2f} times flat out ({found.flat_out:.2f} ms against "
        f"{found.flat_out_bare:.2f} ms), {found.times_paced:.2f} times at {scale.quota:g}/s "
        f"({found.paced:.2f} ms against {found.paced_bare:.2f} ms); one core carries "
        f"{quotas:.0f} times the quota",
        found.times_flat_out <= CPU_TIMES_PROMISED * (1 + TOLERANCE)
        and found.times_paced <= CPU_TIMES_PROMISED_AT_QUOTA,
        {
            "milliseconds": {
                "flat_out": found.flat_out,
                "flat_out_bare": found.flat_out_bare,
                "at_quota": found.paced,
                "at_quota_bare": found.paced_bare,
            },
            "times_flat_out": found.times_flat_out,
            "times_at_quota": found.times_paced,
            "images_per_second_flat_out": scale.images_many / found.large.wall_seconds,
            "quotas_per_core": quotas,
        },
    )


def _memory(letter: str, scale: Scale, found: Cost) -> Row:
    few, many = found.small.peak_bytes, found.large.peak_bytes
    return Row(
        f"7{letter}",
        f"{letter.upper()}: peak memory at {scale.images_many:,} images at most "
        f"{MEMORY_TIMES_PROMISED} times that at {scale.images_few:,}, and under "
        f"{MEMORY_MEGABYTES_PROMISED} MB",
        f"{many / few:.2f} times: {few / 1e6:.1f} MB, then {many / 1e6:.1f} MB",
        many <= few * MEMORY_TIMES_PROMISED and many < MEMORY_MEGABYTES_PROMISED * 1e6,
        {
            "peak_bytes": {str(scale.images_few): few, str(scale.images_many): many},
            "growth": many / few,
        },
        timed=False,
    )


def memory_with_many(folder: Path, scale: Scale) -> list[Row]:
    """Promise 17: a run of many images ends in the memory of a small one."""
    rows = []
    total, few = scale.images_settled, scale.images_many
    for letter in "ab":
        small = flat_out(letter, folder / "small", few, scale, CONCURRENCY_MEMORY)
        settled = total - scale.images_new
        large = flat_out(
            letter, folder / "large", total, scale, CONCURRENCY_MEMORY, settled=settled
        )
        state = large.summary["state"]
        done = large.summary["images"]["detected" if letter == "a" else "settled"]
        times = large.peak_bytes / small.peak_bytes
        rows.append(
            Row(
                f"17{letter}",
                f"{letter.upper()}: peak memory of a run of {total:,} images, of which "
                f"{scale.images_new:,} are new, at most {MEMORY_TIMES_PROMISED_SETTLED} times that "
                f"of {few:,}",
                f"{times:.2f} times: {small.peak_bytes / 1e6:.1f} MB, then "
                f"{large.peak_bytes / 1e6:.1f} MB; {state}, {done:,} images",
                times <= MEMORY_TIMES_PROMISED_SETTLED and (state, done) == ("complete", total),
                {"peak_bytes": {"small": small.peak_bytes, "large": large.peak_bytes}},
                timed=False,
            )
        )
    return rows


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
            with Emulator(images=1, car_share=1.0, queued_run_id="bench") as emulator:
                worker = Worker(letter, emulator, folder / f"{letter}{turn}").start()
                wait(worker)
                operations = emulator.ask("trace")["operations"].values()
            first = min(each["arrived"][0] for each in operations)
            first_call[letter].append(first - worker.spawned_at)
    rows = []
    base = min(reference)  # the best of each, for all else that runs can only add
    for letter, times in first_call.items():
        took = min(times)
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
