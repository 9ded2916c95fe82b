"""The store: what a worker has done, on disk before anything relies on it.

One SQLite file for each worker and run. Whatever is ready together is one
transaction; a worker sends, deletes and skips only what is committed. Only the
worker's main thread uses it, and nothing else opens it: who wants to know how
far a run is reads ``summary.json``.

The tables that both workers have (each worker adds its own):

- ``meta``: what must be the same for as long as the file lasts: run, bucket,
  prefix, thresholds, how many pairs of workers there are and which this is,
  and the version of this schema.
- ``start``: one row for each process that opened the store, committed before
  anything is read that it relies on: that syncs what a killed process left in
  the page cache. ``calls_open`` is how many calls were in flight at most when
  the process ended: after a kill, how many may have been paid without an answer.
- ``count``: how many there are of each kind, kept in the same transaction as
  what they count, so that a start reads no more of a large run than of a small.

Sources: sqlite.org, "Write-Ahead Logging" (EXCLUSIVE before the first access:
no shared memory file) and "PRAGMA synchronous" (FULL syncs at each commit).
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sqlite3
from collections import Counter
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar, Self

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.files import sync_directory
from carscribe_common.summary import now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


FILE_NAME = "store.sqlite3"
LOCK_NAME = "lock"
OLD_FILE_NAME = "journal.jsonl"
"""What releases before 1.0 wrote in its place."""

SCHEMA_VERSION = 2

PAGE_ROWS = 1000
"""So many rows are read at once: no cursor is open over a commit."""

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE start (number INTEGER PRIMARY KEY, at TEXT NOT NULL, calls_open INTEGER NOT NULL)
    STRICT;
CREATE TABLE count (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""

_HEADER_BYTES = 100
"""SQLite file format, "The Database Header": page size at byte 16, pages in the file at 28."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def _tables(connection: sqlite3.Connection | None) -> list[str]:
    """Return what made the tables and indexes of a file."""
    if connection is None:
        return []
    rows = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    return [row[0] for row in rows]


