"""How far a run is, in figures, in lines and in bars."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carscribe.progress import Figures, Lines, Meter, Progress, duration, of_all_pairs

ROOT = Path(__file__).resolve().parents[3]

SHOW = """
from carscribe.progress import Figures, display
a = {"state": "running", "images": {"listed": 10, "detected": 4, "cars": 3, "failed": 1},
     "listing_done": True, "duration_seconds": 2.0}
b = {"state": "running", "images": {"settled": 1, "with_text": 1, "failed": 0},
     "duration_seconds": 2.0}
with display() as shown:
    shown.uploaded(3, 10)
    shown.uploaded(10, 10)
    shown.worked(Figures.of(a, b))
    shown.worked(Figures.of(a, b), "host B out of reach")
"""


def summary(*, state: str = "running", seconds: float = 10, **images: int) -> dict[str, Any]:
    """Return a summary as a worker writes it."""
    return {"state": state, "duration_seconds": seconds, "images": images}


def on_a_terminal(script: str) -> str:
    """Return what a program shows on a pseudo-terminal."""
    main, end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdout=end,
        stderr=end,
    ) as process:
        os.close(end)
        said = b""
        while True:
            try:
                part = os.read(main, 4096)
            except OSError:  # Linux's word for: nobody has it open any more
                break
            if not part:
                break
            said += part
        os.close(main)
    assert process.returncode == 0, said.decode()
    return said.decode()


def without_terminal(script: str) -> str:
    """Return what a program shows where standard error is a file."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stderr


def test_bars_on_a_terminal() -> None:
    """A terminal gets a bar for each worker, with cars, texts, failures, rate and time left."""
    said = on_a_terminal(SHOW)
    assert "\x1b[" in said
    for part in (
        "uploading",
        "10 of 10 files",
        "A looks for cars",
        "4 of 10 images",
        "B reads texts",
        "1 of 3 cars",
        "host B out of reach",
    ):
        assert part in said


def test_bars_have_the_facts() -> None:
    """What no bar shows stands below: texts, failures, speeds and time left."""
    said = on_a_terminal(SHOW.replace(', "host B out of reach"', ""))
    assert "1 with text, 1 failed, 2.0 images/s, 0.5 cars/s, about 0:04 left" in said


FETCH = """
from carscribe.progress import bytes_display
with bytes_display() as show:
    show(0, 4_000_000)
    show(1_000_000, 4_000_000)
    show(4_000_000, 4_000_000)
"""


def test_a_fetch_has_a_bar_on_a_terminal() -> None:
    """How much of how much has come, as a bar."""
    said = on_a_terminal(FETCH)
    assert "\x1b[" in said
    assert "fetching" in said
    assert "4.0/4.0 MB" in said


def test_a_fetch_has_lines_elsewhere() -> None:
    """The first and the last, and in between one a second."""
    said = without_terminal(FETCH)
    assert said.splitlines() == ["fetched 0.0 kB of 4.0 MB", "fetched 4.0 MB of 4.0 MB"]


