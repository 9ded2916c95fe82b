"""Fault 8 on any machine: a file that cannot grow, at each place where one is written.

The same on a host, with a volume that is full, is in tests/deployment.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit
from tests.faults.harness import OPERATIONS, Trial, seeds
from tests.pipeline import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("seed", seeds(1, 20))
@pytest.mark.parametrize("name", ["a", "b"])
def test_journal_cannot_grow(trial: Callable[..., Trial], name: str, seed: int) -> None:
    """A full disk stops the worker with one clear sentence, and the run goes on with space."""
    run = trial(f"8 no space for {name.upper()}'s journal", seed)
    # The limit is one of all files, and the log has to stay below it.
    run.start_both(LOG_LEVEL="WARNING")
    wait_for(lambda: run.pipeline.calls(OPERATIONS[name]), f"a call of worker {name}")
    unit = run.units[name]
    size = max(path.stat().st_size for path in run.run_dir(name).iterdir())
    limit = size + run.dice.randrange(1, 2000)
    # Of this process alone: the next one finds space again.
    resource.prlimit(unit.worker.process.pid, resource.RLIMIT_FSIZE, (limit, -1))
    wait_for(lambda: unit.exits, f"the end of worker {name}")
    run.note_in_flight(OPERATIONS[name])
    run.finish()
    assert unit.exits == [Exit.DISK, Exit.OK]
    assert "make space or repair the disk" in unit.logs
    assert "damaged" not in unit.logs
    # What was answered when the disk was full could not be written down: it is paid again.
    for operation in run.in_flight:
        run.in_flight[operation] += 32
    run.judge()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a", "results.jsonl"),
        ("a", "summary.json"),
        ("b", "results.jsonl"),
        ("b", "output.txt"),
        ("b", "summary.json"),
    ],
)
def test_end_cannot_be_written(trial: Callable[..., Trial], name: str, file: str) -> None:
    """An end that cannot be written is none: exit 74, and the next start writes it."""
    run = trial("8 no space for the results", 0, images=8)
    obstacle = run.run_dir(name) / f".{file}.new"
    obstacle.mkdir(parents=True)
    run.start_both()
    unit = run.units[name]
    wait_for(lambda: unit.exits, f"the end of worker {name}")
    assert unit.exits[0] == Exit.DISK
    assert f"Cannot write {run.run_dir(name) / file}" in unit.logs
    if file != "summary.json":
        wait_for(lambda: run.summary(name)["state"] == "failed", "a summary that tells of it")
        assert run.summary(name)["exit_code"] == Exit.DISK
    obstacle.rmdir()
    run.finish()
    assert run.judge().doubled == 0


def test_state_directory_cannot_be_written(trial: Callable[..., Trial]) -> None:
    """A state directory that is a file is named at once."""
    run = trial("8 no space for the results", 1, images=8)
    (run.pipeline.folder / "b").write_text("")
    worker = run.pipeline.start("b")
    assert worker.wait() == Exit.DISK
    assert "set CARSCRIBE_STATE_DIR" in worker.log
    (run.pipeline.folder / "b").unlink()
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0
