"""Fault 14: two of what there should be one of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit
from tests.faults.harness import Trial, seeds
from tests.pipeline import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_two_workers_on_one_run(trial: Callable[..., Trial], seed: int) -> None:
    """A second A or B of a run is refused, and the first one goes on."""
    run = trial("14 two As, two Bs on one run", seed)
    run.start_both(REKOGNITION_RATE_PER_SECOND="4")  # so that both are still at work
    for name in "ab":
        wait_for((run.run_dir(name) / "summary.json").exists, f"worker {name}")
        second = run.pipeline.start(name)
        assert second.wait() == Exit.IN_USE
        assert "Another process is at work on this run" in second.log
    run.finish()
    assert run.judge().doubled == 0


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_two_bs_on_one_queue(trial: Callable[..., Trial], seed: int) -> None:
    """Two Bs share the messages: neither is falsely complete, and going on with one mends it."""
    run = trial("14 two Bs on one queue", seed)
    run.start("b", IDLE_TIMEOUT_SECONDS="3")
    other = run.start("b2", IDLE_TIMEOUT_SECONDS="3")
    run.start("a")
    assert run.units["a"].wait() == 0
    ends = {run.units["b"].wait(), other.wait()}
    assert ends <= {Exit.OK, Exit.INCOMPLETE}
    for name in ("b", "b2"):
        if (run.run_dir(name) / "output.txt").exists():
            assert (run.run_dir(name) / "output.txt").read_text() == run.expected
    # What the other one has read is read again by the one that goes on.
    run.in_flight["rekognition.DetectText"] += len(run.results("b2"))
    if run.units["b"].exits[-1] != 0:
        run.start("b")
        run.start("a", RESEND="true")
    run.finish()
    run.judge(alone=False)


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_two_runs_on_one_queue(trial: Callable[..., Trial], seed: int) -> None:
    """Two runs take each other's messages: neither is falsely complete, going on mends both."""
    run = trial("14 two runs on one queue", seed)
    both = {"run-1": run, "run-2": None}
    workers = {
        (run_id, name): run.pipeline.start(name, run_id=run_id, IDLE_TIMEOUT_SECONDS="3")
        for run_id in both
        for name in "ba"
    }
    for (_, name), worker in workers.items():
        allowed = {Exit.OK} if name == "a" else {Exit.OK, Exit.INCOMPLETE}
        assert worker.wait() in allowed
    for run_id in both:
        worker = workers[run_id, "b"]
        if worker.process.returncode != 0:
            b = run.pipeline.start("b", run_id=run_id)
            assert run.pipeline.run("a", run_id=run_id, RESEND="true").process.returncode == 0
            assert b.wait() == 0
        assert worker.output == run.expected
    # Each image is paid for once in each run.
    counts = run.pipeline.emulator.counts()
    assert counts["rekognition.DetectLabels"]["ok"] == 2 * run.images
    run.in_flight["rekognition.DetectLabels"] += run.images
    run.in_flight["rekognition.DetectText"] += len(workers["run-2", "b"].results)
    run.judge(alone=False)
