"""The journal survives whatever a kill or a full disk leaves of its last line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

RUN = {"worker": "b", "run_id": "r", "bucket": "photos", "text_confidence_percent": 80.0}


def records(path: Path) -> list[dict[str, Any]]:
    """Return what stands in a journal behind its header."""
    with Journal(path, RUN, "then") as journal:
        return list(journal.read())[1:]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal with two records."""
    path = tmp_path / "journal.jsonl"
    with Journal(path, RUN, "then") as journal:
        journal.append({"type": "settled", "n": 1})
        journal.append({"type": "settled", "n": 2, "key": "ä\ud800\n"})
        journal.commit()
    return path


def test_what_was_committed_is_read_again(path: Path) -> None:
    """Records come back in order, whatever characters they hold."""
    assert records(path) == [
        {"type": "settled", "n": 1},
        {"type": "settled", "n": 2, "key": "ä\ud800\n"},
    ]


def test_what_was_not_committed_is_not_there(path: Path) -> None:
    """An appended record that was never committed leaves no trace."""
    with Journal(path, RUN, "then") as journal:
        journal.append({"type": "settled", "n": 3})
    assert [record["n"] for record in records(path)] == [1, 2]


def test_every_cut_off_end_is_truncated_away(path: Path) -> None:
    """Wherever the last line is cut off, the records before it remain and appending works."""
    whole = path.read_bytes()
    last = whole[: whole.rstrip(b"\n").rindex(b"\n") + 1]
    for length in range(len(last), len(whole)):
        path.write_bytes(whole[:length])
        assert [record["n"] for record in records(path)] == [1]
        assert path.read_bytes() == last
        with Journal(path, RUN, "then") as journal:
            journal.append({"type": "settled", "n": 7})
            journal.commit()
        assert [record["n"] for record in records(path)] == [1, 7]


def test_zeros_at_the_end_are_truncated_away(path: Path) -> None:
    """Blocks that a power loss left unwritten are no record."""
    with path.open("ab") as file:
        file.write(b"\0" * 4096)
    assert [record["n"] for record in records(path)] == [1, 2]


def test_cut_off_header_begins_anew(tmp_path: Path) -> None:
    """A process killed while it wrote the header leaves an empty journal."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"type":"run","wor')
    assert records(path) == []
    assert json.loads(path.read_text())["run_id"] == "r"


def test_damage_in_the_middle_is_refused(path: Path) -> None:
    """A damaged line with others behind it is no cut-off end: nothing is thrown away."""
    damaged = path.read_bytes().replace(b'"n":1', b'"n":')
    path.write_bytes(damaged)
    with pytest.raises(WorkerExit, match=r"Line 2 of .* is damaged") as caught:
        records(path)
    assert caught.value.code == Exit.DISK
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    ("name", "value"), [("run_id", "s"), ("bucket", "x"), ("text_confidence_percent", 90.0)]
)
def test_journal_of_another_run_is_refused(path: Path, name: str, value: object) -> None:
    """Another run, bucket or threshold cannot go on with this journal."""
    with pytest.raises(WorkerExit, match=name) as caught:
        Journal(path, RUN | {name: value}, "then")
    assert caught.value.code == Exit.CONFIG


def test_journal_in_use_is_refused(path: Path) -> None:
    """Two processes never write one journal; the lock goes with the process that holds it."""
    with Journal(path, RUN, "then"):
        with pytest.raises(WorkerExit, match="Another process") as caught:
            Journal(path, RUN, "then")
        assert caught.value.code == Exit.IN_USE
    assert len(records(path)) == 2


def test_started_at_is_kept_from_the_first_start(path: Path) -> None:
    """A restart does not change when the run began."""
    with Journal(path, RUN, "later") as journal:
        assert journal.started_at == "then"


def test_commit_reaches_the_disk_before_it_returns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One commit is one fsync, behind the write of all its records."""
    sizes: list[int] = []
    with Journal(path, RUN, "then") as journal:
        before = path.stat().st_size
        monkeypatch.setattr("os.fdatasync", lambda fd: sizes.append(os.fstat(fd).st_size))
        for n in range(10):
            journal.append({"type": "settled", "n": n})
        journal.commit()
        journal.commit()  # nothing to do
    assert sizes == [path.stat().st_size]
    assert sizes[0] > before


def test_full_disk_stops_the_worker_and_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that ends half way is reported, and truncated away at the next start."""
    with Journal(path, RUN, "then") as journal:
        write = os.write

        def half(descriptor: int, data: memoryview) -> int:
            if len(data) < 20:
                raise OSError(28, "No space left on device")
            return write(descriptor, data[: len(data) - 10])

        monkeypatch.setattr("os.write", half)
        journal.append({"type": "settled", "n": 3})
        with pytest.raises(WorkerExit, match="No space left on device") as caught:
            journal.commit()
        monkeypatch.undo()
    assert caught.value.code == Exit.DISK
    assert [record["n"] for record in records(path)] == [1, 2]
