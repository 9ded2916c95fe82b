"""Faults are seeded, checked, and exact."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from emulator import faults
from emulator.faults import Faults, FaultsError

LABELS = "rekognition.DetectLabels"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def time(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put the test's own clock in place of the real one."""
    clock = Clock()
    monkeypatch.setattr(faults, "time", clock)
    return clock


def test_a_limit_allows_its_burst_and_then_its_rate(clock: Clock) -> None:
    """Two calls at once, then one for each half second, and never more than the burst."""
    shown = Faults({"operations": {LABELS: {"tps": 2, "burst": 2}}})

    def passed(calls: int) -> list[bool]:
        return [not shown.fate_of(LABELS).throttled for _ in range(calls)]

    assert passed(3) == [True, True, False]
    clock.now += 0.49
    assert passed(1) == [False]
    clock.now += 0.02
    assert passed(2) == [True, False]
    clock.now += 100
    assert passed(3) == [True, True, False]


def test_what_is_throttled_is_answered_at_once() -> None:
    """A call that is refused as too fast has no latency; one that passes has."""
    shown = Faults({"operations": {LABELS: {"tps": 1, "latency_seconds": 3}}})
    fates = [shown.fate_of(LABELS) for _ in range(2)]
    assert [(fate.throttled, fate.latency_seconds) for fate in fates] == [(False, 3), (True, 0)]


def test_a_limit_holds_for_each_operation_alone(clock: Clock) -> None:
    """Under `*` every operation has a bucket of its own."""
    clock.now += 1
    shown = Faults({"operations": {"*": {"tps": 1}}})
    assert not shown.fate_of("s3.GetObject").throttled
    assert shown.fate_of("s3.GetObject").throttled
    assert not shown.fate_of("s3.PutObject").throttled


def test_each_region_has_a_quota_of_its_own(clock: Clock) -> None:
    """One rule for all of them is a bucket for each."""
    clock.now += 1
    shown = Faults({"operations": {LABELS: {"tps": 1}}})
    assert not shown.fate_of(f"{LABELS}@us-east-1").throttled
    assert shown.fate_of(f"{LABELS}@us-east-1").throttled
    assert not shown.fate_of(f"{LABELS}@us-west-2").throttled


def test_a_fault_may_befall_one_region_alone() -> None:
    """Its own entry holds there, the common one elsewhere."""
    denied = {"deny_share": 1}
    shown = Faults({"operations": {"rekognition.*@us-west-2": denied, LABELS: {"error_share": 1}}})
    assert shown.fate_of(f"{LABELS}@us-west-2").denied
    assert not shown.fate_of(f"{LABELS}@us-west-2").failed
    assert shown.fate_of(f"{LABELS}@us-east-1").failed
    assert not shown.fate_of(f"{LABELS}@us-east-1").denied


def test_the_most_exact_entry_alone_holds() -> None:
    """An operation's own entry hides its service's, and that hides the common one."""
    shown = Faults(
        {
            "latency_seconds": 3,
            "operations": {
                "*": {"error_share": 1},
                "s3.*": {"drop_share": 1},
                "s3.GetObject": {"throttle_share": 1, "latency_seconds": 0},
            },
        }
    )
    get, put, send = (shown.fate_of(o) for o in ("s3.GetObject", "s3.PutObject", "sqs.SendMessage"))
    assert (get.throttled, get.dropped, get.failed, get.latency_seconds) == (True, False, False, 0)
    assert (put.throttled, put.dropped, put.failed, put.latency_seconds) == (False, True, False, 3)
    assert (send.throttled, send.dropped, send.failed) == (False, False, True)


def fates(seed: int, setting: dict[str, Any]) -> list[faults.Fate]:
    """Return the fates of 400 calls."""
    shown = Faults({"seed": seed, **setting})
    return [shown.fate_of(LABELS) for _ in range(400)]


def test_the_same_seed_gives_the_same_fates() -> None:
    """A run can be repeated, whatever other operations are called in between."""
    setting = {"operations": {LABELS: {"throttle_share": 0.3, "error_share": 0.1}}}
    assert fates(1, setting) == fates(1, setting)
    assert fates(1, setting) != fates(2, setting)
    shown = Faults({"seed": 1, **setting})
    mixed = [(shown.fate_of(LABELS), shown.fate_of("s3.GetObject"))[0] for _ in range(400)]
    assert mixed == fates(1, setting)


def test_shares_are_kept() -> None:
    """Of 400 calls about as many meet a fault as the share says."""
    setting = {"operations": {"*": {"throttle_share": 0.3, "error_share": 0.1, "drop_share": 0.05}}}
    shown = fates(3, setting)
    assert 0.24 < sum(f.throttled for f in shown) / 400 < 0.36
    assert 0.06 < sum(f.failed for f in shown) / 400 < 0.14
    assert 0.02 < sum(f.dropped for f in shown) / 400 < 0.08


def test_a_log_normal_latency_has_its_median_and_p99() -> None:
    """Half of the calls are faster than the median, one in a hundred slower than the p99."""
    setting = {"latency_seconds": {"lognormal": {"median": 0.25, "p99": 1.0}}}
    shown = Faults(setting)
    seconds = [shown.fate_of(LABELS).latency_seconds for _ in range(4000)]
    assert statistics.median(seconds) == pytest.approx(0.25, rel=0.05)
    assert statistics.quantiles(seconds, n=100)[98] == pytest.approx(1.0, rel=0.15)


def test_silence_ends_at_its_time(clock: Clock) -> None:
    """silence_seconds counts from now on, silence_until is a moment."""
    assert Faults({"silence_seconds": 60}).silent_until == clock.now + 60
    assert Faults({"silence_until": 1234.5}).silent_until == 1234.5
    assert Faults({}).silent_until == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ([], "expected a JSON object"),
        ({"latency": 1}, "unknown latency"),
        ({"operations": {"*": {"tsp": 1}}}, "operations.*: unknown tsp"),
        ({"operations": {"*": {"error_share": 1.1}}}, "error_share: expected a number from 0 to 1"),
        ({"operations": {"*": {"error_share": True}}}, "error_share"),
        ({"operations": {"*": {"tps": -1}}}, "tps"),
        ({"operations": {"*": {"tps": [[0, 5], [10]]}}}, "tps: expected a number, or pairs"),
        ({"operations": {"*": {"tps": [[1, 5]]}}}, "tps: the seconds must begin with 0 and grow"),
        ({"operations": {"*": {"tps": [[0, 5], [0, 6]]}}}, "tps: the seconds must begin"),
        ({"operations": []}, "operations"),
        ({"sqs": {"duplicates": True}}, "sqs: unknown duplicates"),
        ({"sqs": {"send_batch_fail_share": 2}}, "send_batch_fail_share"),
        ({"latency_seconds": {"median": 1}}, "latency_seconds"),
        ({"latency_seconds": {"lognormal": {"median": 2, "p99": 1}}}, "at most the p99"),
        ({"silence_seconds": "60"}, "silence_seconds"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(setting: Any, said: str) -> None:
    """A misspelt or impossible fault is an error that says where it stands."""
    with pytest.raises(FaultsError) as caught:
        Faults(setting)
    assert said in str(caught.value)
