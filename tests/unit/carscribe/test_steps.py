"""A line a step, all else in a file, and of an error the sentence first."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from carscribe import cli
from carscribe.deployment import DeploymentError, StepError
from carscribe.steps import Steps, agrees, clear
from tests.pipeline import wait_for

if TYPE_CHECKING:
    from pathlib import Path

SAYS = "print('much'); print('\\x1b[31mred\\x1b[0m')"
FAILS = f"{SAYS}; import sys; sys.exit('api error PendingVerification: wait')"


def test_a_program_is_heard_in_the_log_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the screen is the step's line; the log has all that was said, also of a second program."""
    steps = Steps("up", verbose=False, folder=tmp_path)
    steps.say("A step")
    for _ in range(2):
        code, lines = steps.follow([sys.executable, "-c", SAYS], cwd=tmp_path, env=None)
        assert (code, lines) == (0, ["much\n", "red\n"])
    assert capsys.readouterr().out == "A step\n"
    assert (tmp_path / "up.log").read_text().count("\nmuch\n") == 2


def test_a_program_goes_on_where_the_command_is_killed(tmp_path: Path) -> None:
    """It writes into the file itself: Terraform, with nobody to hear it, does not die of that."""
    steps = Steps("up", verbose=False, folder=tmp_path)
    code = "import time; time.sleep(0.3); print('ended in order')"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=steps.output)
    del steps  # as the end of its process
    assert process.wait() == 0
    assert (tmp_path / "up.log").read_text() == "ended in order\n"


@pytest.mark.parametrize("handed_down", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_playbook_ends_where_the_command_is_killed(
    tmp_path: Path, handed_down: signal.Handlers
) -> None:
    """Ansible and the emulator's commands are interrupted: the same command again would meet them.

    A shell's job in the background ignores SIGINT, and hands that down.
    """
    waits = (
        "import time\nprint('begun', flush=True)\n"
        "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('interrupted', flush=True)"
    )
    code = (
        "import signal, sys; from pathlib import Path; from carscribe.steps import Steps\n"
        f"signal.signal(signal.SIGINT, signal.Handlers({int(handed_down)}))\n"
        f"steps = Steps('up', verbose=False, folder=Path({str(tmp_path)!r}))\n"
        f"steps.run(sys.executable, '-c', {waits!r})"
    )
    log = tmp_path / "up.log"
    with subprocess.Popen([sys.executable, "-c", code]) as command:
        wait_for(lambda: log.exists() and "\nbegun\n" in log.read_text(), "the program's start")
        command.kill()
    wait_for(lambda: log.read_text().endswith("\nbegun\ninterrupted\n"), "its end")


def test_verbose_shows_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With VERBOSE it is on the screen, too."""
    Steps("up", verbose=True, folder=tmp_path).run(sys.executable, "-c", SAYS)
    assert "   much\n" in capsys.readouterr().out


def test_what_is_awaited_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of progress are shown without VERBOSE."""
    steps = Steps("run", verbose=False, folder=tmp_path)
    steps.shows = re.compile("mu.*")
    steps.run(sys.executable, "-c", SAYS)
    assert capsys.readouterr().out == "much\n"


def test_an_error_is_its_sentence_and_then_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What went wrong comes first, with what to do; the path of the log comes last."""
    with pytest.raises(StepError) as failure:
        Steps("up", verbose=False, folder=tmp_path).run(sys.executable, "-u", "-c", FAILS)
    assert failure.value.code == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-2].startswith("api error PendingVerification: wait. AWS is still verifying your")
    assert said[-1].endswith(f"{tmp_path}/up.log")
    assert len(said) <= 4


def test_the_second_command_says_which_one_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkout is one command's at a time; the next says whose, and since when."""
    monkeypatch.setattr(cli, "BUILD", tmp_path)
    with cli.locked("up"), pytest.raises(SystemExit) as refused, cli.locked("down"):
        pass
    assert refused.value.code == 73
    assert re.match(
        r"`up` \(process \d+, since [\d:]{8} UTC\) is at work in this checkout: wait for its end\.",
        capsys.readouterr().err,
    )
    with cli.locked("down"):
        pass


@pytest.mark.parametrize("command", ["plan", "up", "run", "results", "down", "demo"])
def test_what_changes_something_has_the_checkout_for_itself(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of two commands at once the second names the first, and does nothing."""
    for name in ("BUILD", "RESULTS"):
        monkeypatch.setattr(cli, name, tmp_path)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with cli.locked("up"), pytest.raises(SystemExit) as refused:
        cli.main([command])
    assert refused.value.code == 73
    assert capsys.readouterr().err.splitlines()[-1].startswith("`up` (process ")


def test_what_killed_programs_left_is_removed(tmp_path: Path) -> None:
    """Sockets, files and folders go; the folder itself stays."""
    (tmp_path / "ansible" / "x").mkdir(parents=True)
    (tmp_path / "plugin").touch()
    (tmp_path / "link").symlink_to("/")
    clear(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "agreed"), [("y", True), (" YES ", True), ("", False), ("no", False)]
)
def test_a_person_is_asked_on_standard_error(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    *,
    agreed: bool,
) -> None:
    """What the command prints may go into a file, and a question there would be seen by nobody."""
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: answer)
    assert agrees("All would go.", "not now") is agreed
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "All would go.\nGo on? [y/N] ")


@pytest.mark.parametrize("blind", ["stdin", "stderr"])
def test_nobody_is_asked_who_would_not_see_it(monkeypatch: pytest.MonkeyPatch, blind: str) -> None:
    """A program waits for no answer that cannot come."""
    for name in ("stdin", "stderr"):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda name=name: name != blind)
    with pytest.raises(DeploymentError, match=r"^Say YES=1\.$"):
        agrees("All would go.", "Say YES=1.")
