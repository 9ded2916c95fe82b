"""Fault 1 and 2: kill -9 and SIGTERM at random moments."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit
from tests.faults.harness import FULL, Trial, seeds
from tests.pipeline import SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_SECONDS = 3.0
"""A run lasts about so long: a kill falls into any part of it, the start included."""


@pytest.mark.parametrize("seed", seeds(1, 3))
def test_undisturbed(trial: Callable[..., Trial], seed: int) -> None:
    """Without a fault nothing is lost, nothing is paid twice, and nobody is started again."""
    run = trial("none", seed)
    run.start_both()
    run.finish()
    outcome = run.judge()
    assert outcome.doubled == 0
    assert outcome.exits == {"a": [0], "b": [0]}


@pytest.mark.parametrize("seed", seeds(2, 50))
@pytest.mark.parametrize("killed", ["a", "b", "ab"])
def test_kill(trial: Callable[..., Trial], killed: str, seed: int) -> None:
    """A worker that is killed at any moment goes on where it was: same output, nothing lost."""
    run = trial(f"1 kill -9 of {' and '.join(killed.upper())}", seed)
    run.start_both()
    run.sleep(0.2, LONGEST_SECONDS)
    for name in killed:
        run.units[name].kill()
    run.finish()
    run.judge()


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_fifteen_kills(trial: Callable[..., Trial], seed: int) -> None:
    """Fifteen kills of either worker in one run change nothing."""
    run = trial("1 kill -9, 15 times", seed, images=60 if FULL else 40)
    run.start_both(REKOGNITION_RATE_PER_SECOND="8")
    for _ in range(15):
        run.sleep(0.2, 1.0)
        unit = run.units[run.dice.choice("ab")]
        unit.await_progress()
        unit.kill()
    run.finish()
    run.judge()


@pytest.mark.parametrize("seed", seeds(2, 25))
@pytest.mark.parametrize("stopped", ["a", "b"])
def test_sigterm(trial: Callable[..., Trial], stopped: str, seed: int) -> None:
    """A worker that is told to stop settles what it paid for: no call is made twice at all."""
    run = trial(f"2 SIGTERM to {stopped.upper()}", seed)
    run.start_both()
    run.sleep(0.8, LONGEST_SECONDS)
    unit = run.units[stopped]
    unit.worker.signal(signal.SIGTERM)
    assert unit.wait() in {Exit.OK, Exit.TERMINATED, -signal.SIGTERM}
    run.start(stopped)
    run.finish()
    assert run.judge().doubled == 0


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_sigterm_returns_held_messages_at_once(trial: Callable[..., Trial], seed: int) -> None:
    """What a stopped B holds is visible at once, not after the visibility timeout."""
    run = trial("2 SIGTERM to B, an hour of visibility", seed)
    slow = {"VISIBILITY_TIMEOUT_SECONDS": "3600", "REKOGNITION_RATE_PER_SECOND": "4"}
    run.start("a").wait()
    run.start("b", **slow)
    run.wait_for_log("b", SETTLED)
    run.sleep(0.3, 2.0)
    run.units["b"].worker.signal(signal.SIGTERM)
    assert run.units["b"].wait(40) in {Exit.TERMINATED, -signal.SIGTERM}
    began = time.monotonic()
    run.start("b")
    run.finish()
    assert time.monotonic() - began < 60
    assert run.judge().doubled == 0
