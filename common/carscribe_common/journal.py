"""The journal: what a worker has done, on disk before anything relies on it.

One file of JSON lines. The first line says which run it belongs to; a journal
of another run, bucket, prefix or threshold is refused. A last line that was
cut off (the power went, the disk was full) is truncated away before anything
is appended: whatever it said had not been relied upon yet.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.files import sync_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Record = dict[str, Any]


class Journal:
    """An append-only file of records, locked while it is open.

    Records are appended to memory and reach the disk together in ``commit``
    (one fsync for what is ready). Both may be called from any thread.

    Args:
        path: the file; its directory must exist.
        run: what must be the same for as long as this journal lasts.
        started_at: when the run began, ISO 8601; kept from the first start.

    Raises:
        WorkerExit: IN_USE if another process has it open, CONFIG if it
            belongs to another run, DISK if it cannot be read or written.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], started_at: str) -> None:
        self.path = path
        self._pending: list[bytes] = []
        self._lock = threading.Lock()
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        except OSError as error:
            raise _disk(path, error) from error
        try:
            self._take()
            self._cut_off_torn_line()
            header = next(self.read(), None)
            if header is None:
                header = {"type": "run", **run, "started_at": started_at}
                self.append(header)
                self.commit()
                sync_directory(path.parent)
            else:
                self._refuse_another_run(header, run)
        except OSError as error:
            self.close()
            raise _disk(path, error) from error
        except BaseException:
            self.close()
            raise
        self.started_at: str = header["started_at"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, record: Record) -> None:
        """Add a record, to be written with the next commit."""
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        # A lone surrogate cannot be encoded; a key or a text may be anything.
        encoded = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            self._pending.append(encoded)

    def commit(self) -> None:
        """Write what was appended and wait until it is on the disk.

        Raises:
            WorkerExit: DISK; the disk is full or broken.
        """
        with self._lock:
            if not self._pending:
                return
            data = memoryview(b"".join(self._pending))
            size = os.fstat(self._descriptor).st_size
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
                os.fdatasync(self._descriptor)
            except OSError as error:
                # A part of it may be there: without it the journal stays readable.
                with suppress(OSError):
                    os.ftruncate(self._descriptor, size)
                raise _disk(self.path, error) from error
            self._pending.clear()

    def read(self) -> Iterator[Record]:
        """Yield the records on disk, the header first, without holding them all.

        Raises:
            WorkerExit: DISK if a line in the middle is damaged.
        """
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                record = _record(line)
                if record is None:
                    raise WorkerExit(
                        Exit.DISK,
                        f"Line {number} of {self.path} is damaged: move the file away to begin "
                        "this run anew, or restore it.",
                    )
                yield record

    def close(self) -> None:
        """Release the lock. What was appended and not committed is dropped."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _take(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkerExit(
                Exit.IN_USE,
                f"Another process is at work on this run (it holds {self.path}): wait for it, "
                "or stop it first.",
            ) from error

    def _cut_off_torn_line(self) -> None:
        whole = 0
        size = os.fstat(self._descriptor).st_size
        with self.path.open("rb") as file:
            for line in file:
                if _record(line) is None and whole + len(line) == size:
                    break  # only the last line can be torn; read() refuses any other
                whole += len(line)
        if whole < size:
            os.ftruncate(self._descriptor, whole)
            os.fsync(self._descriptor)

    def _refuse_another_run(self, header: Record, run: Mapping[str, Any]) -> None:
        differing = [
            f"{name} is {header.get(name)!r} there and {value!r} in the settings"
            for name, value in run.items()
            if header.get(name) != value
        ]
        if header.get("type") != "run" or differing:
            raise WorkerExit(
                Exit.CONFIG,
                f"{self.path} belongs to another run: {'; '.join(differing) or 'no header'}. "
                "Go on with the settings of that run, or choose another run id.",
            )


def _record(line: bytes) -> Record | None:
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "type" in record else None


def _disk(path: Path, error: OSError) -> WorkerExit:
    return WorkerExit(
        Exit.DISK,
        f"Cannot write {path}: {error.strerror or error}. Nothing was acknowledged that is not "
        "on disk; make space or mend the disk and start again, the run goes on where it stopped.",
    )
