"""Run a playbook: its failures as sentences, and all that Ansible says in a log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carscribe.deployment import BUILD, CHECKOUT, NOTHING_IS_UP, DeploymentError, StepError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSIBLE = CHECKOUT / "ansible"
LINES_OF_A_RIDDLE = 30
"""What is shown of an output in which nothing is told as a failure."""
SOCKET_PATH_MAX = 60
"""So long may the folder of SSH's sockets be: 108 bytes hold it and a name (unix(7), sun_path)."""


def play(name: str, variables: Mapping[str, Any], *, log: Path) -> None:
    """Run a playbook to its end; all that Ansible says is in the log.

    Raises:
        DeploymentError: there is nothing up.
        StepError: it failed, and what failed has been said.
    """
    if not (BUILD / "inventory.yml").exists():
        raise DeploymentError(NOTHING_IS_UP)
    log.parent.mkdir(parents=True, exist_ok=True)
    temporary = BUILD / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), f"{name}.yml", "-e", json.dumps(dict(variables))]
    with tempfile.TemporaryDirectory(prefix="ansible-", dir=temporary) as folder:
        told = Path(folder) / "sentences"
        with log.open("w") as file:
            code = subprocess.run(
                command,
                cwd=ANSIBLE,
                env=environment(Path(folder), told),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        if not code:
            return
        said = failures(told) or log.read_text(errors="replace").splitlines()[-LINES_OF_A_RIDDLE:]
    print("\n".join(said), file=sys.stderr)
    print(f"All that Ansible said: {log}", file=sys.stderr)
    raise StepError(code)


def environment(folder: Path, told: Path) -> dict[str, str]:
    """Return an environment in which our configuration counts, and no other.

    Args:
        folder: for what Ansible writes on the way.
        told: where the failures are written.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    sockets = BUILD / "tmp" / "ssh"
    if len(os.fsencode(sockets)) <= SOCKET_PATH_MAX:
        ssh = {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets)}
    else:  # no connection is kept: its socket would have too long a path
        ssh = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o PasswordAuthentication=no"}
    return {
        **kept,
        "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
        "ANSIBLE_CALLBACKS_ENABLED": "sentences",
        "ANSIBLE_LOCAL_TEMP": str(folder),
        "ANSIBLE_NOCOLOR": "1",
        "CARSCRIBE_SENTENCES": str(told),
        **ssh,
    }


def failures(told: Path) -> list[str]:
    """Return what failed, each with its host, and what both hosts say once."""
    if not told.exists():
        return []
    records = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    said: dict[str, str] = {}
    for record in records:
        said.setdefault(record["message"], record["host"])
    return [
        message if host in message or host == "localhost" else f"{host}: {message}"
        for message, host in said.items()
    ]
