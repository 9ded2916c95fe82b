"""Both workers as one pipeline: promises 4, 9 and 10."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Child, Emulator, Worker, behavior, stop, wait
from benchmarks.report import Row
from benchmarks.scale import Scale

END_SECONDS_PROMISED = 2.0
DELAY_SECONDS_PROMISED = 2.0
REQUESTS_A_MINUTE_PROMISED = 4.0
PRICE_USD = 0.001  # for a call of Rekognition, the first million
WARM_UP_SECONDS = 5.0


def pipeline(folder: Path, scale: Scale) -> list[Row]:
    """Promises 4 and 9: half the images are cars, the text quota is no bottleneck."""
    rules = behavior(scale.latency, scale.quota)
    with Emulator(
        images=scale.images_pipeline,
        seed=scale.seed,
        car_share=0.5,
        image_bytes=scale.image_bytes,
        rekognition={"DetectLabels": rules, "DetectText": rules},
    ) as emulator:
        workers = {
            letter: Worker(letter, emulator, folder, rate_per_second=scale.quota).start()
            for letter in "ab"
        }
        wait(*workers.values())
        trace, counts, images = (
            emulator.ask("trace"),
            emulator.ask("counts"),
            emulator.ask("images"),
        )
        queue = emulator.ask("queue")
    # A sends nothing behind its -1.
    end_sent = trace["operations"]["sqs.SendMessageBatch"]["answered"][-1]
    after_end = workers["b"].ended_at - end_sent
    detected, read = (trace["images"][name] for name in ("DetectLabels", "DetectText"))
    delays = sorted(at - detected[index] for index, at in read.items())
    median = statistics.median(delays)
    delay = Row(
        "4",
        f"B ends within {END_SECONDS_PROMISED:g} s of A's -1; median time from a car's "
        f"detection to its text under {DELAY_SECONDS_PROMISED:g} s",
        f"B ended {after_end:.2f} s after -1; detection to text: median {median:.2f} s, "
        f"99th percentile {delays[int(len(delays) * 0.99)]:.2f} s",
        after_end <= END_SECONDS_PROMISED and median < DELAY_SECONDS_PROMISED,
        {"after_end_seconds": after_end, "median_seconds": median, "longest_seconds": delays[-1]},
    )
    return [delay, _cost(workers, counts, images, queue)]


def _cost(
    workers: dict[str, Child],
    counts: dict[str, dict[str, int]],
    images: dict[str, int],
    queue: dict[str, int],
) -> Row:
    calls = {
        letter: counts[f"rekognition.{name}"]["ok"]
        for letter, name in (("a", "DetectLabels"), ("b", "DetectText"))
    }
    summaries = {letter: worker.summary for letter, worker in workers.items()}
    cost = sum(summary["estimated_cost_usd"] for summary in summaries.values())
    expected = images["count"] + images["cars"]
    lines = len((workers["b"].run_dir / "output.txt").read_text().splitlines())
    sqs = sum(each["calls"] for name, each in counts.items() if name.startswith("sqs."))
    return Row(
        "9",
        "N + c calls of Rekognition for N images with c cars, exactly; the summaries have the cost",
        f"{calls['a']} + {calls['b']} for {images['count']} + {images['cars']}; cost "
        f"{cost:.3f} USD; {lines} lines of output; {sqs} calls of SQS; left on the queue: "
        f"{queue['depth'] + queue['in_flight']}",
        calls == {"a": images["count"], "b": images["cars"]}
        and abs(cost - expected * PRICE_USD) < PRICE_USD / 10
        and lines == images["cars"]
        and not any(queue.values()),
        {"calls": calls, "images": images, "cost_usd": cost, "counts": counts, "queue": queue},
        timed=False,
    )


@dataclass
class Waiting:
    """Promise 10: a B with nothing to do, beside the other measurements.

    It needs no processor to speak of, so it disturbs none of them.
    """

    folder: Path
    scale: Scale

    def __post_init__(self) -> None:
        self._emulator = Emulator(images=1)
        self._worker = Worker("b", self._emulator, self.folder).start()
        self._since = time.monotonic() + WARM_UP_SECONDS

    def finish(self) -> Row:
        """Wait until it has waited long enough, and count."""
        try:
            time.sleep(max(0.0, self._since + self.scale.idle_seconds - time.monotonic()))
            seconds = time.monotonic() - self._since + WARM_UP_SECONDS
            operations = self._emulator.ask("trace")["operations"]
            self._worker.poll()
            alive = self._worker.exit_code is None
        finally:
            self.close()
        requests = {
            name: len(each["arrived"])
            for name, each in operations.items()
            if name.startswith("sqs.")
        }
        # The first request starts the count of time, so it is no part of the rate.
        a_minute = (sum(requests.values()) - 1) / seconds * 60
        return Row(
            "10",
            f"a waiting B makes at most {REQUESTS_A_MINUTE_PROMISED:g} SQS requests a minute",
            f"{a_minute:.2f} a minute over {seconds:.0f} s ({requests})",
            alive and a_minute <= REQUESTS_A_MINUTE_PROMISED,
            {"a_minute": a_minute, "seconds": seconds, "requests": requests},
        )

    def close(self) -> None:
        """End what was started; once is enough."""
        stop(self._worker)
        self._emulator.close()
