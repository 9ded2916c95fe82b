"""The store: one run's, one process's, on disk before it is relied upon, and never half."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.store import FILE_NAME, LOCK_NAME, OLD_FILE_NAME, PAGE_ROWS, Store
from tests.pipeline import PATHS

if TYPE_CHECKING:
    from pathlib import Path

RUN = {"worker": "b", "run_id": "r", "bucket": "photos", "queue_url": "q", "text_percent": 80.0}
WAL = f"{FILE_NAME}-wal"


class Notes(Store):
    """A store with a table to write into."""

    TABLES = "CREATE TABLE note (n INTEGER PRIMARY KEY, text TEXT) STRICT;"

    def add(self, n: int, text: str = "") -> None:
        """Write a note in a transaction of its own, and count it."""
        with self.transaction():
            self.execute("INSERT INTO note VALUES (?, ?)", n, text)
            self.count(notes=1)

    def all(self) -> list[int]:
        """Read the n of all notes."""
        return [row[0] for row in self.execute("SELECT n FROM note ORDER BY n")]


def refused(run_dir: Path, run: dict[str, object] | None = None) -> WorkerExit:
    """Open a store that must be refused; return how."""
    with pytest.raises(WorkerExit) as caught:
        Notes(run_dir, run or RUN)
    return caught.value


def killed(store: Store, run_dir: Path, copy: Path) -> Path:
    """Return a copy of what a process that is killed now leaves behind."""
    shutil.copytree(run_dir, copy)
    store.close()
    return copy


def damaged_at(path: Path, start: int, data: bytes) -> bytes:
    """Write over a part of a file; return all that it holds then."""
    content = path.read_bytes()
    path.write_bytes(content[:start] + data + content[start + len(data) :])
    return path.read_bytes()


def test_what_was_committed_is_there_after_a_kill(memory_path: Path) -> None:
    """Without any closing, all transactions and their counts are there, and no half of another."""
    (memory_path / "run").mkdir()
    store = Notes(memory_path / "run", RUN)
    store.add(1)
    store.add(2)
    store.execute("BEGIN IMMEDIATE")
    store.execute("INSERT INTO note VALUES (3, '')")
    with Notes(killed(store, memory_path / "run", memory_path / "copy"), RUN) as again:
        assert again.all() == [1, 2]
        assert again.counts() == {"notes": 2}


def test_a_block_that_raises_leaves_nothing(memory_path: Path) -> None:
    """What an error interrupts was not done, and the store can be gone on with."""
    with Notes(memory_path, RUN) as store:
        with suppress(RuntimeError), store.transaction():
            store.execute("INSERT INTO note VALUES (1, '')")
            store.count(notes=1)
            raise RuntimeError
        assert store.all() == []
        store.add(2)
        assert (store.all(), store.counts()) == ([2], {"notes": 1})


def test_commits_wait_for_the_disk(memory_path: Path) -> None:
    """Each commit is synced (synchronous=FULL), in a -wal that nobody else can open."""
    with Notes(memory_path, RUN) as store:
        assert store.one("PRAGMA synchronous") == 2
        assert store.one("PRAGMA journal_mode") == "wal"
        assert store.one("PRAGMA locking_mode") == "exclusive"
        assert not (memory_path / f"{FILE_NAME}-shm").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("run_id", "s"), ("bucket", "x"), ("text_percent", 90.0), ("worker", "a"), ("pairs", 2)],
)
def test_another_run_is_refused(memory_path: Path, name: str, value: object) -> None:
    """Another run, bucket, threshold or worker cannot go on with a store, and learns of which."""
    Notes(memory_path, RUN).close()
    end = refused(memory_path, {**RUN, name: value})
    assert end.code == Exit.CONFIG
    assert "belongs to another run" in end.sentence
    assert f"{name} is" in end.sentence
    assert repr(value) in end.sentence


@pytest.mark.parametrize(("version", "release"), [(99, "an older"), (1, "a newer")])
def test_another_schema_is_refused(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, release: str
) -> None:
    """A store that another version of the schema made is another release's, whatever its settings."""
    Notes(memory_path, {name: value for name, value in RUN.items() if name != "bucket"}).close()
    monkeypatch.setattr("carscribe_common.store.SCHEMA_VERSION", version)
    end = refused(memory_path)
    assert end.code == Exit.CONFIG
    assert f"holds a run of {release} release" in end.sentence


