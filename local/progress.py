"""How far both workers are: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol, Self

SECONDS_BETWEEN_LINES = 1.0

Summary = dict[str, Any]


def counts(a: Summary, b: Summary) -> tuple[int, int, int]:
    """Return how many images A has looked at, how many cars it found, how many B has settled."""
    of_a, of_b = a.get("images") or {}, b.get("images") or {}
    return int(of_a.get("looked", 0)), int(of_a.get("cars", 0)), int(of_b.get("settled", 0))


class Display(Protocol):
    """Shows progress."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End."""

    def uploaded(self, number: int, total: int) -> None:
        """Show how many files are in the bucket."""

    def worked(self, total: int, a: Summary, b: Summary) -> None:
        """Show what both workers have done."""


class Lines:
    """A line a second, and only when something has changed."""

    def __init__(self) -> None:
        self._last, self._last_at = "", 0.0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def uploaded(self, number: int, total: int) -> None:
        """Show how many files are in the bucket."""
        self._say(f"uploaded {number} of {total} files", number == total)

    def worked(self, total: int, a: Summary, b: Summary) -> None:
        """Show what both workers have done."""
        looked, cars, settled = counts(a, b)
        line = f"A looked at {looked} of {total} images: {cars} cars; B read {settled} of {cars}"
        self._say(line, looked == total and settled == cars)

    def _say(self, line: str, now: bool) -> None:
        due = time.monotonic() - self._last_at >= SECONDS_BETWEEN_LINES
        if line != self._last and (now or due):
            print(line, file=sys.stderr, flush=True)
            self._last, self._last_at = line, time.monotonic()


class Bars:
    """A bar for the upload and one for each worker."""

    def __init__(self) -> None:
        # Imported late: where there is no terminal, nobody needs it.
        from rich.console import Console  # noqa: PLC0415 # see above
        from rich.progress import (  # noqa: PLC0415 # see above
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description:<22}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._upload = self._progress.add_task("uploading", total=None)
        self._a = self._progress.add_task("A looks for cars", total=None, start=False)
        self._b = self._progress.add_task("B reads texts", total=None, start=False)

    def __enter__(self) -> Self:
        """Begin."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._progress.stop()

    def uploaded(self, number: int, total: int) -> None:
        """Show how many files are in the bucket."""
        self._progress.update(self._upload, completed=number, total=total)

    def worked(self, total: int, a: Summary, b: Summary) -> None:
        """Show what both workers have done."""
        looked, cars, settled = counts(a, b)
        for task in (self._a, self._b):
            self._progress.start_task(task)
        self._progress.update(self._a, completed=looked, total=total)
        # B's total is known only as far as A has come.
        self._progress.update(self._b, completed=settled, total=max(cars, 1))


def display() -> Display:
    """Choose by where standard error leads."""
    return Bars() if sys.stderr.isatty() else Lines()
