"""Fault 12: the clock is set back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.harness import Trial, seeds
from tests.pipeline import PATHS, SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable


def faketime() -> str:
    """Return the library of Debian's package faketime that fakes time for all threads."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "install the package faketime"
    return str(found[0])


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_clock_set_back(trial: Callable[..., Trial], seed: int, tmp_path: Path) -> None:
    """The clock goes back in the middle of a run: nothing waits for it, nothing is lost.

    Not by an hour: AWS takes no signature that is older than a quarter of one.
    """
    run = trial("12 clock back ten minutes", seed)
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    run.environ(
        LD_PRELOAD=faketime(),
        PYTHONPATH=os.pathsep.join((PATHS, str(Path(__file__).parent / "faked_clock"))),
        FAKETIME_TIMESTAMP_FILE=str(clock),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    run.start_both()
    run.wait_for_log("b", SETTLED, 3)
    clock.write_text("-600\n")
    run.finish()
    assert run.judge().doubled == 0
    at = [row["at"] for row in run.results("b")]
    assert max(at) - min(at) > 500, "the clock did not go back"
    assert run.summary("b")["duration_seconds"] >= 0
