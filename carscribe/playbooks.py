"""Run a playbook: its failures as sentences, and all that Ansible says in the step's log."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carscribe import CHECKOUT
from carscribe.inputs import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from carscribe.steps import Steps

ANSIBLE = CHECKOUT / "ansible"


def play(
    steps: Steps, name: str, variables: Mapping[str, Any], environment: Mapping[str, str]
) -> None:
    """Run a playbook to its end.

    Raises:
        StepError: it failed, and what failed has been said.
    """
    command = [sys.executable, "-m", "ansible", "playbook", f"{name}.yml"]
    given = ["-e", json.dumps(dict(variables))] if variables else []
    with tempfile.TemporaryDirectory(prefix="play-", dir=temporary_folder()) as folder:
        told = Path(folder) / "sentences"
        on = {"ANSIBLE_CALLBACKS_ENABLED": "sentences", "CARSCRIBE_SENTENCES": str(told)}
        code, lines = steps.follow([*command, *given], cwd=ANSIBLE, env={**environment, **on})
        if code:
            said = [line.strip() for line in lines if line.strip()]
            errors = [line for line in said if line.startswith(("[ERROR]", "ERROR!"))]
            raise steps.failed(code, failures(told) or errors or said[-3:])


def failures(told: Path) -> list[str]:
    """Return what failed, each with its host; what both hosts say in the same words is said once."""
    if not told.exists():
        return []
    records = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    said: dict[str, str] = {}
    for record in records:
        message, host = record["message"], record["host"]
        said[message] = min(host, said.get(message, host))  # which is first is a matter of time
    return [
        message if host in message or host == "localhost" else f"{host}: {message}"
        for message, host in said.items()
    ]
