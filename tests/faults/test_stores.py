"""Fault 13: a store that has lost commits, is an older copy, is gone, or is damaged.

Whatever becomes of a store: no run is complete that is not the undisturbed one.
"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit
from tests.faults.harness import Outcome, Trial, seeds
from tests.pipeline import DETECTED, SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STORE = "store.sqlite3"
WAL = f"{STORE}-wal"
IDLE_SECONDS = "15"
TORN = {"zeros": bytes(5000), "noise": bytes(range(256)) * 20, "half a frame": b"\0\0\0\1" * 6}


def slow(run: Trial) -> None:
    """Start both workers so slowly that there is a middle of the run.

    Calls of A fail, so that images are not detected in the order in which they
    are listed: who detects them again numbers them differently.
    """
    run.faults({"operations": {"rekognition.DetectLabels": {"error_share": 0.4}}})
    run.start_both(REKOGNITION_RATE_PER_SECOND="8", IDLE_TIMEOUT_SECONDS=IDLE_SECONDS)


def wait_for_the_middle(run: Trial) -> None:
    """Wait until both workers have something to lose."""
    run.wait_for_log("a", DETECTED, 6)
    run.wait_for_log("b", SETTLED, 2)
    run.sleep(0, 1.0)


def stop(run: Trial, names: str) -> None:
    """Kill workers for good, as the power does."""
    for name in names:
        run.units[name].stop()


def judge_refusal(run: Trial, began: float) -> Outcome:
    """Judge a run whose past was taken away: identical, or incomplete; never falsely complete.

    A row of the table for it counts a run that B refused as lost for nobody
    and identical, since it has no result to be another one.
    """
    a, b = run.wait()
    output = run.run_dir("b") / "output.txt"
    assert a == Exit.OK, run.units["a"].logs[-3000:]
    assert b in {Exit.OK, Exit.INCOMPLETE}, run.units["b"].logs[-3000:]
    if b == Exit.OK:
        assert output.read_text() == run.expected, "complete, and another result"
        assert run.summary("b")["state"] == "complete"
    else:
        assert not output.exists()
        assert run.summary("b")["state"] == "incomplete"
        logs = run.units["b"].logs
        assert "begin a new run" in logs or "missing are n" in logs or "no -1 at all" in logs
    outcome = Outcome(
        fault=run.fault,
        lost=0,
        doubled=0,
        in_flight=0,
        identical=True,
        seconds=time.monotonic() - began,
        exits={name: unit.exits for name, unit in run.units.items()},
    )
    run.outcomes.append(outcome)
    return outcome


@pytest.mark.parametrize("seed", seeds(1, 5))
@pytest.mark.parametrize("torn", TORN)
def test_wal_torn_behind_its_last_commit(trial: Callable[..., Trial], torn: str, seed: int) -> None:
    """Half of what was never committed is no part of the store: the run goes on before it."""
    run = trial("13 -wal torn behind a commit", seed)
    run.start_both()
    run.wait_for_log("b", SETTLED)
    run.sleep(0, 1.5)
    stop(run, "ab")
    for name in "ab":
        with (run.run_dir(name) / WAL).open("ab") as wal:
            wal.write(TORN[torn])
    run.start_both()
    run.finish()
    run.judge()


@pytest.mark.parametrize("seed", seeds(2, 15))
@pytest.mark.parametrize("names", ["a", "b", "ab"])
def test_wal_cut_off_before_a_commit(trial: Callable[..., Trial], names: str, seed: int) -> None:
    """Commits that were relied upon are gone, as from a disk that lies: never falsely complete."""
    began = time.monotonic()
    run = trial(f"13 -wal of {' and '.join(names.upper())} cut off", seed)
    slow(run)
    wait_for_the_middle(run)
    stop(run, "ab")
    for name in names:
        wal = run.run_dir(name) / WAL
        size = wal.stat().st_size
        with wal.open("r+b") as file:
            file.truncate(run.dice.randrange(size))
    slow(run)
    judge_refusal(run, began)


@pytest.mark.parametrize("seed", seeds(1, 10))
@pytest.mark.parametrize("copy", ["an older copy", "nothing"])
def test_as_store_replaced(
    trial: Callable[..., Trial], tmp_path: Path, copy: str, seed: int
) -> None:
    """A numbers anew what B knows by other numbers: B says so, and is not falsely complete."""
    began = time.monotonic()
    run = trial(f"13 A's store replaced by {copy}", seed)
    slow(run)
    run.wait_for_log("a", DETECTED, 3)
    stop(run, "a")
    shutil.copytree(run.run_dir("a"), tmp_path / "older")
    run.start("a", REKOGNITION_RATE_PER_SECOND="8")
    run.wait_for_log("a", DETECTED, 12)
    run.sleep(0, 2.0)
    stop(run, "a")
    shutil.rmtree(run.run_dir("a"))
    if copy == "an older copy":
        shutil.copytree(tmp_path / "older", run.run_dir("a"))
    run.start("a", REKOGNITION_RATE_PER_SECOND="8")
    judge_refusal(run, began)


@pytest.mark.parametrize("seed", seeds(1, 5))
@pytest.mark.parametrize("name", ["a", "b"])
def test_damaged_store(trial: Callable[..., Trial], tmp_path: Path, name: str, seed: int) -> None:
    """A damaged file is refused with one sentence and stays as it is; its copy goes on."""
    run = trial("13 a store damaged, and restored", seed)
    run.start_both()
    run.wait_for_log("b", SETTLED, 2)
    stop(run, "ab")
    folder = run.run_dir(name)
    shutil.copytree(folder, tmp_path / "whole")
    store = folder / STORE
    pages = store.stat().st_size // 4096
    with store.open("r+b") as file:
        file.seek(4096 * run.dice.randrange(min(pages, 3)))
        file.write(run.dice.randbytes(4096))
    (folder / WAL).unlink()  # else it has the pages that are damaged here
    damaged = store.read_bytes()
    worker = run.pipeline.start(name)
    assert worker.wait() == Exit.DISK
    assert "nothing was written over" in worker.log
    assert "Traceback" not in worker.log
    assert store.read_bytes() == damaged
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "whole", folder)
    run.start_both()
    run.finish()
    run.judge()
