"""output.txt from the store: a line for each image with text, in natural order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.store import PAGE_ROWS
from carscribe_worker_b.output import write_output
from tests.unit.worker_b.conftest import car, result, set_end, settle

if TYPE_CHECKING:
    from pathlib import Path

    from carscribe_worker_b.store import TextStore


def test_lines_in_natural_order(store: TextStore, tmp_path: Path) -> None:
    """Only images with text, by key: digits as integers, ties and all else by code point."""
    keys = ["10.jpg", "9.jpg", "2.jpg", "02.jpg", "a\n.jpg", "3.jpg", "B.jpg", "a.jpg"]
    for n, key in enumerate(keys, 1):
        line = None if key == "9.jpg" else f"line {n}"
        settle(store, result(car(n, key), line, failed=key == "3.jpg"))
    set_end(store, len(keys))
    assert write_output(store, tmp_path / "output.txt") == 6
    assert (tmp_path / "output.txt").read_bytes() == (
        b"02.jpg: line 4\n2.jpg: line 3\n10.jpg: line 1\n"
        b"B.jpg: line 7\na\\u000a.jpg: line 5\na.jpg: line 8\n"
    )


def test_more_lines_than_are_read_at_once(store: TextStore, tmp_path: Path) -> None:
    """Pages of the store join without a gap and without a line twice."""
    count = 2 * PAGE_ROWS + 1
    settle(store, *(result(car(n, f"{count - n}.jpg"), str(n)) for n in range(1, count + 1)))
    set_end(store, count)
    assert write_output(store, tmp_path / "output.txt") == count
    lines = (tmp_path / "output.txt").read_text().splitlines()
    assert lines == [f"{count - n}.jpg: {n}" for n in range(count, 0, -1)]


def test_empty_run_has_an_empty_result(store: TextStore, tmp_path: Path) -> None:
    """A run without a car ends with an empty file, not without one."""
    set_end(store, 0)
    assert write_output(store, tmp_path / "output.txt") == 0
    assert (tmp_path / "output.txt").read_bytes() == b""


def test_an_n_beyond_the_end_is_none_of_the_runs(store: TextStore, tmp_path: Path) -> None:
    """A stray message with this run's id and an n that A never gave stays out of the result."""
    settle(store, result(car(1)), result(car(99)))
    set_end(store, 1)
    assert write_output(store, tmp_path / "output.txt") == 1
    assert (tmp_path / "output.txt").read_text() == "1.jpg: GO 1\n"


def test_a_result_that_cannot_be_written(store: TextStore, tmp_path: Path) -> None:
    """One sentence and the exit code of the disk; nothing half written stays."""
    set_end(store, 0)
    (tmp_path / "output.txt").mkdir()
    with pytest.raises(WorkerExit) as end:
        write_output(store, tmp_path / "output.txt")
    assert end.value.code == Exit.DISK
    assert not list(tmp_path.glob(".output*"))