def test_another_queue_is_told_of(memory_path: Path) -> None:
    """Under another queue URL the run goes on, and the worker's own store hears of it."""
    with Notes(memory_path, RUN) as store:
        assert store.changed == frozenset()
    with Notes(memory_path, {**RUN, "queue_url": "other"}) as store:
        assert store.changed == {"queue_url"}


def test_a_second_process_is_refused(memory_path: Path) -> None:
    """Two never write one store; the lock goes with the process that holds it."""
    with Notes(memory_path, RUN) as store:
        for _ in range(2):  # a refused one does not take the first one's lock along
            end = refused(memory_path)
            assert end.code == Exit.IN_USE
            assert "Another process is at work on this run" in end.sentence
        store.add(1)
    with Notes(memory_path, RUN) as store:
        assert store.all() == [1]


def test_the_lock_outlives_another_opening_of_the_file(memory_path: Path) -> None:
    """SQLite's own lock is gone once the process has closed the file a second time; ours stays."""
    code = f"""
import sys
from pathlib import Path
from carscribe_common.errors import WorkerExit
from carscribe_common.store import Store
try:
    Store(Path({str(memory_path)!r}), {RUN!r})
except WorkerExit as end:
    sys.exit(end.code)
"""
    other = [sys.executable, "-c", code]
    Store(memory_path, RUN).close()
    assert subprocess.run(other, env={"PYTHONPATH": PATHS}, check=False).returncode == 0
    with Store(memory_path, RUN):
        (memory_path / FILE_NAME).open("rb").close()
        assert subprocess.run(other, env={"PYTHONPATH": PATHS}, check=False).returncode == 73


def test_a_run_of_an_older_release_is_refused(memory_path: Path) -> None:
    """An unfinished run with a journal is not begun anew beside it."""
    (memory_path / OLD_FILE_NAME).write_text("{}")
    end = refused(memory_path)
    assert (end.code, "older release" in end.sentence) == (Exit.CONFIG, True)
    assert not (memory_path / FILE_NAME).exists()


def test_a_run_whose_store_is_gone_is_refused(memory_path: Path) -> None:
    """Where a summary says that there was a run, an empty store would pay for it again."""
    (memory_path / "summary.json").write_text("{}")
    end = refused(memory_path)
    assert (end.code, "is gone" in end.sentence) == (Exit.CONFIG, True)
    assert {path.name for path in memory_path.iterdir()} == {"summary.json", LOCK_NAME}


@pytest.mark.parametrize("size", [0, 1, 99, 100, 4096])
def test_a_file_without_its_tables_is_refused(memory_path: Path, size: int) -> None:
    """SQLite would begin a cut off file anew; here it is refused, and stays as it is."""
    Notes(memory_path, RUN).close()
    path = memory_path / FILE_NAME
    content = path.read_bytes()[:size]
    path.write_bytes(content)
    end = refused(memory_path)
    assert (end.code, "is damaged" in end.sentence) == (Exit.DISK, True)
    assert path.read_bytes() == content


@pytest.mark.parametrize("start", [0, 16, 28, 100, 4096])
def test_damage_is_refused_and_not_written_over(memory_path: Path, start: int) -> None:
    """Noise in the header or over a table's page is one sentence, and the file stays as it is."""
    Notes(memory_path, RUN).close()
    content = damaged_at(memory_path / FILE_NAME, start, b"\xa5" * 90)
    end = refused(memory_path)
    assert end.code == Exit.DISK
    assert "is damaged" in end.sentence
    assert (memory_path / FILE_NAME).read_bytes() == content


def test_a_file_that_is_made_has_its_tables_in_itself(memory_path: Path) -> None:
    """Whatever becomes of the -wal: the schema and what names the run are in the main file."""
    (memory_path / "run").mkdir()
    store = Notes(memory_path / "run", RUN)
    copy = killed(store, memory_path / "run", memory_path / "copy")
    (copy / WAL).unlink()
    with Notes(copy, RUN) as again:
        assert again.all() == []


def test_what_was_left_by_a_kill_while_it_was_made_is_in_nobodys_way(memory_path: Path) -> None:
    """A half made file never had the right name: the run begins."""
    (memory_path / f".{FILE_NAME}.new").write_bytes(b"SQLite format 3\0")
    (memory_path / f".{FILE_NAME}.new-wal").write_bytes(b"x")
    with Notes(memory_path, RUN) as store:
        store.add(1)
    assert not list(memory_path.glob(".*"))


