"""Faults 1 and 8 at each commit: a kill before or behind it, and a disk that is full there."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit
from tests.faults.harness import FULL, OPERATIONS, Trial
from tests.pipeline import PATHS, SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable

COMMITS_MAX = 40
"""More than an undisturbed run of these images has; a commit that does not come is no fault."""

FEW = (1, 2, 3, 5, 8)
"""Of `make test`: the start, the first images, and some of those that follow."""

STARTS = 30
IMAGES = 24


COMMITS = range(1, COMMITS_MAX + 1) if FULL else FEW


def happen(run: Trial, name: str, what: str, commit: int, *, once: bool = True) -> Path:
    """Let something happen to one worker at a commit; return the mark of that."""
    mark = run.pipeline.folder / "happened"
    folder = Path(__file__).parent / "at_commit"
    given = {"PYTHONPATH": os.pathsep.join((PATHS, str(folder))), "AT_COMMIT": f"{what}:{commit}"}
    run.pipeline.environ_of[name] = given | ({"AT_COMMIT_MARK": str(mark)} if once else {})
    return mark


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.parametrize("what", ["kill-before", "kill-behind"])
@pytest.mark.parametrize("name", ["a", "b"])
def test_killed_at_a_commit(trial: Callable[..., Trial], name: str, what: str, commit: int) -> None:
    """Whatever a process was killed in the middle of: the next one goes on, and nothing is lost."""
    run = trial(f"1 {what.replace('-', ' ')} a commit of {name.upper()}", commit, images=IMAGES)
    mark = happen(run, name, what, commit)
    run.start_both()
    run.finish()
    killed = run.units[name].exits.count(-signal.SIGKILL)
    assert killed == mark.exists()
    run.in_flight[OPERATIONS[name]] += run.summary(name)["calls_unknown"]
    run.judge()


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.parametrize("name", ["a", "b"])
def test_disk_full_at_a_commit(trial: Callable[..., Trial], name: str, commit: int) -> None:
    """A full disk stops the worker with one clear sentence, and the run goes on with space."""
    run = trial(f"8 no space for a commit of {name.upper()}", commit, images=IMAGES)
    mark = happen(run, name, "full", commit)
    run.start_both(LOG_LEVEL="WARNING")  # the limit is one of all files, the log's too
    run.finish()
    unit = run.units[name]
    # A commit may find room in what the file has already; a later one does not.
    assert unit.exits in ([Exit.DISK, Exit.OK], [Exit.OK])
    assert mark.exists() or unit.exits == [Exit.OK]
    if unit.exits[0] == Exit.DISK:
        assert "make space or repair the disk" in unit.logs
        assert "damaged" not in unit.logs
        run.in_flight[OPERATIONS[name]] += run.summary(name)["calls_unknown"]
    run.judge()


def test_a_b_that_dies_at_every_start(trial: Callable[..., Trial]) -> None:
    """Thirty starts in a row that come to nothing: no healthy message is a dead letter."""
    run = trial("1 B dies at 30 starts", 1, images=IMAGES)
    run.start("a").wait()
    run.start("b", REKOGNITION_RATE_PER_SECOND="4")
    run.wait_for_log("b", SETTLED, 2)
    run.units["b"].stop()
    happen(run, "b", "kill-before", 2, once=False)  # behind the start, before any image is begun
    for _ in range(STARTS):
        assert run.pipeline.start("b").wait() == -signal.SIGKILL
    run.pipeline.environ_of.clear()
    run.start("b")
    run.finish()
    run.judge()
    assert run.pipeline.messages(run.pipeline.dlq_url) == []
    assert run.summary("b")["failures"] == []
