"""How far both workers are: bars on a terminal, plain lines elsewhere.

`make try`, `make run`, the playbook and `make status` show the same, from the
summaries that the workers write. Only the standard library is needed, and
nothing newer than Python 3.10, but for the bars.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.progress import TaskID
    from typing_extensions import Self  # noqa: UP035 # typing's is newer than Python 3.10

SECONDS_BETWEEN_LINES = 1.0
LINES_A_DOUBLING = 60
"""About so many lines while the time of a run doubles: after an hour, one a minute."""
SECONDS_MEASURED = 30.0
"""Speed is that of so long a time: shorter, it jumps; longer, it lags."""
SECONDS_BEFORE_A_SPEED = 2.0
RUNNING = "running"

Summary = dict[str, Any]


class Meter:
    """Measures how fast a count grows."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def per_second(self, count: int, now: float) -> float | None:
        """Take note of a count, and return its speed; None as long as too little is known."""
        if self._seen and count < self._seen[-1][1]:
            self._seen.clear()  # it was begun anew
        self._seen.append((now, count))
        while len(self._seen) > 1 and self._seen[1][0] <= now - SECONDS_MEASURED:
            self._seen.popleft()
        since, first = self._seen[0]
        seconds = now - since
        return (count - first) / seconds if seconds >= SECONDS_BEFORE_A_SPEED else None


@dataclass(frozen=True)
class Figures:
    """What both summaries say together.

    Attributes:
        detected: images that worker A is done with.
        total: images there are, as far as anybody knows; None before the listing began.
        is_all: whether the listing is at its end.
        cars: found by A, which is what B has to read.
        settled: of the cars, those that B is done with.
        with_text: of the settled, those with text.
        failed: images that either worker could not look at.
        images_per_second: at which A works, as measured; None if nobody knows, or A does not run.
        cars_per_second: the same of B.
    """

    detected: int = 0
    total: int | None = None
    is_all: bool = False
    cars: int = 0
    settled: int = 0
    with_text: int = 0
    failed: int = 0
    images_per_second: float | None = None
    cars_per_second: float | None = None

    @classmethod
    def of(
        cls,
        a: Summary,
        b: Summary,
        total: int | None = None,
        speeds: tuple[float | None, float | None] | None = None,
    ) -> Self:
        """Read both summaries.

        Args:
            a: worker A's, or nothing.
            b: worker B's, or nothing.
            total: of images, where it is known before A has listed all.
            speeds: of both workers, as measured; without them the mean since the start.
        """
        of_a, of_b = a.get("images") or {}, b.get("images") or {}
        detected = int(of_a.get("detected", 0))
        settled = int(of_b.get("settled", 0))
        is_all = total is not None or bool(a.get("listing_done"))
        if total is None and of_a:
            total = max(int(of_a.get("listed", 0)), detected)
        of_both = speeds or (_mean(detected, a), _mean(settled, b))
        return cls(
            detected=detected,
            total=total,
            is_all=is_all,
            cars=max(int(of_a.get("cars", 0)), int(of_b.get("received", 0)), settled),
            settled=settled,
            with_text=int(of_b.get("with_text", 0)),
            failed=int(of_a.get("failed", 0)) + int(of_b.get("failed", 0)),
            images_per_second=of_both[0] if a.get("state") == RUNNING else None,
            cars_per_second=of_both[1] if b.get("state") == RUNNING else None,
        )

    @property
    def seconds_left(self) -> float | None:
        """How long it takes at the measured speed; None where that says nothing."""
        if not self.is_all or self.total is None:
            return None
        lasts = [
            _seconds(self.total - self.detected, self.images_per_second),
            _seconds(self.cars - self.settled, self.cars_per_second),
        ]
        known = [seconds for seconds in lasts if seconds is not None]
        return max(known) if len(known) == len(lasts) else None

    @property
    def of_images(self) -> str:
        """Say how many images there are, as far as it is known."""
        return "?" if self.total is None else f"{self.total}{'' if self.is_all else '+'}"

    @property
    def facts(self) -> str:
        """What no bar shows."""
        parts = [f"{self.with_text} with text", f"{self.failed} failed"]
        if self.images_per_second:
            parts.append(f"{self.images_per_second:.1f} images/s")
        if self.cars_per_second:
            parts.append(f"{self.cars_per_second:.1f} cars/s")
        if self.seconds_left:
            parts.append(f"about {duration(self.seconds_left)} left")
        return ", ".join(parts)

    def __str__(self) -> str:
        return (
            f"A looked at {self.detected} of {self.of_images} images, "
            f"B read {self.settled} of {self.cars} cars: {self.facts}"
        )


def of_all_pairs(summaries: Mapping[str, Summary]) -> tuple[Summary, Summary]:
    """Return what all As say together, and what all Bs do, as if there were one pair.

    Args:
        summaries: by the hosts' short names, ``a``, ``b``, ``a-2``; nothing where there is none.
    """
    a, b = ([one for name, one in summaries.items() if name[0] == worker] for worker in "ab")
    return _sum(a), _sum(b)


