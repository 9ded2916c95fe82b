"""The hosts' base image: Debian 12 from a registry where one answers, else from apt's mirrors."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.hosts import packages
from emulator.hosts.engine import limits
from emulator.hosts.errors import INSTEAD, HostsError
from emulator.hosts.process import run

if TYPE_CHECKING:
    from emulator.hosts.deployment import Deployment
    from emulator.hosts.engine import Engine

SUITE = "bookworm"
PUBLIC_IMAGE = "debian:12"  # the engine knows in which registry
REGISTRY_SECONDS = 10.0
BUILD_SECONDS = 600.0
SINGLE = "Treating single images as manifest lists is not implemented"
ROOTFS = Path(__file__).parent / "rootfs"
UNWANTED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")


def ensure(deployment: Deployment, engine: Engine) -> str:
    """Return the image that new hosts are made from, and make what is missing of it."""
    files = sorted(path for path in ROOTFS.rglob("*") if path.is_file())
    digest = hashlib.sha256("\n".join(packages.IMAGE).encode())
    archive = deployment.cache / f"debian12-{digest.hexdigest()[:12]}.tar"
    for file in files:
        digest.update(str(file.relative_to(ROOTFS)).encode() + file.read_bytes())
    image = f"localhost/{deployment.name}-base:{digest.hexdigest()[:12]}"
    if engine.has_image(image):
        return image
    deployment.cache.mkdir(parents=True, exist_ok=True)
    folder = os.open(deployment.cache, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # another deployment that shares the cache may build it
        if not archive.exists():
            _build(deployment, engine, archive)
    finally:
        os.close(folder)
    complete = deployment.state / "base.tar"
    complete.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(archive, complete)
    try:
        with tarfile.open(complete, "a") as tar:
            for file in files:
                tar.add(file, f"./{file.relative_to(ROOTFS)}", filter=_owned_by_root)
        engine.import_image(complete, image)
    finally:
        complete.unlink(missing_ok=True)
    return image


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member


def _build(deployment: Deployment, engine: Engine, archive: Path) -> None:
    """Make the root file system that is kept for later deployments."""
    unfinished = archive.with_suffix(".unfinished")
    print("Building the hosts' base image, Debian 12; it is kept for the next time ...", flush=True)
    if not _from_registry(engine, unfinished):
        _from_mirror(deployment, unfinished)
    unfinished.replace(archive)


def _from_registry(engine: Engine, archive: Path) -> bool:
    """Take the public image and install the packages in it; False where that cannot be done."""
    name = f"{engine.deployment.name}-build"
    was_there = engine.has_image(PUBLIC_IMAGE)
    try:
        # A small question first: an unreachable registry is found out within seconds.
        if not _answers(engine):
            return False
        engine.run("pull", "--quiet", PUBLIC_IMAGE, timeout_seconds=BUILD_SECONDS)
        script = (
            "export DEBIAN_FRONTEND=noninteractive && apt-get -qq update && "
            f"apt-get -qq install --yes --no-install-recommends {' '.join(packages.IMAGE)} && "
            "apt-get clean && rm -rf /var/lib/apt/lists/*"
        )
        engine.run("rm", "--force", name, check=False)
        engine.run(
            *("run", "--name", name, "--label", engine.label, "--network", "host", *limits()),
            *(PUBLIC_IMAGE, "sh", "-ec", script),
            timeout_seconds=BUILD_SECONDS,
        )
        engine.run("export", "--output", archive, name, timeout_seconds=BUILD_SECONDS)
    except HostsError:
        return False
    finally:
        engine.run("rm", "--force", name, check=False)
        if not was_there:
            engine.run("rmi", PUBLIC_IMAGE, check=False)
    return True


def _answers(engine: Engine) -> bool:
    inspected = engine.run(
        "manifest", "inspect", PUBLIC_IMAGE, timeout_seconds=REGISTRY_SECONDS, check=False
    )
    # Podman finds an image that is there for one architecture only, and says that it cannot show it.
    return inspected.returncode == 0 or SINGLE in inspected.stderr


def _from_mirror(deployment: Deployment, archive: Path) -> None:
    """Build with mmdebstrap from the mirrors that this machine's own apt uses."""
    packages.install(packages.missing(packages.BUILDER))
    temporary = deployment.state / "mmdebstrap"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    temporary.chmod(0o755)
    sources = temporary / "sources.list"
    sources.write_text("".join(f"{line}\n" for line in mirrors()), encoding="utf-8")
    command: list[str | Path] = [
        # Its mounts and processes end with it, and it ends with this command.
        *("setpriv", "--pdeathsig", "KILL"),
        *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
        *(
            "mmdebstrap",
            "--quiet",
            "--format=tar",
            "--variant=minbase",
            f"--include={','.join(packages.IMAGE)}",
        ),
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in UNWANTED),
        # The folder of a deployment is its owner's alone, so apt's own user cannot enter it.
        '--aptopt=APT::Sandbox::User "root"',
        *(f"--aptopt={option}" for option in _apt_options()),
        *(SUITE, archive),
        # With no sources of its own mmdebstrap takes Debian's public mirror.
        *([sources] if sources.stat().st_size else []),
    ]
    try:
        run(command, environment={"TMPDIR": str(temporary)}, timeout_seconds=BUILD_SECONDS)
    except HostsError as error:
        raise HostsError(
            "The hosts' base image could not be built: neither a container registry nor a Debian "
            f"mirror gave it ({error}) Set up this machine's apt for Debian 12 or let it reach a "
            f"registry. {INSTEAD}"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def mirrors() -> list[str]:
    """Return lines of sources for Debian 12 by what this machine's apt has of Debian."""
    if not shutil.which("apt-get"):
        return []
    fields = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)|$(CREATED_BY)"
    listed = run(["apt-get", "indextargets", "--format", fields], check=False).stdout
    lines = set()
    for line in listed.splitlines():
        origin, uri, release, component, _signed_by, created_by = line.split("|")
        if origin != "Debian" or created_by != "Packages" or component != "main":
            continue
        if not release.startswith(SUITE):
            continue
        lines.add(f"deb {uri} {release} {component}")
    return sorted(lines) if any(f" {SUITE} " in line for line in lines) else []


def _apt_options() -> list[str]:
    """Return how this machine's apt gets through to its mirrors: a proxy, for one."""
    shown = run(["apt-config", "dump"], check=False).stdout
    return [
        line.rstrip(";")
        for line in shown.splitlines()
        if line.lower().startswith(("acquire::http::proxy ", "acquire::https::proxy "))
    ]
