"""The rules by which the benchmark judges, and the images that it makes."""

from __future__ import annotations

import pytest

from benchmarks.images import Images
from benchmarks.measure_pairs import verdict
from benchmarks.measure_rate import busiest_second
from benchmarks.trace import Trace


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


def test_what_is_throttled_was_not_admitted() -> None:
    """The quota let in what was not throttled, at the moment when it came."""
    trace = Trace()
    for outcome in ("ok", "throttled", "errors"):
        trace.begin("x.Y")
        trace.end("x.Y", outcome)
    seen = trace.times()["x.Y"]
    assert [len(seen[name]) for name in ("arrived", "admitted", "answered")] == [3, 2, 1]
    assert seen["admitted"] == [seen["arrived"][0], seen["arrived"][2]]


def test_a_reset_keeps_what_is_in_flight() -> None:
    """A call that came before the reset and ends behind it is no negative one."""
    trace = Trace()
    trace.begin("x.Y")
    trace.reset()
    trace.end("x.Y", "ok")
    assert trace.times()["x.Y"]["in_flight_max"] == 1
    assert trace.read()["x.Y"]["ok"] == 1


@pytest.mark.parametrize(
    ("right", "fast", "wanted", "kept"),
    [
        (True, True, 9.0, True),
        (True, False, 2.0, False),
        (True, False, 2.01, None),
        (False, True, 9.0, False),
        (False, False, 9.0, False),
    ],
)
def test_pairs_too_slow_for_want_of_cores_are_not_measured(
    right: bool, fast: bool, wanted: float, kept: bool | None
) -> None:
    """What is fast under any load is fast; another output is wrong under any load."""
    assert verdict(right=right, fast=fast, wanted=wanted, cores=2) is kept
