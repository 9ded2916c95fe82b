"""Fault 16: one of several regions denies, falls silent, or has its quota cut."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.harness import LATENCY_SECONDS, Trial, seeds

if TYPE_CHECKING:
    from collections.abc import Callable

HOME, THERE = "us-east-1", "us-west-2"
REGIONS = {"REKOGNITION_REGIONS": f"{THERE}=18"}
NEVER_SECONDS = 3600
"""Longer than any client waits."""


def in_region(run: Trial, region: str, **rules: Any) -> None:
    """Let something befall Rekognition in one region, beside its latency."""
    run.faults(
        {"operations": {f"rekognition.*@{region}": {"latency_seconds": LATENCY_SECONDS, **rules}}}
    )


def seen(run: Trial, name: str) -> dict[str, int]:
    """Return how many answers a worker's results have from each region."""
    regions = [row["region"] for row in run.results(name) if row["failure"] is None]
    answers: Counter[str] = Counter()
    for who, count in run.summary(name)["answers"].items():  # by region and version of the model
        answers[who.split()[0]] += count
    assert answers == Counter(regions)
    return {region: regions.count(region) for region in (HOME, THERE)}


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_two_regions(trial: Callable[..., Trial], seed: int) -> None:
    """Both are used, and the output is that of one."""
    run = trial("16 two regions, no fault", seed)
    run.start_both(**REGIONS)
    run.finish()
    assert run.judge().doubled == 0
    for name in "ab":
        assert all(seen(run, name).values())
        assert run.summary(name)["transferred_bytes"] > 0


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_a_region_that_denies(trial: Callable[..., Trial], seed: int) -> None:
    """It is said once and asked no more; no image is settled by that."""
    run = trial("16 a region denied", seed)
    in_region(run, THERE, deny_share=1)
    run.start_both(**REGIONS)
    run.finish()
    assert run.judge().doubled == 0
    for name in "ab":
        assert seen(run, name)[THERE] == 0
        assert run.summary(name)["regions"] == {HOME: "in use", THERE: "denied"}
        assert run.units[name].logs.count(f"{THERE} is left out for this run") == 1


@pytest.mark.parametrize("seed", seeds(1, 5))
@pytest.mark.parametrize("region", [HOME, THERE])
def test_a_region_that_is_silent(trial: Callable[..., Trial], seed: int, region: str) -> None:
    """It is left out for a while; what it had goes to the other, and counts as perhaps paid."""
    run = trial("16 a region silent", seed)
    in_region(run, region, latency_seconds=NEVER_SECONDS)
    run.start_both(**REGIONS)
    run.finish()
    assert run.judge().doubled == 0
    for name in "ab":
        assert seen(run, name)[region] == 0
        summary = run.summary(name)
        assert summary["calls_unknown"] > 0
        assert summary["calls_moved"] >= summary["calls_unknown"]
    assert f"{region} is left out for" in run.units["a"].logs


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_a_region_whose_quota_is_cut(trial: Callable[..., Trial], seed: int) -> None:
    """Cut to 5 a second, it gives what it still does; nothing fails, nothing is paid twice."""
    run = trial("16 a region cut to 5 a second", seed)
    in_region(run, THERE, tps=5, burst=1)
    run.start_both(**REGIONS)
    run.finish()
    assert run.judge().doubled == 0
    for name in "ab":
        assert all(seen(run, name).values())
        assert run.units[name].logs.count("is left out") == 0
    assert run.summary("a")["throttled"] > 0
