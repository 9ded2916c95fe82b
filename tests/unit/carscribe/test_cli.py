"""The command line: what goes wrong on this machine is a sentence and an exit code."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, CredentialRetrievalError

from carscribe import cli, try_local
from carscribe.deployment import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Exception | None], tuple[int, str]]:
    """Run a command that meets an error; return the exit code and what was said."""
    for name in ("BUILD", "RESULTS"):
        monkeypatch.setattr(cli, name, tmp_path / name.lower())
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def run(problem: Exception | None) -> tuple[int, str]:
        def meet(_: object) -> int:
            if problem is not None:
                raise problem
            return 0

        monkeypatch.setitem(cli.COMMANDS, "verify", cli.Command(meet, (), "meet an error"))
        return cli.main(["verify"]), capsys.readouterr().err

    return run


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk(outcome: Callable[[Exception | None], tuple[int, str]], number: int) -> None:
    """It is said, with what to do."""
    said = "The disk is full: make room, and the same command goes on.\n"
    assert outcome(OSError(number, os.strerror(number))) == (73, said)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EISDIR, f"/a/build/target: Is a directory.{cli.MENDS[errno.EISDIR]}\n"),
        (errno.EROFS, "/a/build/target: Read-only file system.\n"),
        (errno.EACCES, f"/a/build/target: Permission denied.{cli.OF_ROOT}\n"),
    ],
)
def test_a_file_that_cannot_be_used(
    outcome: Callable[[Exception | None], tuple[int, str]], number: int, said: str
) -> None:
    """The file is named, and why: what was made with sudo is root's."""
    assert outcome(OSError(number, os.strerror(number), "/a/build/target")) == (73, said)


def test_a_folder_of_ours_that_is_a_file(
    outcome: Callable[[Exception | None], tuple[int, str]], tmp_path: Path
) -> None:
    """It is named before anything is done."""
    (tmp_path / "build").touch()
    assert outcome(None) == (73, f"{tmp_path}/build: File exists.\n")


def test_a_checkout_that_can_only_be_read(
    outcome: Callable[[Exception | None], tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What writes nothing into it works all the same."""

    def refuse(folder: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))

    monkeypatch.setattr(cli, "private_folder", refuse)
    assert outcome(None) == (0, "")


def test_a_question_without_an_answer(
    outcome: Callable[[Exception | None], tuple[int, str]],
) -> None:
    """Ctrl-D at a question is a no."""
    assert outcome(EOFError()) == (78, "There was a question, and no answer: nothing was done.\n")


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (
            CredentialRetrievalError(provider="custom-process", error_msg="gone"),
            "AWS cannot be asked: Error when retrieving credentials from custom-process: gone\n",
        ),
        (
            ClientError({"Error": {"Code": "ExpiredToken"}}, "X"),
            "Your AWS credentials have expired",
        ),
    ],
)
def test_credentials_may_end_at_any_call(
    outcome: Callable[[Exception | None], tuple[int, str]], problem: Exception, said: str
) -> None:
    """What AWS or its tools refuse in the middle of a command is a sentence."""
    code, told = outcome(problem)
    assert code == 78
    assert said in told


def test_an_error_of_the_network_is_no_file_s(
    outcome: Callable[[Exception | None], tuple[int, str]],
) -> None:
    """What no sentence fits stays what it is."""
    with pytest.raises(ConnectionResetError):
        outcome(ConnectionResetError(errno.ECONNRESET, "reset"))


def test_a_reader_that_has_enough(tmp_path: Path) -> None:
    """`make logs | head` ends as any program does whose reader has gone, without a word."""
    program = (
        "from carscribe import cli\n"
        "from pathlib import Path\n"
        f"cli.BUILD = cli.RESULTS = Path({str(tmp_path)!r})\n"
        "cli.COMMANDS['verify'] = cli.Command(lambda _: print('x') or 0, (), '')\n"
        "raise SystemExit(cli.main(['verify']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.communicate()[1] == b""
    assert process.returncode == 141


@pytest.mark.parametrize("words", [["up", "TARGET=local"], ["down", "YES=1"], ["status", "-x"]])
def test_words_of_make_are_no_arguments(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`carscribe up TARGET=local` does not go to AWS: what is not known is refused."""
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert end.value.code == 2
    assert f"unknown: {words[1]}" in capsys.readouterr().err


def test_the_samples_are_found_from_anywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who names no folder means the checkout's."""
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    given: list[Path] = []

    def run(images: Path, out: Path, *, eyes: bool) -> int:
        given.extend([images, out])
        return int(eyes)

    monkeypatch.setattr(try_local, "run", run)
    assert cli.main(["try"]) == 0
    assert given == [CHECKOUT / "images", CHECKOUT / "results" / "try"]
    assert cli.main(["record"]) == 0
    assert "have their answers; nothing to ask" in capsys.readouterr().out
