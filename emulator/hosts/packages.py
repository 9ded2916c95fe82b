"""The Debian packages: those this machine needs, and those of the hosts' base image."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from emulator.hosts.errors import INSTEAD, HostsError
from emulator.hosts.process import run

# What this machine needs, by the program that is looked for. Podman is the
# engine that is installed where there is none.
MACHINE = {
    "ip": "iproute2",
    "losetup": "mount",
    "mkfs.ext4": "e2fsprogs",
    "nft": "nftables",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
PODMAN = {"podman": "podman", "conmon": "conmon"}
# On a machine with the old control groups Podman's other runtime refuses to start.
OLD_GROUPS = {"runc": "runc"}
# What builds the base image where no registry answers.
BUILDER = {
    "mmdebstrap": "mmdebstrap",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}

# A Debian 12 server, as small as the playbooks allow. python3-apt and
# python3-venv are there because a host has no way to a package index.
IMAGE = (
    "ca-certificates",
    "dbus",
    "e2fsprogs",
    "iproute2",
    "libpam-systemd",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "python3-venv",
    "sudo",
    "systemd",
    "systemd-sysv",
)


def missing(programs: dict[str, str]) -> list[str]:
    """Return the packages whose programs or files are not there, each once."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return sorted(
        {
            package
            for name, package in programs.items()
            if not (Path(name).exists() if name.startswith("/") else shutil.which(name, path=path))
        }
    )


def install(packages: list[str]) -> None:
    """Install packages by name, or say which ones to install."""
    if not packages:
        return
    names = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get") or not Path("/etc/debian_version").exists():
        raise HostsError(
            f"The local hosts need these packages: {names}. Install them and try again. {INSTEAD}"
        )
    print(f"Installing {names} ...", flush=True)
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    arguments = ["install", "--yes", "--no-install-recommends", *packages]
    done = run([*command, *arguments], environment=environment, timeout_seconds=600, check=False)
    if done.returncode != 0:  # the package lists of a fresh machine are empty or old
        run([*command, "update"], environment=environment, timeout_seconds=300, check=False)
        try:
            run([*command, *arguments], environment=environment, timeout_seconds=600)
        except HostsError as error:
            raise HostsError(
                f"apt-get could not install {names}: install them and try again. {INSTEAD}"
            ) from error
