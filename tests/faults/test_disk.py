"""Fault 8: what a run publishes cannot be written. Its store is in test_commits.py.

The same on a host, with a volume that is full, is in tests/deployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit
from tests.pipeline import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.harness import Trial


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
