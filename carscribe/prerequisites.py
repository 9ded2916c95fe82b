"""See that this machine has the programs a target of the Makefile needs.

    python3 carscribe/prerequisites.py venv|up|demo|test

On Debian or Ubuntu, as root, what is missing is installed by name; elsewhere
one sentence says precisely what to install. It runs before the project has a
virtual environment: with any Python 3, and nothing but its standard library.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# By the program that is looked for, the package of Debian that has it.
SSH = {"ssh": "openssh-client", "ssh-keygen": "openssh-client"}
TESTS = {
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "faketime": "faketime",
    "git": "git",
}
# What the local hosts need of an engine, `python -m emulator install` looks after.
NEEDED: dict[str, dict[str, str]] = {"venv": {}, "up": SSH, "demo": SSH, "test": {**SSH, **TESTS}}

EXIT_NOT_CONFIGURED = 78


def missing(programs: Mapping[str, str], path: str) -> list[str]:
    """Return the packages whose program is not there, each once."""
    return sorted(
        {package for name, package in programs.items() if not shutil.which(name, path=path)}
    )


def install(packages: list[str]) -> bool:
    """Install packages with apt-get; its lists may be empty or old."""
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    attempts = (
        [*command, "install", "--yes", "--no-install-recommends", *packages],
        [*command, "update"],
    )
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for attempt in (attempts[0], attempts[1], attempts[0]):
        done = subprocess.run(attempt, env=environ, stdout=subprocess.DEVNULL, check=False)
        if attempt is attempts[0] and done.returncode == 0:
            return True
    return False


def main(goal: str) -> int:
    """Install what is missing, or say it."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    packages = missing(NEEDED[goal], path)
    if importlib.util.find_spec("ensurepip") is None:
        packages.append("python3-venv")
    if not packages:
        return 0
    names = " ".join(packages)
    debian = Path("/etc/debian_version").exists()
    if os.geteuid() != 0 or not debian:
        reason = "as root" if debian else "on Debian or Ubuntu, as root,"
        print(
            f"These are missing, by their names on Debian: {names}. Install them and try again "
            f"({reason} this command installs them itself).",
            file=sys.stderr,
        )
        return EXIT_NOT_CONFIGURED
    print(f"Installing {names} ...", flush=True)
    if not install(packages):
        print(
            f"apt-get could not install them: {names}. Install them and try again.", file=sys.stderr
        )
        return EXIT_NOT_CONFIGURED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
