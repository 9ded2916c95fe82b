"""What is on the machine now, found by the system's own programs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests import processes

if TYPE_CHECKING:
    from tests.hosts.world import World


def of(world: World) -> list[str]:
    """Name everything that still belongs to a deployment."""
    state, name = str(world.state), world.deployment.name
    found = [
        f"process {pid}: {line}"
        for pid, line in processes.there_are().items()
        if state in line or name in line
    ]
    found += [f"mount {line}" for line in _lines("/proc/self/mountinfo") if state in line]
    found += [f"control group {path}" for path in _below("/sys/fs/cgroup") if name in path]
    found += [f"loop device {line}" for line in _output("losetup", "--all") if state in line]
    links = json.loads(_text("ip", "-json", "address"))
    found += [f"interface {item['ifname']}" for item in links if _is_ours(item, world)]
    found += [
        f"table {line}" for line in _output("nft", "list", "ruleset") if world.network in line
    ]
    found += [
        f"table {line}" for line in _output("nft", "list", "tables") if world.deployment.id in line
    ]
    found += [f"port {line}" for line in _output("ss", "-Htlnp") if f"{world.network}." in line]
    found += [f"file {path}" for path in _below(state)]
    runtime = [path for path in Path("/run").glob("[cr]*un*/*/*") if path.is_file()]
    found += [f"file {path}" for path in runtime if state.encode() in path.read_bytes()]
    return found


def _below(folder: str) -> list[str]:
    """Return what a folder holds, however it changes meanwhile; of images the folder is enough."""
    found = []
    for parent, folders, files in os.walk(folder):
        found += [f"{parent}/{name}" for name in (*folders, *files)]
        if Path(parent).name == "overlay":
            folders.clear()
    return found


def _is_ours(link: dict[str, object], world: World) -> bool:
    text = json.dumps(link)
    return world.deployment.id in text or f"{world.network}." in text or str(world.state) in text


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def _text(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _output(*command: str) -> list[str]:
    return _text(*command).splitlines()
