"""The rate limiter: just under the quota, and under what is left of it. No time passes here."""

from __future__ import annotations

import threading

import pytest

from carscribe_common.rate_limit import FLOOR, HEADROOM, RateLimiter


class Time:
    """A clock that only goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def time() -> Time:
    """A time of the test's own."""
    return Time()


def limiter(time: Time, rate: float) -> RateLimiter:
    """Return a rate limiter in this time."""
    return RateLimiter(rate, clock=time.clock, sleep=time.sleep)


@pytest.mark.parametrize("rate", [5.0, 50.0, 500.0])
def test_rate_is_just_under_the_quota(time: Time, rate: float) -> None:
    """Over ten seconds a busy caller gets 98 % of the quota, and a burst of a tenth of a second."""
    paced = limiter(time, rate)
    calls = 0
    while time.now < 1010.0:
        paced.acquire()
        calls += 1
    assert rate * 10 * 0.97 <= calls <= rate * 10 * HEADROOM + max(1.0, rate * 0.1) + 1


def test_no_second_has_more_calls_than_the_quota(time: Time) -> None:
    """After a long rest, too, no window of one second holds more than the quota."""
    paced = limiter(time, 50.0)
    moments: list[float] = []
    for _ in range(3):
        time.sleep(60)
        for _ in range(200):
            paced.acquire()
            moments.append(time.now)
    most = max(sum(1 for other in moments if start <= other < start + 1.0) for start in moments)
    assert most <= 55  # the quota, and a burst of a tenth of a second


def served(time: Time, paced: RateLimiter, allowed: float, seconds: float) -> tuple[int, int]:
    """Call for some seconds a service that allows so many a second; return goodput, throttled."""
    tokens, filled, good, bad = allowed, time.now, 0, 0
    end = time.now + seconds
    while time.now < end:
        paced.acquire()
        tokens = min(allowed, tokens + (time.now - filled) * allowed)
        filled = time.now
        if tokens >= 1:
            tokens -= 1
            good += 1
        else:
            bad += 1
            paced.throttled()
    return good, bad


@pytest.mark.parametrize(("rate", "throttled_share"), [(5.0, 0.5), (50.0, 0.25)])
def test_rate_follows_a_quota_cut_in_half(time: Time, rate: float, throttled_share: float) -> None:
    """With half the quota gone, 90 % of what is left is used, and little of it throttled."""
    paced = limiter(time, rate)
    served(time, paced, rate, 10)
    good, bad = served(time, paced, rate / 2, 60)
    assert good >= 0.9 * 60 * rate / 2
    assert bad <= throttled_share * good


@pytest.mark.parametrize("rate", [5.0, 50.0])
def test_rate_comes_back(time: Time, rate: float) -> None:
    """Some seconds after the quota is whole again the full rate is used again."""
    paced = limiter(time, rate)
    served(time, paced, rate / 2, 60)
    good, _ = served(time, paced, rate, 20)
    assert good >= 0.85 * 20 * rate
    assert paced.rate_per_second == pytest.approx(rate * HEADROOM)


def test_calls_in_flight_at_a_cut_do_not_cut_again(time: Time) -> None:
    """Many throttled calls at one moment are one piece of news."""
    paced = limiter(time, 50.0)
    paced.throttled()
    once = paced.rate_per_second
    for _ in range(20):
        paced.throttled()
    assert paced.rate_per_second == once
    assert once < 50.0 * 0.75


def test_rate_never_falls_to_nothing(time: Time) -> None:
    """However long a service throttles, the worker goes on asking now and then."""
    paced = limiter(time, 50.0)
    for _ in range(500):
        paced.throttled()
        time.sleep(1.0)
    assert paced.rate_per_second >= 50.0 * FLOOR


def test_threads_share_one_rate() -> None:
    """Each turn is given once, whoever asks; the wait is counted for the thread that waited."""
    naps: list[float] = []
    paced = RateLimiter(10.0, clock=lambda: 0.0, sleep=naps.append)
    threads = [threading.Thread(target=paced.acquire) for _ in range(11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The clock stands still: each further caller waits one turn longer than the one before.
    assert sorted(naps) == pytest.approx([turn / (10 * HEADROOM) for turn in range(1, 11)])
    assert paced.waited.seconds == 0.0