def test_a_long_run_has_ever_fewer_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of ten hours that changes each second fills no screen by the hour."""
    clock = [0.0]
    monkeypatch.setattr("carscribe.progress.time.monotonic", lambda: clock[0])
    written: list[float] = []
    lines = Lines(lambda _: written.append(clock[0]))
    for tick in range(36_000):
        clock[0] = float(tick)
        lines.fetched(1_000 * tick, 10**9)
    assert len([at for at in written if at < 60]) > 50
    assert len(written) < 700


def test_plain_lines_elsewhere() -> None:
    """Where there is no terminal, there are whole lines with neither colour nor cursor."""
    said = without_terminal(SHOW)
    assert "\x1b" not in said
    assert "\r" not in said
    first, *_ = said.splitlines()
    assert first == "uploaded 3 of 10 files"


def test_a_line_says_all() -> None:
    """One line has what the bars have."""
    a = summary(listed=10, detected=4, cars=3, failed=1, seconds=2) | {"listing_done": True}
    b = summary(settled=1, with_text=1, failed=0, seconds=2)
    assert str(Figures.of(a, b)) == (
        "A looked at 4 of 10 images, B read 1 of 3 cars: "
        "1 with text, 1 failed, 2.0 images/s, 0.5 cars/s, about 0:04 left"
    )


def test_before_anything_is_known() -> None:
    """With no summary yet nothing is invented: no total, no speed, no time."""
    assert str(Figures.of({}, {})) == (
        "A looked at 0 of ? images, B read 0 of 0 cars: 0 with text, 0 failed"
    )


def test_while_the_listing_goes_on() -> None:
    """As long as A lists, the total is so many or more, and nobody knows how long it takes."""
    figures = Figures.of(summary(listed=1000, detected=10, cars=1, failed=0), {})
    assert (figures.total, figures.is_all, figures.seconds_left) == (1000, False, None)
    assert "10 of 1000+ images" in str(figures)


@pytest.mark.parametrize(
    ("speed_a", "speed_b", "expected"), [(2.0, 1.0, 8.0), (2.0, 10.0, 5.0), (None, 10.0, None)]
)
def test_time_left_is_the_slower_worker_s(
    speed_a: float | None, speed_b: float | None, expected: float | None
) -> None:
    """Ten images at A's speed or eight cars at B's, whichever is longer; unknown if one stands."""
    a = summary(listed=20, detected=10, cars=8) | {"listing_done": True}
    figures = Figures.of(a, summary(settled=0), speeds=(speed_a, speed_b))
    assert figures.seconds_left == expected


def test_who_has_ended_has_no_speed() -> None:
    """Speeds are of the workers that run."""
    a = summary(state="complete", listed=10, detected=10, cars=6) | {"listing_done": True}
    figures = Figures.of(a, summary(settled=3), speeds=(9.0, 1.5))
    assert (figures.images_per_second, figures.cars_per_second) == (None, 1.5)


def test_figures_of_several_pairs_are_sums() -> None:
    """The listing is at its end when each A's is; a pair that runs on has a speed."""
    pairs = {
        "a": summary(state="complete", listed=10, detected=10, cars=6) | {"listing_done": True},
        "b": summary(received=6, settled=5, with_text=4, failed=1),
        "a-2": summary(listed=20, detected=4, cars=3) | {"listing_done": True},
        "b-2": {},
    }
    figures = Figures.of(*of_all_pairs(pairs))
    assert str(figures) == (
        "A looked at 14 of 30 images, B read 5 of 9 cars: "
        "4 with text, 1 failed, 1.4 images/s, 0.5 cars/s, about 0:11 left"
    )
    listing = pairs | {"a-2": summary(listed=20, detected=4, cars=3)}
    assert Figures.of(*of_all_pairs(listing)).of_images == "30+"
    assert Figures.of(*of_all_pairs({name: {} for name in pairs})) == Figures.of({}, {})


def test_speed_is_what_was_measured_and_not_the_limit() -> None:
    """Held to 50 calls a second, with 20 images of an earlier process, four a second are four."""
    shown = Progress(total=100)
    for second in range(11):
        a = summary(listed=100, detected=20 + 4 * second) | {"rate_per_second": 50.0}
        figures = shown.figures(a, {}, now=1000.0 + second)
    assert figures.images_per_second == pytest.approx(4.0)
    assert "4.0 images/s, about 0:10 left" in str(figures)


def test_speed_is_that_of_the_last_half_minute() -> None:
    """What a run was faster in before, and what it is gone on with, counts no more."""
    meter = Meter()
    assert meter.per_second(5_000, 0.0) is None, "gone on with: nothing was measured yet"
    for second in range(1, 200):
        speed = meter.per_second(5_000 + (10 * second if second < 60 else 600), float(second))
    assert speed == 0.0
    for second in range(200, 260):
        speed = meter.per_second(5_600 + 2 * (second - 200), float(second))
    assert speed == pytest.approx(2.0, rel=0.1)


def test_total_that_is_known_beforehand() -> None:
    """Who has uploaded the images knows their number before A does."""
    figures = Figures.of(summary(listed=3, detected=1), {}, total=10)
    assert (figures.total, figures.is_all) == (10, True)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (3600, "1:00:00")]
)
def test_duration(seconds: float, said: str) -> None:
    """Minutes and seconds, with hours where there are some."""
    assert duration(seconds) == said
