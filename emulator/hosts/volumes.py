"""EBS volumes as loop devices on sparse files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.hosts.errors import INSTEAD, HostsError
from emulator.hosts.process import run

if TYPE_CHECKING:
    from emulator.hosts.deployment import Deployment
    from emulator.hosts.instances import Volume

GIB = 2**30


def attached(deployment: Deployment) -> dict[str, list[str]]:
    """Return the loop devices of this deployment by their volume's id."""
    listed = run(["losetup", "--list", "--json", "--output", "NAME,BACK-FILE"]).stdout
    found: dict[str, list[str]] = {}
    for entry in json.loads(listed)["loopdevices"] if listed.strip() else []:
        # A file that was removed under its device is listed as "... (deleted)".
        file = Path((entry["back-file"] or "").removesuffix(" (deleted)"))
        if file.parent == deployment.volumes:
            found.setdefault(file.stem, []).append(entry["name"])
    return found


def ensure(deployment: Deployment, volume: Volume) -> str:
    """Return the loop device that shows the volume, with its file made blank if it is new."""
    file = deployment.volumes / f"{volume.id}.img"
    file.parent.mkdir(parents=True, exist_ok=True)
    size_bytes = volume.size_gib * GIB
    existing = attached(deployment).get(volume.id, [])
    with file.open("ab") as handle:  # a volume grows as it does on EBS, and never shrinks
        grown = handle.seek(0, 2) < size_bytes
        if grown:
            handle.truncate(size_bytes)
    if existing:
        if grown:
            run(["losetup", "--set-capacity", existing[0]])
        return existing[0]
    try:
        return run(["losetup", "--find", "--show", file]).stdout.strip()
    except HostsError as error:
        raise HostsError(
            "This machine gives no loop device, which the result volume needs: "
            f"load the kernel's module with 'modprobe loop' and try again ({error}) {INSTEAD}"
        ) from error


def remove_all_but(deployment: Deployment, kept: frozenset[str]) -> None:
    """Detach and delete every volume that is not among those kept."""
    for volume_id, devices in attached(deployment).items():
        if volume_id not in kept:
            for device in devices:
                run(["losetup", "--detach", device], check=False)
    for file in deployment.volumes.glob("*.img"):
        if file.stem not in kept:
            file.unlink()
