"""The rules by which the benchmark judges, and the images that it makes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import measure_regions
from benchmarks.images import Images
from benchmarks.measure_rate import busiest_second
from benchmarks.report import judge
from benchmarks.scale import Scale
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
    ("right", "fast", "is_busy", "kept"),
    [
        (True, True, True, True),
        (True, False, False, False),
        (True, False, True, None),
        (False, True, True, False),
        (False, False, True, False),
    ],
)
def test_what_is_too_slow_on_a_busy_machine_is_not_measured(
    right: bool, fast: bool, is_busy: bool, kept: bool | None
) -> None:
    """What is fast under any load is fast; what is wrong is wrong under any load."""
    assert judge(right=right, fast=fast, is_busy=is_busy) is kept


@pytest.mark.parametrize(
    ("load", "share", "wrong", "kept"),
    [
        (0.2, 0.97, (0, 0), (True, True, True)),
        (0.2, 0.9, (0, 0), (False, False, False)),
        (5.0, 0.9, (0, 0), (None, None, None)),
        (5.0, 0.97, (0, 0), (True, True, True)),
        (5.0, 0.97, (1, 0), (False, False, False)),
        (5.0, 0.9, (1, 0), (False, False, False)),
        (5.0, 0.9, (0, 3), (False, None, False)),
    ],
)
def test_regions_are_wrong_under_any_load(
    monkeypatch: pytest.MonkeyPatch,
    load: float,
    share: float,
    wrong: tuple[int, int],
    kept: tuple[bool | None, ...],
) -> None:
    """Images that fail, and throttles in the code where no quota was cut, are no slowness."""
    child = SimpleNamespace(
        cpu_seconds=1.0,
        peak_bytes=1,
        throttled_in_code=wrong[1],
        summary={"images": {"failed": wrong[0]}, "answers": {}},
    )
    ran = ({"a": child, "b": child}, {key: {"per_second": 1.0, "share": share} for key in "ab"})
    monkeypatch.setattr(measure_regions, "_run", lambda *_: ran)
    rows = measure_regions.several(Path(), Scale(), load)
    assert tuple(row.kept for row in rows) == kept
    assert all(("not measured" in row.measured) is (row.kept is None) for row in rows)
