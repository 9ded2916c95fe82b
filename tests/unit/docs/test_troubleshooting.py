"""The messages in docs/troubleshooting.md are those that the program prints."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "troubleshooting.md"
MESSAGE = re.compile(r"^\| `([^`]+)`(?:, `([^`]+)`)? \|", re.MULTILINE)


def messages() -> list[str]:
    """Return what stands in the first column of each table."""
    return [text for found in MESSAGE.findall(PAGE.read_text()) for text in found if text]


def sources() -> str:
    """Return all that is program, with its strings and folded lines put together."""
    listed = subprocess.run(
        ["git", "ls-files", "common", "worker_a", "worker_b", "carscribe", "emulator", "ansible"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    files = [ROOT / name for name in (*listed, "Makefile") if (ROOT / name).exists()]
    text = "\n".join(
        file.read_text()
        for file in files
        if file.suffix in {".py", ".yml", ""} and file.name != "LICENSE"
    )
    joined = re.sub(r"[\"']\s*\n\s*f?[\"']", "", text)
    return re.sub(r"\s+", " ", joined)


@pytest.fixture(scope="module")
def printed() -> str:
    """All sources, read once."""
    return sources()


@pytest.mark.parametrize("message", messages())
def test_the_message_is_printed_somewhere(message: str, printed: str) -> None:
    """Each part of a message, between its dots, stands in the program."""
    for part in message.split("..."):
        assert part.strip(" ,") in printed


def test_all_ends_of_a_worker_are_there() -> None:
    """Each exit code that a person has to act on has a line."""
    text = PAGE.read_text()
    for code in (65, 70, 73, 74, 75, 77, 78, 130, 143):
        assert re.search(rf"\| (\d+, )?{code}(, \d+)? \|", text), code


def test_there_are_messages() -> None:
    """The checks above have something to check."""
    assert len(messages()) > 40
