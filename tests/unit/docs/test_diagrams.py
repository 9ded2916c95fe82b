"""The diagrams in the documentation are drawn by Mermaid, and not shown as an error."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What Mermaid's own parser refuses: a subgraph's title with more than words outside of
# quotation marks, and a semicolon in a message, which ends the statement there.
REFUSED = re.compile(
    r"^ *subgraph (?!\w+ *\[\")[^\n]*[^\w\s][^\n]*$|^[^\n:]*--?>>?[^\n:]*:[^\n]*;[^\n]*$",
    re.MULTILINE,
)


def diagrams() -> list[str]:
    """Return every diagram of the project's pages."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pages = [(ROOT / name).read_text() for name in listed.stdout.splitlines()]
    return [diagram for page in pages for diagram in DIAGRAM.findall(page)]


def test_nothing_in_them_is_refused() -> None:
    """Each title and message is one that Mermaid takes."""
    assert len(diagrams()) > 1
    assert [found for diagram in diagrams() for found in REFUSED.findall(diagram)] == []


@pytest.mark.parametrize("line", ["    subgraph made here, and there", "    A->>B: one; another"])
def test_what_is_refused_is_found(line: str) -> None:
    """Each of them."""
    assert REFUSED.search(line)
