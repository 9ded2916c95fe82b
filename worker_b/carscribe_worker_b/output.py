"""output.txt: a line for each image with both a car and text, in natural order of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.files import replacing
from carscribe_common.rules import result_line

if TYPE_CHECKING:
    from pathlib import Path

    from carscribe_worker_b.store import TextStore


def write_output(store: TextStore, path: Path) -> int:
    """Write output.txt and return how many lines it has.

    Raises:
        WorkerExit: DISK; it cannot be written.
    """
    count = 0
    try:
        with replacing(path) as file:
            for key, line in store.lines():
                file.write(result_line(key, line) + "\n")
                count += 1
    except OSError as error:
        raise WorkerExit(
            Exit.DISK, f"Cannot write {path}: {error.strerror}; make space and start again."
        ) from error
    return count