def test_a_full_disk_leaves_nothing_half(memory_path: Path) -> None:
    """What does not fit is not there, the sentence says what to do, and with space it goes on."""
    with Notes(memory_path, RUN) as store:
        store.add(1)
        store.execute(f"PRAGMA max_page_count = {store.one('PRAGMA page_count')}")
        with pytest.raises(WorkerExit) as caught:
            store.add(2, "x" * 100_000)
        assert caught.value.code == Exit.DISK
        assert "Nothing was acknowledged that is not on disk" in caught.value.sentence
        assert (store.all(), store.counts()) == ([1], {"notes": 1})
    with Notes(memory_path, RUN) as store:
        store.add(2, "x" * 100_000)
        assert store.all() == [1, 2]


def test_a_folder_that_cannot_be_written_is_the_disks_fault(memory_path: Path) -> None:
    """Where not even the lock can be made the worker ends with the disk's exit code."""
    (memory_path / LOCK_NAME).mkdir()
    assert refused(memory_path).code == Exit.DISK


def test_each_start_is_committed_first(memory_path: Path) -> None:
    """A start has a row on disk before anything is read; the first one says when the run began."""
    (memory_path / "run").mkdir()
    with Notes(memory_path / "run", RUN) as store:
        began = store.started_at
        assert store.starts == 1
    store = Notes(memory_path / "run", RUN)
    assert (store.starts, store.started_at) == (2, began)
    with Notes(killed(store, memory_path / "run", memory_path / "copy"), RUN) as again:
        assert (again.starts, again.started_at) == (3, began)


def test_calls_that_were_open_at_kills_are_summed(memory_path: Path) -> None:
    """What cannot be known is a number: the calls in flight when earlier processes were killed."""
    for calls, unknown in ((4, 0), (3, 4), (0, 7)):
        with Notes(memory_path, RUN) as store:
            assert store.calls_unknown == unknown
            with store.transaction():
                store.set_calls_open(100)
            with store.transaction():
                store.set_calls_open(calls)
    with Notes(memory_path, RUN) as store:
        assert store.calls_unknown == 7


@pytest.mark.parametrize("rows", [0, 1, PAGE_ROWS - 1, PAGE_ROWS, PAGE_ROWS + 1])
def test_pages_have_every_row_once(memory_path: Path, rows: int) -> None:
    """Reading by pages gives each row once, also at their boundary, and bears a commit between."""
    with Notes(memory_path, RUN) as store:
        with store.transaction():
            store.execute_many("INSERT INTO note VALUES (?, '')", [(n,) for n in range(rows)])
        seen = []
        for row in store.pages("SELECT n FROM note WHERE n > ? ORDER BY n LIMIT ?", (-1,)):
            seen.append(row[0])
            if len(seen) == 1:
                store.add(10**6)
        assert [n for n in seen if n < 10**6] == list(range(rows))


def test_values_are_kept_and_replaced(memory_path: Path) -> None:
    """A value is there under its name at the next start, in place of the one before."""
    with Notes(memory_path, RUN) as store:
        assert store.get("end") is None
        with store.transaction():
            store.put(end="1")
        with store.transaction():
            store.put(end="2", other="x")
    with Notes(memory_path, RUN) as store:
        assert (store.get("end"), store.get("other")) == ("2", "x")


def test_sqlite_sorts_on_the_volume_of_the_run(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a sort spills, a full disk is the run's volume and the advice is true."""
    monkeypatch.setenv("SQLITE_TMPDIR", "/nowhere")
    with Notes(memory_path, RUN) as store:
        with store.transaction():
            store.execute_many(
                "INSERT INTO note VALUES (?, ?)", [(n, str(n % 977) * 50) for n in range(40_000)]
            )
        store.execute("PRAGMA cache_size = 10")
        rows = store.execute("SELECT text, n FROM note ORDER BY text, n")
        assert next(iter(rows))[1] == 0


def test_a_fault_of_the_program_is_not_the_disks(memory_path: Path) -> None:
    """A statement that is wrong stays an error of its own: nobody is told to make space."""
    with Notes(memory_path, RUN) as store, pytest.raises(sqlite3.OperationalError):
        store.one("SELECT nothing FROM nowhere")
