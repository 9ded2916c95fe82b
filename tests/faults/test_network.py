"""Fault 4: throttling, 5xx, broken connections, silence, and calls that take too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.harness import FULL, Trial, seeds

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_throttling(trial: Callable[..., Trial], seed: int) -> None:
    """Three in ten calls of Rekognition are throttled: no image is settled by that."""
    run = trial("4 throttling of 30 %", seed)
    run.faults({"operations": {"rekognition.*": {"throttle_share": 0.3, "latency_seconds": 0.3}}})
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0
    assert run.summary("a")["throttled"] > 0


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_server_errors(trial: Callable[..., Trial], seed: int) -> None:
    """One in ten calls of any service is answered with a 5xx."""
    run = trial("4 5xx of 10 %", seed)
    run.faults({"operations": {"*": {"error_share": 0.1}, "rekognition.*": {"error_share": 0.1}}})
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_dropped_connections(trial: Callable[..., Trial], seed: int) -> None:
    """One in ten responses, and more downloads, break off in the middle: none is taken for whole."""
    run = trial("4 responses cut in the middle", seed)
    # Many downloads, so that some are of images with text, where it shows.
    shares = {"*": 0.1, "rekognition.*": 0.1, "s3.GetObject": 0.4}
    run.faults({"operations": {name: {"drop_share": share} for name, share in shares.items()}})
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0


@pytest.mark.parametrize("seed", seeds(1, 3))
def test_silence(trial: Callable[..., Trial], seed: int) -> None:
    """A minute in which nobody answers: the workers wait, and go on."""
    run = trial("4 a minute of silence" if FULL else "4 eight seconds of silence", seed)
    run.start_both()
    run.sleep(1, 2)
    run.faults({"silence_seconds": 60 if FULL else 8})
    run.units["a"].wait(150)
    run.units["b"].wait(150)
    run.finish()
    assert run.judge().doubled == 0


@pytest.mark.parametrize("seed", seeds(1, 3))
def test_calls_that_outlast_the_visibility_timeout(trial: Callable[..., Trial], seed: int) -> None:
    """DetectText takes 7 s and a message is hidden for 3 s: it is extended, and paid once."""
    run = trial("4 a call outlasts the visibility", seed, images=16)
    run.faults({"operations": {"rekognition.DetectText": {"latency_seconds": 7}}})
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0
    assert run.summary("b")["messages"].get("redelivered", 0) == 0
