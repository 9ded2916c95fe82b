"""`make demo`, on a terminal as a person sees it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests import recording
from tests.deployment.checkout import EXPECTED, Done

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deployment.checkout import Copy

COLOUR = re.compile(r"\x1b\[[\d;]*m")


def test_the_demo_shows_bars_and_the_result(empty: Copy, tmp_path: Path) -> None:
    """It says what is there and what it costs, shows bars and the result, and leaves nothing.

    That is so, too, for a person whose environment leads elsewhere wherever it can.
    """
    code, written = recording.run(["make", "demo"], empty.root, empty.hostile(tmp_path))
    said = COLOUR.sub("", "\n".join(recording.screen(written)))
    assert code == 0, said[-4000:]
    # What leads elsewhere is named before, in as many lines as it takes.
    assert Done(code, said[said.index("✓") :]).fits_on_a_screen, said
    assert "It costs nothing: no AWS account is used." in said
    assert "A looks for cars" in said
    assert "10 of 10 images" in said
    assert EXPECTED.strip() in said
    assert "nothing is left running" in said
    assert not (empty.root / "build" / "target").exists()
