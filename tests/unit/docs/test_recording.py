"""What is drawn of a terminal session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests import recording
from tests.recording import Written

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_overwritten_is_gone() -> None:
    """Bars that move up and clear their lines stand there once, as they came to rest."""
    moved = "one\r\nbar 1\r\nfacts 1\r\x1b[2K\x1b[1A\x1b[2Kbar 2\r\nfacts 2\r\nend\r\n"
    written = [Written(0, moved[:20]), Written(1, moved[20:])]
    assert recording.screen(written) == ["one", "bar 2", "facts 2", "end", ""]


def test_a_terminal_is_there(tmp_path: Path) -> None:
    """A command finds a terminal of a hundred columns, and its exit code comes back."""
    code, written = recording.run(["sh", "-c", "test -t 1 && echo $COLUMNS; exit 3"], tmp_path, {})
    assert code == 3
    assert "".join(each.text for each in written).strip() == "100"


def test_waits_are_cut_short() -> None:
    """Ten minutes of waiting take a second, and what lies close together stays as it was."""
    times, played = recording.shortened([Written(0.5, "a"), Written(0.75, "b"), Written(600, "c")])
    assert times == 1
    assert played == [Written(0.5, "a"), Written(0.75, "b"), Written(1.75, "c")]


def test_a_long_session_is_played_faster() -> None:
    """It then takes what it may, and the session says how much faster."""
    written = [Written(n, "x") for n in range(1, 91)]
    times, played = recording.shortened(written)
    assert times == pytest.approx(2)
    assert played[-1].at == pytest.approx(recording.PLAY_SECONDS)
    header, *events = map(json.loads, recording.cast("make demo", written).splitlines())
    assert header["version"] == 2
    assert "".join(text for _, _, text in events[:11]) == "$ make demo"
    assert any("the rest 2.0 times as fast" in text for _, _, text in events)
    assert events == sorted(events, key=lambda event: event[0])


def test_the_picture_lies_over_the_last_frame(tmp_path: Path) -> None:
    """At the place of the frame that is moved into view last; another renderer is refused."""
    picture = tmp_path / "page.webp"
    picture.write_bytes(b"page")
    frames = "<style>0.000%{transform:translateY(0px)}100.000%{transform:translateY(-578px)}"
    drawn = recording.with_picture(f"<svg>{frames}<svg><g><g/></g></svg>\n</svg>", picture)
    assert '<g/><image y="578" ' in drawn
    assert "data:image/webp;base64,cGFnZQ==" in drawn
    assert "url(http" not in drawn
    with pytest.raises(ValueError, match="renderer"):
        recording.with_picture("<svg></svg>", picture)
