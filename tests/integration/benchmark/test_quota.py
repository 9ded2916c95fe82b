"""The rules by which the benchmark judges: quota, latency, images."""

from __future__ import annotations

import random
import statistics

import pytest

from benchmarks.measure_rate import busiest_second
from benchmarks.images import Images
from emulator.quota import Latency, TokenBucket, allowed, rate_at
from benchmarks.thin.queue import NotInFlightError, Queue

CUT = [(0.0, 50.0), (10.0, 25.0), (20.0, 50.0)]


@pytest.mark.parametrize(
    ("seconds", "calls"), [(0.0, 0), (10.0, 500), (11.0, 525), (20.0, 750), (21.0, 800)]
)
def test_allowed_adds_up_over_a_changing_quota(seconds: float, calls: float) -> None:
    """What is allowed is the area under the quota, at its changes too."""
    assert allowed(CUT, seconds) == pytest.approx(calls)


@pytest.mark.parametrize(("seconds", "rate"), [(9.99, 50), (10.0, 25), (19.99, 25), (20.0, 50)])
def test_the_rate_changes_at_its_moment(seconds: float, rate: float) -> None:
    """A new rate holds from its second on, and not before."""
    assert rate_at(CUT, seconds) == rate


def test_a_bucket_gives_what_the_quota_allows() -> None:
    """Asked far too often, it gives the quota over time and one burst, never more."""
    bucket = TokenBucket(CUT, burst_seconds=1.0)
    taken = sum(bucket.take(100.0 + tick / 1000) for tick in range(30_000))
    assert taken == pytest.approx(allowed(CUT, 30.0) + 50, abs=2)


def test_a_bucket_refuses_one_call_too_many() -> None:
    """Two calls at once are all that a quota of two a second has."""
    bucket = TokenBucket([(0.0, 2.0)])
    assert [bucket.take(5.0) for _ in range(3)] == [True, True, False]
    assert bucket.take(5.5) is True


def test_latency_has_its_median_and_its_tail() -> None:
    """Half of the calls take longer than the median, one in a hundred longer than the p99."""
    latency = Latency(0.25, 1.0, random.Random(1))
    drawn = sorted(latency.draw() for _ in range(20_000))
    assert statistics.median(drawn) == pytest.approx(0.25, rel=0.03)
    assert drawn[19_800] == pytest.approx(1.0, rel=0.08)


def test_the_busiest_second_is_found_anywhere() -> None:
    """Any window of one second counts, not only whole seconds of the clock."""
    assert busiest_second([0.0, 0.9, 1.1, 1.5, 1.89, 3.0]) == 4


def test_images_repeat_with_their_seed() -> None:
    """The same seed gives the same cars and bytes; another seed gives others."""
    one, same, other = (Images(100, seed, 0.5, 2000) for seed in (1, 1, 2))
    assert (one.confidences, one.data(5)) == (same.confidences, same.data(5))
    assert one.confidences != other.confidences


def test_cars_are_strictly_above_ninety() -> None:
    """An image at exactly 90 is none of the cars that the benchmark counts."""
    images = Images(1000, 1, 0.5, 2000)
    assert 90.0 in images.confidences
    assert images.cars == sum((confidence or 0) > 90.0 for confidence in images.confidences)


def test_a_dead_message_is_given_up() -> None:
    """A message returned as often as the queue allows does not come again."""
    queue = Queue(max_receives=2)
    queue.send("x", {}, 0.0)
    for now in (1.0, 2.0):
        (message,) = queue.receive(10, 60, now)
        queue.change(message.handle, 0, now)
    assert queue.receive(10, 60, 3.0) == []
    assert [message.body for message in queue.dead] == ["x"]


def test_an_outdated_handle_moves_nothing() -> None:
    """A receipt from before the message came back neither hides nor deletes it."""
    queue = Queue()
    queue.send("x", {}, 0.0)
    old = queue.receive(1, 1, 0.0)[0].handle
    (message,) = queue.receive(1, 60, 2.0)
    with pytest.raises(NotInFlightError):
        queue.change(old, 0, 3.0)
    queue.delete(old)
    assert message.message_id in queue.messages
