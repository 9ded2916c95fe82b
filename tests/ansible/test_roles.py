"""The roles' own promises: every default is specified, every specification is true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from carscribe_worker_a import run as run_a
from carscribe_worker_b import run as run_b
from carscribe_worker_b.consumer import LONG_POLL_SECONDS

ROLES = sorted((Path(__file__).resolve().parents[2] / "ansible/roles").iterdir())


def specified(role: Path) -> dict[str, dict[str, Any]]:
    """Return the options of a role's argument specs."""
    text = (role / "meta/argument_specs.yml").read_text()
    options: dict[str, dict[str, Any]] = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return options


def defaults(role: Path) -> dict[str, Any]:
    """Return a role's defaults."""
    values: dict[str, Any] = yaml.safe_load((role / "defaults/main.yml").read_text())
    return values


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_default_is_specified_with_its_value(role: Path) -> None:
    """defaults/main.yml and meta/argument_specs.yml name the same defaults with the same values."""
    named = {
        name: option["default"] for name, option in specified(role).items() if "default" in option
    }
    assert defaults(role) == named


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_option_is_required_or_has_a_default(role: Path) -> None:
    """An option without a default is required, and none is both."""
    for name, option in specified(role).items():
        assert option.get("required", False) != ("default" in option), name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_variable_carries_the_roles_name(role: Path) -> None:
    """Options begin with the role's name, internals with two underscores and it."""
    assert all(name.startswith(f"{role.name}_") for name in specified(role))
    internals = role / "vars/main.yml"
    if internals.exists():
        names = yaml.safe_load(internals.read_text())
        assert all(name.startswith(f"__{role.name}_") for name in names)


def test_the_longest_end_of_a_worker_is_shorter_than_systemd_waits() -> None:
    """B's images at work, its last poll and its queue, or A's calls; and time for disk and log."""
    longest_b = 2 * run_b.STOP_SECONDS + LONG_POLL_SECONDS + run_b.EFFECTS_SECONDS
    (role,) = (role for role in ROLES if role.name == "worker")
    stop_seconds = defaults(role)["worker_stop_timeout_seconds"]
    assert max(run_a.STOP_SECONDS, longest_b) + 20 <= stop_seconds
