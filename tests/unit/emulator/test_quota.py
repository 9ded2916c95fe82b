"""A quota that may change: what it allows, and a token bucket that keeps to it."""

from __future__ import annotations

import pytest

from emulator.quota import TokenBucket, allowed, rate_at

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
    bucket = TokenBucket(CUT)
    taken = sum(bucket.take(100.0 + tick / 1000) for tick in range(30_000))
    assert taken == pytest.approx(allowed(CUT, 30.0) + 50, abs=2)


def test_a_bucket_refuses_one_call_too_many() -> None:
    """Two calls at once are all that a quota of two a second has."""
    bucket = TokenBucket([(0.0, 2.0)])
    assert [bucket.take(5.0) for _ in range(3)] == [True, True, False]
    assert bucket.take(5.5) is True


def test_a_burst_of_its_own() -> None:
    """A slow quota may have a large burst; the least is one call."""
    bucket = TokenBucket([(0.0, 0.01)], burst=3)
    assert [bucket.take(5.0) for _ in range(4)] == [True, True, True, False]
    assert TokenBucket([(0.0, 0.01)]).take(5.0) is True
