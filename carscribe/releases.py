"""What is installed on each host: one archive of wheels a worker, built from this checkout.

``python -m carscribe.releases DIR`` writes the archives into DIR and prints, as
JSON, the path and the digest of each worker's. An archive holds the worker's
own wheel, common's, everything they depend on, pip to install them with, and
the requirements that name every file by its hash. It is reproducible: the
same sources give the same digest, so a host can tell whether it has it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from carscribe import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WORKERS = ("a", "b")
REQUIREMENTS = "requirements.txt"

# The time that stands in every wheel and archive (the first second a zip can tell).
EPOCH = 315_532_800

_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


class BuildError(Exception):
    """A wheel could not be built or downloaded."""


def build(directory: Path) -> dict[str, dict[str, str]]:
    """Make the archive of each worker in this directory, and tell where it is."""
    dependencies = _download("hosts", directory / "dependencies")
    installer = _download("installer", directory / "installer")
    own = _own_wheels(directory / "own")
    made = {}
    for worker in WORKERS:
        wheels = [own["carscribe_common"], own[f"carscribe_worker_{worker}"]]
        contents = archive_contents(wheels, dependencies, installer)
        archive = pack(contents)
        digest = hashlib.sha256(archive).hexdigest()
        path = directory / f"worker-{worker}-{digest[:16]}.tar"
        if not path.exists():
            for outdated in directory.glob(f"worker-{worker}-*.tar"):
                outdated.unlink()
            path.write_bytes(archive)
        made[worker] = {"archive": str(path), "digest": digest}
    return made


def archive_contents(
    own: Iterable[Path], dependencies: Iterable[Path], installer: Iterable[Path]
) -> dict[str, bytes]:
    """Return the files of an archive by name."""
    to_install = {path.name: path.read_bytes() for path in (*own, *dependencies)}
    [pip] = installer
    return {
        **to_install,
        "pip.whl": pip.read_bytes(),
        REQUIREMENTS: requirements(to_install).encode(),
    }


def requirements(wheels: Mapping[str, bytes]) -> str:
    """Return the requirements that allow these wheels and nothing else."""
    lines = []
    for name, content in sorted(wheels.items()):
        distribution, version = name.split("-")[:2]
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f"{distribution}=={version} --hash=sha256:{digest}\n")
    return "".join(lines)


def pack(contents: Mapping[str, bytes]) -> bytes:
    """Return a tar archive that depends on nothing but these contents."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(contents.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mtime = EPOCH
            entry.mode = 0o644
            archive.addfile(entry, BytesIO(content))
    return buffer.getvalue()


def _download(group: str, directory: Path) -> list[Path]:
    """Download the locked wheels of a group, unless they are here since the last time."""
    locked = CHECKOUT / "requirements" / f"{group}.txt"
    stamp = directory / locked.name
    if not stamp.exists() or stamp.read_bytes() != locked.read_bytes():
        _empty(directory)
        _run(
            *(*_PIP, "download", "--require-hashes", "--only-binary", ":all:"),
            *("--dest", str(directory), "--requirement", str(locked)),
            failure=f"The wheels of {locked.name} could not be downloaded",
        )
        stamp.write_bytes(locked.read_bytes())
    return sorted(directory.glob("*.whl"))


def _own_wheels(directory: Path) -> dict[str, Path]:
    """Build the wheels of common and the workers, by the name of the distribution."""
    _empty(directory)
    folders = [str(CHECKOUT / name) for name in ("common", "worker_a", "worker_b")]
    _run(
        *(*_PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation"),
        *("--wheel-dir", str(directory), *folders),
        failure="The workers' wheels could not be built",
    )
    return {path.name.split("-")[0]: path for path in directory.glob("*.whl")}


def _empty(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        path.unlink()


def _run(*command: str, failure: str) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"{failure}: {why(done.stderr)}")


def why(said: str) -> str:
    """Return what pip calls an error, and what to do where it has reached nobody."""
    if broken := re.search(r"connection broken by '?(\w+)", said):
        return (
            f"the package index cannot be reached ({broken[1]}): look at the network, HTTPS_PROXY and "
            "PIP_INDEX_URL."
        )
    errors = [line for line in said.splitlines() if line.startswith("ERROR: ")]
    return " ".join(" ".join(errors or [said]).split())[-800:]


def main() -> int:
    """Build into the directory named on the command line."""
    try:
        made = build(Path(sys.argv[1]).resolve())
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
