"""What Terraform needs from this machine: a key, its address, arguments in one form."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from carscribe import CHECKOUT
from carscribe.deployment import BUILD, DeploymentError

TEMPORARY_PATH_MAX = 50
SYSTEM_TEMPORARY = Path("/tmp")  # noqa: S108 # of POSIX; TMPDIR may name a path as long
OWN_ADDRESS_URL = "https://checkip.amazonaws.com"
OWN_ADDRESS_SECONDS = 10


class UsageError(DeploymentError):
    """Something on this machine has to change first; the message says what."""


def temporary_folder() -> Path:
    """Return where the programs that are started keep their temporary files.

    Its sockets' addresses have at most 107 characters (sun_path in unix(7)), so
    a checkout with a long path has the folder in the system's, and TMPDIR has no
    say in it. What lies there is removed, so it is no link to anywhere.

    Raises:
        UsageError: it is no folder, or somebody else's.
    """
    folder = BUILD / "tmp"
    if len(os.fsencode(folder)) > TEMPORARY_PATH_MAX:
        digest = hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:12]
        folder = SYSTEM_TEMPORARY / f"carscribe-{os.getuid()}-{digest}"
    if not os.path.lexists(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UsageError(f"{folder} is no folder of your own: remove it, and try again.")
    return folder


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


def fingerprint(public_key: str) -> str:
    """Return a public key's fingerprint, as `ssh-keygen -l` shows it; empty if it is none."""
    try:
        blob = base64.b64decode(public_key.split()[1])
    except (IndexError, ValueError):
        return ""
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


def find_key(public_key: str, folder: Path) -> Path | None:
    """Return the private key of a public one, if a folder has both."""
    for file in sorted(folder.glob("*.pub")):
        here = file.read_text(errors="replace").split()[:2]
        if here == public_key.split()[:2] and file.with_suffix("").is_file():
            return file.with_suffix("")
    return None


def make_key(key: Path) -> None:
    """Make a key pair, if it is not there.

    Raises:
        UsageError: it cannot be made.
    """
    if key.exists() and key.with_suffix(".pub").exists():
        return
    _need_ssh_keygen()
    key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=key.parent) as folder:
        new = Path(folder) / key.name
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "carscribe", "-f", str(new)]
        subprocess.run(command, check=True)
        new.replace(key)
        new.with_suffix(".pub").replace(key.with_suffix(".pub"))


def check_key(key: Path) -> None:
    """Look at a key pair as ssh will: it asks for a passphrase, and who may read the file.

    Raises:
        UsageError: with it nobody would get into the hosts.
    """
    _need_ssh_keygen()
    command = ["ssh-keygen", "-y", "-P", "", "-f", str(key)]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    public = key.with_suffix(".pub").read_text(errors="replace")
    if asked.stdout.split()[:2] != public.split()[:2]:
        why = " ".join(asked.stderr.replace("@", "").split()) or "they are no pair"
        raise UsageError(
            f"{key} and its .pub are not what SSH takes: {why}. Copy both again from the checkout "
            "that made the hosts, or remove both, and a new pair is made."
        )


def _need_ssh_keygen() -> None:
    if shutil.which("ssh-keygen") is None:
        raise UsageError("There is no ssh-keygen on this machine: install OpenSSH's client.")
