"""Whether this machine can carry the local hosts; each obstacle is one sentence."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from emulator.hosts import engine, packages
from emulator.hosts.errors import INSTEAD, HostsError

LOOP_CONTROL = Path("/dev/loop-control")
NEW_GROUPS = Path("/sys/fs/cgroup/cgroup.controllers")
CAP_SYS_ADMIN, CAP_NET_ADMIN = 21, 12


def check_rights() -> None:
    """Refuse where the hosts cannot work at all."""
    if sys.platform != "linux":
        raise HostsError(
            f"The local hosts need a Linux machine, and this is {sys.platform}: {INSTEAD}"
        )
    if os.geteuid() != 0:
        raise HostsError(
            "The local hosts need root, for loop devices and network interfaces: run the command "
            f"again with sudo. {INSTEAD}"
        )
    if not _has_capabilities():
        raise HostsError(
            "This is root without the rights to mount and to make network interfaces, as in a "
            f"plain container: run it on the machine itself or in a privileged one. {INSTEAD}"
        )


def prepare() -> str:
    """Install what is missing, where that can be done, and return the engine to use."""
    check_rights()
    program = engine.choose()
    wanted = dict(packages.MACHINE)
    if program != "docker":
        wanted |= packages.PODMAN
        if not NEW_GROUPS.exists() or not shutil.which("crun"):
            wanted |= packages.OLD_GROUPS
    packages.install(packages.missing(wanted))
    if not LOOP_CONTROL.exists():
        raise HostsError(
            "This machine has no loop devices (/dev/loop-control), which the result volume needs: "
            f"load the kernel's module with 'modprobe loop' and try again. {INSTEAD}"
        )
    return program or engine.choose() or _no_engine()


def look() -> str:
    """Say in a few words what the hosts would run on; install nothing."""
    check_rights()
    program = engine.choose()
    wanted = packages.missing(packages.MACHINE | ({} if program else packages.PODMAN))
    if wanted and not (shutil.which("apt-get") and Path("/etc/debian_version").exists()):
        raise HostsError(
            f"The local hosts need these packages: {' '.join(wanted)}. Install them and try "
            f"again. {INSTEAD}"
        )
    ready = f"the local hosts run on {program or 'podman'}"
    return f"{ready}; to be installed: {' '.join(wanted)}" if wanted else ready


def _has_capabilities() -> bool:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("CapEff:"):
            capabilities = int(line.split()[1], 16)
            return all(capabilities >> bit & 1 for bit in (CAP_SYS_ADMIN, CAP_NET_ADMIN))
    return False


def _no_engine() -> str:
    raise HostsError(
        "There is no container engine that answers: install Podman, or start Docker, and try "
        f"again. {INSTEAD}"
    )