def _sum(summaries: Sequence[Summary]) -> Summary:
    images: Counter[str] = Counter()
    for one in summaries:
        images.update(one.get("images") or {})
    return {
        "images": images,
        "listing_done": all(one.get("listing_done") for one in summaries),
        "state": RUNNING if any(one.get("state") == RUNNING for one in summaries) else None,
        "duration_seconds": max(one.get("duration_seconds") or 0.0 for one in summaries),
    }


class Progress:
    """Figures with the speeds that were measured on the way.

    Args:
        total: of images, where it is known before A has listed all.
    """

    def __init__(self, total: int | None = None) -> None:
        self._total = total
        self._a, self._b = Meter(), Meter()

    def figures(self, a: Summary, b: Summary, now: float | None = None) -> Figures:
        """Read both summaries, of now or of ``time.monotonic()``."""
        at = time.monotonic() if now is None else now
        plain = Figures.of(a, b, self._total)
        speeds = self._a.per_second(plain.detected, at), self._b.per_second(plain.settled, at)
        return Figures.of(a, b, self._total, speeds)


def _mean(count: int, summary: Summary) -> float | None:
    seconds = summary.get("duration_seconds")
    return count / seconds if seconds else None


def _seconds(left: int, per_second: float | None) -> float | None:
    """Return how long a worker still has, None if it does not move."""
    if left <= 0:
        return 0.0
    return left / per_second if per_second else None


def duration(seconds: float) -> str:
    """Write a duration as a clock does."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def size(number: int) -> str:
    """Write a number of bytes for people."""
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.1f} kB"


class Display(Protocol):
    """Shows progress."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End."""

    def uploaded(self, number: int, total: int) -> None:
        """Show how many files are in the bucket."""

    def worked(self, figures: Figures, note: str = "") -> None:
        """Show what both workers have done, and a word on what they wait for."""


class Lines:
    """A line a second at first, fewer in a long run, and only when something has changed.

    Args:
        write: gets each line; standard error if left out.
    """

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        self._write = write or _to_standard_error
        self._last, self._last_at, self._begun_at = "", 0.0, time.monotonic()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def uploaded(self, number: int, total: int) -> None:
        """Show how many files are in the bucket."""
        self._say(f"uploaded {number} of {total} files", number == total)

    def worked(self, figures: Figures, note: str = "") -> None:
        """Show what both workers have done."""
        done = figures.detected == figures.total and figures.settled == figures.cars
        self._say(f"{figures}{f' ({note})' if note else ''}", done)

    def fetched(self, done: int, total: int) -> None:
        """Show how many bytes are here."""
        self._say(f"fetched {size(done)} of {size(total)}", done == total)

    def _say(self, line: str, now: bool) -> None:
        at = time.monotonic()
        pause = max(SECONDS_BETWEEN_LINES, (at - self._begun_at) / LINES_A_DOUBLING)
        if line != self._last and (now or at - self._last_at >= pause):
            self._write(line)
            self._last, self._last_at = line, at


def _to_standard_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Bars:
    """A bar for the upload and one for each worker, and a line with what no bar shows."""

    def __init__(self) -> None:
        # Imported late: where there is no terminal, nobody needs it.
        from rich.console import Console, Group  # noqa: PLC0415 # see above
        from rich.live import Live  # noqa: PLC0415 # see above
        from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415 # see above
        from rich.text import Text  # noqa: PLC0415 # see above

        self._progress = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[said]}"),
        )
        self._below = Text()
        self._live = Live(Group(self._progress, self._below), console=Console(stderr=True))
        self._upload: TaskID | None = None
        self._a: TaskID | None = None
        self._b: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._live.stop()

    def uploaded(self, number: int, total: int) -> None:
        """Show how many files are in the bucket."""
        if self._upload is None:
            self._upload = self._add("uploading")
        said = f"{number} of {total} files"
        self._progress.update(self._upload, completed=number, total=total, said=said)

    def worked(self, figures: Figures, note: str = "") -> None:
        """Show what both workers have done."""
        if self._a is None or self._b is None:
            self._a, self._b = self._add("A looks for cars"), self._add("B reads texts")
        said = f"{figures.detected} of {figures.of_images} images"
        # Where the listing goes on, nobody knows how much of the bar is done.
        total = figures.total if figures.is_all else None
        self._progress.update(self._a, completed=figures.detected, total=total, said=said)
        said = f"{figures.settled} of {figures.cars} cars"
        # B's total is known only as far as A has come.
        self._progress.update(
            self._b, completed=figures.settled, total=max(figures.cars, 1), said=said
        )
        self._below.plain = note or figures.facts

    def _add(self, description: str) -> TaskID:
        return self._progress.add_task(description, total=None, said="")


def display() -> Display:
    """Choose by where standard error leads."""
    return Bars() if sys.stderr.isatty() else Lines()


@contextmanager
def bytes_display() -> Iterator[Callable[[int, int], None]]:
    """Show how many bytes of how many have come: a bar on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield Lines().fetched
        return
    from rich.console import Console  # noqa: PLC0415 # where there is no terminal, nobody needs it
    from rich.progress import (  # noqa: PLC0415 # see above
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(TextColumn("fetching"), *columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("fetching", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
