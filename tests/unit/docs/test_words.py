"""What has one name is called by it everywhere: the names that it had before are gone."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# Written so that they are not found here.
FORMER = "stand[-]?in|th[i]n|mend[i]ngs|mend[e]d"
"""The emulator, and what is changed in moto."""


def test_no_former_name_is_left() -> None:
    """Neither in code nor in a text, whatever its case."""
    found = subprocess.run(
        ["git", "grep", "-nwiE", FORMER], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "")
