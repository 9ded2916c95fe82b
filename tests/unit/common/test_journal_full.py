"""The journal on a disk that takes no more."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

RUN = {"worker": "b", "run_id": "r1"}


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written of a group that did not fit is taken back: the journal stays readable."""
    path = tmp_path / "journal.jsonl"
    write = os.write

    def full(descriptor: int, data: memoryview) -> int:
        if len(data) <= 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[: len(data) - 10])

    with Journal(path, RUN, "then") as journal:
        before = path.read_bytes()
        journal.append({"type": "settled", "key": "1.jpg"})
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(WorkerExit) as stopped:
            journal.commit()
        assert stopped.value.code == Exit.DISK
        assert "No space left on device" in stopped.value.sentence
        assert path.read_bytes() == before
        assert [record["type"] for record in journal.read()] == ["run"]
