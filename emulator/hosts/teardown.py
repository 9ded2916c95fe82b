"""Remove everything, whatever a kill has left in whatever state."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.hosts import network, server, volumes, watch
from emulator.hosts.engine import Engine, choose
from emulator.hosts.errors import HostsError
from emulator.hosts.process import command_name, end, mentioning, recorded, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.hosts.deployment import Deployment

CGROUPS = Path("/sys/fs/cgroup")
RUNTIMES = (Path("/run/runc"), Path("/run/crun"))
SETTLE_SECONDS = 1.0
SWEEPS_MAX = 5
MONITORS = frozenset({"conmon"})  # each ends with its container


def remove_all(deployment: Deployment) -> None:
    """Leave nothing of the deployment on this machine but the cached base image."""
    _end_recorded(watch.record(deployment))
    with deployment.lock():
        for _ in range(SWEEPS_MAX):
            _sweep(deployment)
            if not (left := leftovers(deployment)):
                return
            time.sleep(SETTLE_SECONDS)
    raise HostsError(
        f"This is left and could not be removed: {', '.join(left)}. Run 'make down' again; what "
        "is left then goes with a restart of the machine."
    )


def _sweep(deployment: Deployment) -> None:
    # A command of the engine that outlived its killed parent would make things anew.
    end([pid for pid in _programs(deployment) if command_name(pid) not in MONITORS])
    for engine in _engines(deployment):
        engine.remove_all()
    end(_processes(deployment))
    _remove_groups(deployment)
    network.remove(deployment)
    _unmount(deployment)
    for folder in _runtime_states(deployment):
        shutil.rmtree(folder, ignore_errors=True)
    volumes.remove_all_but(deployment, frozenset())
    _remove_files(deployment)


def leftovers(deployment: Deployment) -> list[str]:
    """Name whatever of the deployment is still on the machine."""
    left = [f"process {pid}" for pid in _processes(deployment)]
    left += [
        f"loop device {name}" for names in volumes.attached(deployment).values() for name in names
    ]
    left += [f"file {path}" for path in _runtime_states(deployment)]
    left += [f"mount {path}" for path in _mounts(deployment)]
    left += [f"control group {group}" for group in _groups(deployment)]
    left += [f"network interface {name}" for name in network.interfaces(deployment)]
    if run(["nft", "list", "table", "ip", network.table(deployment)], check=False).returncode == 0:
        left.append(f"nftables table {network.table(deployment)}")
    left += [
        f"container {container.name}"
        for engine in _engines(deployment)
        for container in engine.containers().values()
    ]
    left += [f"file {path}" for path in _files(deployment) if path.exists()]
    return left


def _engines(deployment: Deployment) -> Iterator[Engine]:
    if deployment.engine.exists() and shutil.which("podman"):
        yield Engine(deployment, "podman")
    with contextlib.suppress(HostsError):
        if choose({"CARSCRIBE_ENGINE": "docker"}):
            yield Engine(deployment, "docker")


def _programs(deployment: Deployment) -> list[int]:
    """Return the processes of this machine that work for the deployment."""
    paths = [deployment.engine, deployment.runtime, deployment.ready_file]
    paths.append(watch.record(deployment))
    found = set(mentioning(*paths, deployment.state / "mmdebstrap"))
    found |= {
        pid
        for record in (server.record(deployment), watch.record(deployment))
        if (pid := recorded(record)) is not None
    }
    return sorted(found - {os.getpid()})


def _processes(deployment: Deployment) -> list[int]:
    """Return all processes of the deployment, those of its hosts included."""
    found = set(_programs(deployment))
    for group in _groups(deployment):
        with contextlib.suppress(OSError):
            found |= {int(line) for line in (group / "cgroup.procs").read_text().split()}
    return sorted(found - {0})


def _end_recorded(record: Path) -> None:
    pid = recorded(record)
    if pid is not None:
        end([pid])


def _groups(deployment: Deployment) -> list[Path]:
    """Return the control groups of the deployment, the innermost first."""
    tops = [CGROUPS / deployment.name, *CGROUPS.glob(f"*/{deployment.name}")]
    found = [group for top in tops if top.is_dir() for group in (top, *top.rglob("*/"))]
    return sorted(found, key=lambda group: len(group.parts), reverse=True)


def _remove_groups(deployment: Deployment) -> None:
    for group in _groups(deployment):
        with contextlib.suppress(OSError):
            for pid in (group / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
    deadline = time.monotonic() + SETTLE_SECONDS
    while (groups := _groups(deployment)) and time.monotonic() < deadline:
        for group in groups:
            with contextlib.suppress(OSError):
                group.rmdir()
        time.sleep(0.02)


def _runtime_states(deployment: Deployment) -> list[Path]:
    """Return what the container runtime remembers of containers whose monitor was killed."""
    found = []
    for state in (path for root in RUNTIMES for path in root.glob("*/*")):
        with contextlib.suppress(OSError):
            if f"{deployment.engine}/".encode() in state.read_bytes():
                found.append(state.parent)
    return found


def _mounts(deployment: Deployment) -> list[str]:
    """Return the mounts below the deployment's folder, the innermost first."""
    inside = (f"{deployment.state}/", f"{deployment.runtime}/")
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    return [point for point in reversed(points) if point.startswith(inside)]


def _unmount(deployment: Deployment) -> None:
    for point in _mounts(deployment):
        run(["umount", "--lazy", point], check=False)


def _files(deployment: Deployment) -> list[Path]:
    """Return what this package writes; Terraform's state in the same folder is not ours."""
    names = (
        "base.tar",
        "engine",
        "hosts",
        "mmdebstrap",
        "secret.sh",
        "emulator.json",
        "emulator.log",
        "volumes",
    )
    return [
        *(deployment.state / name for name in names),
        deployment.runtime,
        *(deployment.state / "watch.log", watch.record(deployment), server.record(deployment)),
        *deployment.cache.glob("*.unfinished"),
    ]


def _remove_files(deployment: Deployment) -> None:
    for path in _files(deployment):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        deployment.state.rmdir()
