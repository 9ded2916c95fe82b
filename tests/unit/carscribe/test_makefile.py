"""The targets that users call work with the make and the shell that macOS has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NEWER = re.compile(
    r"^\.(SHELLFLAGS|ONESHELL)|\$\(file |!=[ \t]|&:|--output-sync|\$\(intcmp |\$\(let |::=",
    re.MULTILINE,
)
"""What GNU make 3.81 does not know (its NEWS names the release of each)."""
NEWER_SHELL = re.compile(r"\$\{\w+(\^|,)|declare -A|mapfile|readarray|&>>|\|&|coproc")
"""What bash 3.2 does not know."""


def users_part() -> str:
    """Return the Makefile without the targets of the project's own developers."""
    makefile, _, developers = (ROOT / "Makefile").read_text().partition("# --- checks and tests")
    assert "PYTEST" in developers
    return makefile + (ROOT / "deploy.mk").read_text()


def test_nothing_newer_is_needed() -> None:
    """Neither of make nor of the shell."""
    assert NEWER.findall(users_part()) == []
    assert NEWER_SHELL.findall(users_part()) == []


@pytest.mark.parametrize(
    "line",
    [
        ".ONESHELL:\n",
        "A := $(file < a)",
        "A != date",
        "a b &: c",
        "a ::= b",
        "\t@make --output-sync",
    ],
)
def test_what_is_newer_is_found(line: str) -> None:
    """Each of them."""
    assert NEWER.search(line)


def test_a_target_of_a_deployment_is_one_line() -> None:
    """It calls the program, and nothing else."""
    targets = re.findall(
        r"^([a-z]+): .*##.*\n((?:\t.*\n?)+)", (ROOT / "deploy.mk").read_text(), re.MULTILINE
    )
    assert len(targets) > 10
    assert {name: recipe for name, recipe in targets if recipe != f"\t$(CARSCRIBE) {name}\n"} == {}
