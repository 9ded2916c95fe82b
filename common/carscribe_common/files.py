"""Files that are either the old or the new one, whatever happens in between."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def sync_directory(directory: Path) -> None:
    """Make a rename or a new name in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[str]]:
    """Open a temporary file that takes the place of ``path`` at the end of the block.

    Written, fsynced and renamed; the directory is fsynced too. If the block
    raises, ``path`` stays as it was.

    Args:
        path: the file to replace or make.
        durable: False for what may be lost with the power, such as progress.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        # A lone surrogate in a text becomes \udXXX, which is what JSON means by it.
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_directory(path.parent)


def write_json(
    path: Path,
    data: Any,
    *,
    durable: bool = True,
    before: Callable[[Path], None] | None = None,
) -> None:
    """Replace a file by data as JSON, in UTF-8 and readable by people.

    Args:
        path: the file to replace or make.
        data: what JSON can say.
        durable: False for what may be lost with the power, such as progress.
        before: is given the new file before it takes the place of ``path``;
            if it raises, ``path`` stays as it was.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    with replacing(path, durable=durable) as file:
        json.dump(data, file, ensure_ascii=False, indent=2)
        file.write("\n")
        if before is not None:
            file.flush()
            before(Path(file.name))
