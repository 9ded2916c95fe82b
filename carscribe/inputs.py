"""What Terraform needs from this machine: a key, its address, arguments in one form."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN_ADDRESS_URL = "https://checkip.amazonaws.com"
OWN_ADDRESS_SECONDS = 10


class UsageError(Exception):
    """Something on this machine has to change first; the message says what."""


def own_network() -> str:
    """Return the network of the address this machine is seen from."""
    try:
        with urllib.request.urlopen(OWN_ADDRESS_URL, timeout=OWN_ADDRESS_SECONDS) as answer:
            address = answer.read(64).decode().strip()
    except (OSError, ValueError) as problem:
        raise UsageError(
            f"{OWN_ADDRESS_URL} does not say this machine's address ({problem}): set "
            "ssh_ingress_cidrs in terraform/aws.tfvars to the network you come from."
        ) from None
    return f"{address}/32"


def make_key(key: Path) -> None:
    """Make a key pair, if it is not there."""
    if key.exists() and key.with_suffix(".pub").exists():
        return
    if shutil.which("ssh-keygen") is None:
        raise UsageError("There is no ssh-keygen on this machine: install OpenSSH's client.")
    key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=key.parent) as folder:
        new = Path(folder) / key.name
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "carscribe", "-f", str(new)]
        subprocess.run(command, check=True)
        new.replace(key)
        new.with_suffix(".pub").replace(key.with_suffix(".pub"))


def joined(arguments: Sequence[str]) -> list[str]:
    """Write each `-var NAME=VALUE` as one argument."""
    result: list[str] = []
    for argument in arguments:
        if result and result[-1] in {"-var", "-var-file"}:
            result[-1] += f"={argument}"
        else:
            result.append(argument)
    return result
