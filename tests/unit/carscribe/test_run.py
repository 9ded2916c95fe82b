"""`make run`: what is asked, what is started, and what is said of the end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from carscribe import run
from carscribe.deployment import DeploymentError, StepError
from tests.faked_host import RUN, Host

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Played = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Host, Host]:
    """Both hosts, free, and a run that will be called RUN."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    found = Host(tmp_path / "a", "a"), Host(tmp_path / "b", "b")
    for host in found:
        host.finish()
    monkeypatch.setattr(run, "reached", lambda: [host.remote for host in found])
    monkeypatch.setattr("carscribe.runs.new_run_id", lambda: RUN)
    return found


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, hosts: tuple[Host, Host]) -> Played:
    """What playbooks were run; each completes the run at once."""
    calls: Played = []

    def play(name: str, variables: dict[str, Any], *, log: Path) -> None:
        del log
        calls.append((name, variables))
        for host in hosts:
            if not host.failing:
                host.complete()

    monkeypatch.setattr(run, "play", play)
    return calls


def test_a_new_run_is_named_here(
    hosts: tuple[Host, Host], played: Played, capfd: pytest.CaptureFixture[str]
) -> None:
    """The run is started under a name of our own, watched, and its lines are printed alone."""
    hosts[1].output("1.jpg: A\n")
    run.make_run("", yes=False)
    assert played == [("start", {"run_new_id": RUN})]
    said = capfd.readouterr()
    assert said.out == "1.jpg: A\n"
    assert f"Run {RUN}\n" in said.err
    assert "`make results`" in said.err


def test_a_run_that_is_named_is_gone_on_with(hosts: tuple[Host, Host], played: Played) -> None:
    """What was left by the very run is no reason to ask."""
    for host in hosts:
        host.current(RUN)
        host.output("")
    run.make_run(RUN, yes=False)
    assert played == [("start", {"run_id": RUN})]


@pytest.mark.parametrize("run_id", ["{{ lookup('pipe', 'id') }}", "..", "$(id)", "a b"])
def test_a_name_that_is_none_reaches_no_program(
    run_id: str, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before hosts are asked or a playbook is run."""

    def fail() -> None:
        pytest.fail("a host was asked")

    monkeypatch.setattr(run, "reached", fail)
    with pytest.raises(DeploymentError, match="is no run id"):
        run.make_run(run_id, yes=True)
    assert played == []


@pytest.mark.parametrize("worker", [0, 1])
def test_another_run_that_has_not_ended_is_not_left_unasked(
    hosts: tuple[Host, Host], played: Played, worker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody can be asked it is named with both ways on, and nothing begins."""
    hosts[worker].current("old")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(DeploymentError, match=r"Run old has not ended.*RUN_ID=old.*YES=1"):
        run.make_run("", yes=False)
    assert played == []


@pytest.mark.parametrize(("answer", "begun"), [("y", 1), ("", 0), ("no", 0)])
def test_another_run_is_left_when_a_person_says_so(
    hosts: tuple[Host, Host],
    played: Played,
    answer: str,
    begun: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a terminal the question is asked, and anything but yes is no."""
    hosts[0].current("old")
    hosts[1].output("")
    ask: Callable[[str], str] = lambda _: answer  # noqa: E731 # a question's answer
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr("builtins.input", ask)
    if begun:
        run.make_run("", yes=False)
    else:
        with pytest.raises(DeploymentError, match="Nothing was begun"):
            run.make_run("", yes=False)
    assert played == [("start", {"run_new_id": RUN, "run_anew": True})] * begun


def test_a_run_that_failed_is_told_and_fails(
    hosts: tuple[Host, Host], played: Played, capfd: pytest.CaptureFixture[str]
) -> None:
    """The journal's last lines, the reason, and how to go on; nothing on standard output."""
    hosts[0].failing = True
    hosts[0].current(RUN)
    hosts[0].unit("failed", "failed", "exit-code", 78)
    with pytest.raises(StepError):
        run.make_run("", yes=False)
    assert len(played) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "Worker A's last lines:\nfirst\nlast\n" in said.err
    assert f"Worker A has not completed run {RUN} (failed): exit-code, exit code 78." in said.err
    assert said.err.endswith(f"`make run RUN_ID={RUN}`.\n")