class Store:
    """A worker's record of one run, locked while it is open.

    Args:
        run_dir: the folder of the run; it must exist. The file ``store.sqlite3``
            in it is made where the run is a new one.
        run: what must be the same for as long as the store lasts. A name in
            ``MAY_CHANGE`` is only told of, see ``changed``.

    Attributes:
        started_at: when the run began, ISO 8601.
        starts: how many processes opened it, this one included.
        calls_unknown: calls of earlier processes that were killed which may
            have been paid for without an answer, at most.
        changed: the names in ``MAY_CHANGE`` whose value is another one now.

    Raises:
        WorkerExit: IN_USE if another process has it open; CONFIG if it belongs
            to another run or release, or is gone while other files of its run
            are there; DISK if it is damaged, or cannot be read or written.
    """

    TABLES: ClassVar[str] = ""
    """The worker's own tables."""

    MAY_CHANGE: ClassVar[frozenset[str]] = frozenset({"queue_url"})

    def __init__(self, run_dir: Path, run: Mapping[str, Any]) -> None:
        self.path = run_dir / FILE_NAME
        # Should SQLite ever sort on disk, then on this volume: a full one is told as what it is.
        os.environ["SQLITE_TMPDIR"] = str(run_dir)
        self._lock = self._take_lock(run_dir / LOCK_NAME)
        self._connection: sqlite3.Connection | None = None
        try:
            with self._disk():
                if not self.path.exists():
                    self._refuse_to_begin_anew(run_dir)
                    self._make(run)
                self._refuse_no_store()
            with self._disk(opening=True):
                self._connection = self._open(self.path, "rw")
                # Before anything is written; what is relied upon is read behind the commit.
                self.changed = self._refuse_another_run(run)
                self.starts = self._begin_start()
                self.started_at = str(self.one("SELECT at FROM start ORDER BY number LIMIT 1"))
                self.calls_unknown = int(
                    self.one(
                        "SELECT coalesce(sum(calls_open), 0) FROM start WHERE number < ?",
                        self.starts,
                    )
                )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the store. A transaction that is under way is rolled back."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that is done inside together, and wait until it is on the disk.

        If the block raises, or the disk is full, nothing of it was done.

        Raises:
            WorkerExit: DISK.
        """
        with self._disk():
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite may have rolled back by itself
                    self.execute("ROLLBACK")
                raise

    # --- for the workers' own stores -------------------------------------------

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Run one statement with these values for its ``?``."""
        if self._connection is None:
            raise ValueError("the store is closed")
        return self._connection.execute(statement, values)

    def execute_many(self, statement: str, rows: Any) -> None:
        """Run one statement for each row of values."""
        if self._connection is None:
            raise ValueError("the store is closed")
        self._connection.executemany(statement, rows)

    def one(self, statement: str, *values: Any) -> Any:
        """Return the only value that a query gives, or None if it gives no row."""
        with self._disk():
            row = self.execute(statement, *values).fetchone()
        return None if row is None else row[0]

    def pages(self, query: str, after: tuple[Any, ...]) -> Iterator[sqlite3.Row]:
        """Yield the rows of a query a page at a time, so that no cursor stays open.

        Args:
            query: ends in ``WHERE (...) > (?, ...) ORDER BY ... LIMIT ?``; the
                columns compared come first in each row.
            after: what the first page is behind.
        """
        while True:
            with self._disk():
                rows = self.execute(query, *after, PAGE_ROWS).fetchall()
            yield from rows
            if len(rows) < PAGE_ROWS:
                return
            after = tuple(rows[-1])[: len(after)]

    def count(self, **more: int) -> None:
        """Add to counts; inside a transaction."""
        self.execute_many(
            "INSERT INTO count VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            [(name, value) for name, value in more.items() if value],
        )

    def count_answers(self, answers: Iterable[tuple[str | None, str | None, int]]) -> None:
        """Count what Rekognition answered: by region and model, and what left for it, in bytes.

        Inside a transaction. Where no region answered there is nothing to count.
        """
        counts = Counter[str]()
        for region, model, bytes_elsewhere in answers:
            if region is not None:
                counts[f"answers:{region}:{model}"] += 1
                counts["bytes_elsewhere"] += bytes_elsewhere
        self.count(**counts)

    def counts(self) -> dict[str, int]:
        """Return all counts by name; what was never counted is not there."""
        with self._disk():
            return {row[0]: row[1] for row in self.execute("SELECT name, value FROM count")}

    def set_calls_open(self, calls: int) -> None:
        """Note how many calls are, or will now be, in flight; inside a transaction.

        The calls are made after it is committed. So a kill at any moment leaves
        at most so many that may have been paid for without an answer.
        """
        self.execute("UPDATE start SET calls_open = ? WHERE number = ?", calls, self.starts)

    def get(self, name: str) -> str | None:
        """Return what ``put`` kept under a name."""
        value = self.one("SELECT value FROM meta WHERE name = ?", name)
        return None if value is None else str(value)

    def put(self, **values: str) -> None:
        """Keep values under names, in place of those there; inside a transaction."""
        self.execute_many("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    # --- opening ----------------------------------------------------------------

    def _take_lock(self, path: Path) -> int:
        # A file of its own: closing any descriptor of the store drops SQLite's own lock.
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise self._cannot_write(error.strerror or str(error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise self._in_use() from error
        return descriptor

    def _refuse_to_begin_anew(self, run_dir: Path) -> None:
        if (run_dir / OLD_FILE_NAME).exists():
            raise self._of_another_release("holds a run of an older release")
        if (run_dir / "summary.json").exists():
            raise WorkerExit(
                Exit.CONFIG,
                f"{self.path} is gone, but other files of its run are there: restore it, or "
                "begin a new run.",
            )

    def _refuse_no_store(self) -> None:
        """Refuse a file that was cut off or emptied: SQLite would begin it anew without a word."""
        with self.path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
            pages = int.from_bytes(header[28:32], "big")
            page_bytes = int.from_bytes(header[16:18], "big")
            if not header.startswith(b"SQLite format 3\0") or page_bytes * pages == 0:
                raise self._is_damaged("it is no database")
            if file.seek(0, os.SEEK_END) < page_bytes * 2:
                raise self._is_damaged("it is cut off")

    def _make(self, run: Mapping[str, Any]) -> None:
        """Make the file with its tables and ``meta`` under another name, and rename it.

        So a file under the right name has them in itself, whatever becomes of
        its ``-wal``.
        """
        new = self.path.with_name(f".{FILE_NAME}.new")
        for left in new.parent.glob(f"{new.name}*"):
            left.unlink()
        connection = self._open(new, "rwc")
        try:
            connection.executescript(f"BEGIN; {_TABLES} {self.TABLES} COMMIT;")
            rows = {**run, "schema": SCHEMA_VERSION}
            connection.executemany(
                "INSERT INTO meta VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in rows.items()],
            )
        finally:
            connection.close()  # which moves the -wal into the file, synced
        new.rename(self.path)
        sync_directory(self.path.parent)

    def _open(self, path: Path, mode: str) -> sqlite3.Connection:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # before the first access
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _begin_start(self) -> int:
        """Commit a row of this process's own, before anything is relied upon."""
        with self.transaction():
            cursor = self.execute("INSERT INTO start (at, calls_open) VALUES (?, 0)", now())
        return int(cursor.lastrowid or 0)

    def _refuse_another_run(self, run: Mapping[str, Any]) -> frozenset[str]:
        wanted = {**run, "schema": SCHEMA_VERSION}
        there = {
            name: None if (value := self.get(name)) is None else json.loads(value)
            for name in wanted
        }
        if there["schema"] != SCHEMA_VERSION:
            if isinstance(there["schema"], int) and there["schema"] > SCHEMA_VERSION:
                raise self._of_another_release("holds a run of a newer release")
            raise self._of_another_release("holds a run of an older release")
        differing = {name for name, value in wanted.items() if there[name] != value}
        if refused := sorted(differing - self.MAY_CHANGE):
            raise WorkerExit(
                Exit.CONFIG,
                f"{self.path} belongs to another run: "
                + "; ".join(
                    f"{name} is {there[name]!r} there and {wanted[name]!r} in the settings"
                    for name in refused
                )
                + ". Go on with the settings of that run, or choose another run id.",
            )
        with closing(sqlite3.connect(":memory:")) as fresh:
            fresh.executescript(_TABLES + self.TABLES)
            if _tables(fresh) != _tables(self._connection):
                raise self._is_damaged("its tables are others")
        return frozenset(differing)

    # --- errors -------------------------------------------------------------------

    @contextmanager
    def _disk(self, *, opening: bool = False) -> Iterator[None]:
        """Turn SQLite's and the disk's errors into the worker's end.

        Args:
            opening: a file is opened that was there, whose format or schema may
                be noise, which SQLite tells as an error without a name.
        """
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            primary = None if code is None else code & 0xFF  # without the extended code
            no_utf8 = primary is None and isinstance(error, sqlite3.OperationalError)
            if primary in _DAMAGED or no_utf8 or (opening and primary == sqlite3.SQLITE_ERROR):
                raise self._is_damaged(str(error)) from error
            if primary == sqlite3.SQLITE_BUSY:
                raise self._in_use() from error
            if primary == sqlite3.SQLITE_FULL:  # said as every other program says it
                raise self._cannot_write(os.strerror(errno.ENOSPC)) from error
            if primary in {
                sqlite3.SQLITE_IOERR,
                sqlite3.SQLITE_CANTOPEN,
                sqlite3.SQLITE_READONLY,
            }:
                raise self._cannot_write(str(error)) from error
            raise
        except OSError as error:
            raise self._cannot_write(error.strerror or str(error)) from error
        except UnicodeDecodeError as error:  # of SQLite's own words about noise
            raise self._is_damaged("its words are noise") from error
        except ValueError as error:
            if not opening:
                raise
            raise self._is_damaged(str(error)) from error

    def _is_damaged(self, how: str) -> WorkerExit:
        return WorkerExit(
            Exit.DISK,
            f"{self.path} is damaged ({how}); nothing was written over: restore it, or begin a "
            "new run.",
        )

    def _of_another_release(self, what: str) -> WorkerExit:
        return WorkerExit(
            Exit.CONFIG,
            f"{self.path.parent} {what} of carscribe, which this one cannot go on with: begin a new "
            "run, or go on with the release that began it.",
        )

    def _in_use(self) -> WorkerExit:
        return WorkerExit(
            Exit.IN_USE,
            f"Another process is at work on this run (it holds {self.path}): wait for it, or "
            "stop it first.",
        )

    def _cannot_write(self, why: str) -> WorkerExit:
        return WorkerExit(
            Exit.DISK,
            f"Cannot write {self.path}: {why}. Nothing was acknowledged that is not on disk; make "
            "space or repair the disk and start again, the run goes on where it stopped.",
        )
