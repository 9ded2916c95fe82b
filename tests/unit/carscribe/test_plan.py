"""The plan that is carried out is the one that was made and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from carscribe import provision
from carscribe.steps import Steps

if TYPE_CHECKING:
    from carscribe.provision import Plan


class Terraform:
    """A Terraform that keeps what it is told to plan, and says what it carries out."""

    def __init__(self, state: Path) -> None:
        self.deployment = provision.Deployment("local", state)

    def run(self, command: str, *words: str, **_: Any) -> tuple[int, str]:
        """Do as it does with the file of a plan."""
        if command == "plan":
            [out] = [word.removeprefix("-out=") for word in words if word.startswith("-out=")]
            Path(out).write_text(words[-1])
        return 0, Path(words[-1]).read_text() if command == "apply" else json.dumps({})


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return what makes a plan."""
    inputs: dict[str, Any] = {"arguments": [], "bucket": None, "region": "us-east-1"}
    monkeypatch.setattr(provision, "prepared", lambda _, extra: (extra, inputs))
    (tmp_path / "local").mkdir()
    terraform = cast("provision.Terraform", Terraform(tmp_path / "local"))
    return lambda what: provision.Plan(
        terraform, [what], Steps("up", verbose=False, folder=tmp_path)
    )


def test_a_command_that_was_killed_plans_nothing_for_the_next(plan: Any) -> None:
    """Its Terraform goes on, and may write its plan when the next command has made another."""
    killed: Plan = plan("of the killed one")
    next_one: Plan = plan("of the next one")
    assert not killed._file.exists()
    killed._file.write_text("of the killed one")
    assert next_one.apply() == (0, "of the next one")
    assert not next_one._file.exists()
