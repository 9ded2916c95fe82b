"""`make run`: what is asked, what is started, and what is said of the end."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from carscribe import deploy, results, run, targets
from carscribe.deployment import DeploymentError, StepError
from carscribe.deployment import Host as Named
from carscribe.options import Options
from carscribe.runs import OUTPUT_LINES_MAX
from carscribe.steps import Steps
from tests.faked_host import RUN, Host

if TYPE_CHECKING:
    from pathlib import Path

Played = list[dict[str, Any]]


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
def played(hosts: tuple[Host, Host]) -> Played:
    """With what variables runs were started; each is complete at once."""
    del hosts
    return []


@pytest.mark.parametrize("unseen", [0, 2])
def test_pictures_that_nobody_looked_at_are_said(
    unseen: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On this machine, with no recorded answer and no recognizer, no car was looked for."""
    monkeypatch.setattr(deploy, "Steps", lambda *_, **__: None)
    monkeypatch.setattr(deploy, "make_run", lambda *_, **__: None)
    monkeypatch.setattr(deploy, "awake", lambda: None)
    monkeypatch.setattr(targets, "present", targets.Local)
    monkeypatch.setattr(targets.Local, "unseen", lambda _: unseen)
    assert deploy.run(Options()) == 0
    said = capsys.readouterr().err
    assert said.startswith("Nothing is recorded for 2 images, so nobody has") == bool(unseen)


def make_run(hosts: tuple[Host, Host], played: Played, run_id: str = "") -> None:
    """Make a run as `make run` does, without YES."""

    def start(variables: dict[str, Any]) -> None:
        played.append(variables)
        for host in hosts:
            if not host.failing:
                host.complete()

    run.make_run(run_id, yes=False, start=start)


def test_a_new_run_is_named_here(
    hosts: tuple[Host, Host], played: Played, capfd: pytest.CaptureFixture[str]
) -> None:
    """The run is started under a name of our own, watched, and its lines are printed alone."""
    hosts[1].output("1.jpg: A\n")
    make_run(hosts, played)
    assert played == [{"run_new_id": RUN}]
    said = capfd.readouterr()
    assert said.out == "1.jpg: A\n"
    assert f"Run {RUN}\n" in said.err
    assert "`make results`" in said.err


def test_a_long_result_is_not_printed_to_its_end(
    hosts: tuple[Host, Host], capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor does it come over the line for that: the first lines do, and how many are left is said."""
    lines = [f"{n}.jpg: A" for n in range(1, OUTPUT_LINES_MAX + 2)]
    hosts[1].output("".join(f"{line}\n" for line in lines))
    assert hosts[1].remote.output(RUN) == lines[:-1]

    def start(_: dict[str, Any]) -> None:
        for host in hosts:
            host.complete()
        hosts[1].summary(state="complete", images={"with_text": 2_000_000})

    run.make_run("", yes=False, start=start)
    said = capfd.readouterr()
    assert said.out.splitlines() == lines[:-1]
    assert "And 1,999,000 lines more.\n" in said.err


def test_a_run_that_is_named_is_gone_on_with(hosts: tuple[Host, Host], played: Played) -> None:
    """What was left by the very run is no reason to ask."""
    for host in hosts:
        host.current(RUN)
        host.output("")
    make_run(hosts, played, RUN)
    assert played == [{"run_id": RUN}]


@pytest.mark.parametrize("worker", [0, 1])
def test_another_run_that_has_not_ended_is_not_left_unasked(
    hosts: tuple[Host, Host], played: Played, worker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody can be asked it is named with both ways on, and nothing begins."""
    hosts[worker].current("old")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(DeploymentError, match=r"Run old has not ended.*RUN_ID=old.*YES=1"):
        make_run(hosts, played)
    assert played == []


def test_each_other_run_is_named_with_what_can_be_done_with_it(
    hosts: tuple[Host, Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another pair may hold another run, and one that was begun with fewer pairs is not gone on with."""
    found = [*hosts]
    for name in ("a-2", "b-2"):
        (tmp_path / name).mkdir()
        found.append(Host(tmp_path / name, name))
    for host in found[2:]:
        host.unit("inactive", "dead")
        host.current("of-two")
    for host in found:
        (host.state / "runs" / "of-two").mkdir()
    for host in hosts:
        host.current(RUN)
        host.summary(state="stopped", pairs=1)
    monkeypatch.setattr(run, "reached", lambda: [host.remote for host in found])
    with pytest.raises(DeploymentError) as told:
        make_run(hosts, [], "new")
    assert str(told.value) == (
        f"Run {RUN} has not ended; it was begun with another number of pairs than 2, so it cannot "
        f"be gone on with: `make results RUN_ID={RUN}` fetches what there is. Run of-two has not "
        "ended: `make run RUN_ID=of-two` goes on with it. Another one leaves them as they are. Say "
        "YES=1 to begin another."
    )


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
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: answer)
    if begun:
        make_run(hosts, played)
    else:
        with pytest.raises(DeploymentError, match="Nothing was begun"):
            make_run(hosts, played)
    assert played == [{"run_new_id": RUN, "run_anew": True}] * begun


def test_a_run_that_failed_is_told_and_fails(
    hosts: tuple[Host, Host], played: Played, capfd: pytest.CaptureFixture[str]
) -> None:
    """The journal's last lines, the reason, and how to go on; nothing on standard output."""
    hosts[0].failing = True
    hosts[0].current(RUN)
    hosts[0].unit("failed", "failed", "exit-code", 78)
    with pytest.raises(StepError):
        make_run(hosts, played)
    assert len(played) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "Worker A's last lines:\nfirst\nlast\n" in said.err
    assert f"Worker A has not completed run {RUN} (failed): exit-code, exit code 78." in said.err
    assert said.err.endswith(f"`make run RUN_ID={RUN}`.\n")


def test_a_run_is_fetched_and_merged_and_named(
    hosts: tuple[Host, Host], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The files come, with a word on how much; then there is what was made, and exit code 0."""
    for host in hosts:
        host.summary(
            state="complete",
            run_id=RUN,
            started_at="2026-03-03T10:00:00+00:00",
            ended_at="2026-03-03T10:00:09+00:00",
        )
        (host.state / "runs" / RUN / "store.sqlite3").touch()
        (host.state / "runs" / RUN / "results.jsonl").touch()
    hosts[1].output("")
    folder, silent = run.fetch_run([host.remote for host in hosts], "", tmp_path / "results")
    assert (folder, silent) == (tmp_path / "results" / RUN, {})
    results.merge(folder)
    assert run.say_result(folder, silent) == 0
    said = capfd.readouterr()
    assert f"Run {RUN}: 0.3 kB are here" in said.out
    assert f"The page:    {folder}/report.html" in said.out
    assert f"The table:   {folder}/results.csv" in said.out
    assert "fetched 0.3 kB of 0.3 kB" in said.err


@pytest.mark.parametrize(("images", "is_said"), [(200, False), (201, True), (20_000, True)])
def test_pictures_that_were_not_fetched_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], images: int, is_said: bool
) -> None:
    """The page has some of them, and a word on how to get the others."""
    totals = {"images": images, "cars": 0, "with_text": 0, "failed": 0}
    summary = {"totals": totals, "state": "complete"}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    run.say_result(tmp_path, {}, 200)
    told = (
        "of the first 200 images; `make results THUMBNAILS=all` fetches" in capsys.readouterr().out
    )
    assert told == is_said


def said_of(hosts: tuple[Host, Host], begun_by: int, folder: Path) -> int:
    """Fetch a run that this host has begun, merge it, and say what there is; return the code."""
    (hosts[begun_by].state / "runs" / RUN / "store.sqlite3").touch()
    fetched, silent = run.fetch_run([host.remote for host in hosts], RUN, folder / "results")
    results.merge(fetched)
    return run.say_result(fetched, silent)


def test_a_run_that_is_not_complete_says_so(
    hosts: tuple[Host, Host], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is there is merged; why it is not all, and what to do, is said, and the code is 65."""
    hosts[0].summary(
        state="incomplete",
        run_id=RUN,
        started_at="2026-03-03T10:00:00+00:00",
        ended_at=None,
        reason="No sign of life.",
    )
    assert said_of(hosts, 0, tmp_path) == 65
    assert capfd.readouterr().err.endswith(
        "This run is not complete but incomplete.\nWorker A: No sign of life.\n"
        f"`make run RUN_ID={RUN}` goes on with it, `make status` shows how far it is.\n"
    )


def test_a_run_that_only_b_knows_is_not_simply_gone_on_with(
    hosts: tuple[Host, Host], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As after the loss of A's volume: `make run` with its id would refuse."""
    shutil.rmtree(hosts[0].state / "runs" / RUN)
    hosts[1].summary(
        state="running", run_id=RUN, started_at="2026-03-03T10:00:00+00:00", ended_at=None
    )
    assert said_of(hosts, 1, tmp_path) == 65
    assert capfd.readouterr().err.endswith(
        " Nothing of worker A is here: if its volume is a new one nobody can go on with it, and "
        "`make run YES=1` begins another.\n"
    )


def test_a_run_of_two_pairs_names_what_is_partial_and_why(
    hosts: tuple[Host, Host], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Both pairs' files come; the output so far has a name of its own, and the code is 65."""
    found = [*hosts]
    for name in ("a-2", "b-2"):
        (tmp_path / name).mkdir()
        found.append(Host(tmp_path / name, name))
    for host in found:
        when = {"started_at": "2026-03-03T10:00:00+00:00", "ended_at": None}
        host.summary(state="complete", run_id=RUN, pairs=2, **when)
        (host.state / "runs" / RUN / "store.sqlite3").touch()
    found[3].summary(state="stopped", run_id=RUN, pairs=2, reason="It was \x1b.", **when)
    folder, silent = run.fetch_run([host.remote for host in found], "", tmp_path / "results")
    results.merge(folder)
    assert run.say_result(folder, silent) == 65
    said = capfd.readouterr()
    assert f"So far:      {folder}/output.partial.txt\n" in said.out
    assert "The result:" not in said.out
    assert said.err.endswith(
        "This run is not complete but stopped.\nWorker B-2: It was \\x1b.\n"
        f"`make run RUN_ID={RUN}` goes on with it, `make status` shows how far it is.\n"
    )
    assert run.say_result(folder, silent, present=1) == 65
    assert capfd.readouterr().err.endswith(
        "It was begun with another number of pairs than 1, so it cannot be gone on with: `make run` "
        "begins another.\n"
    )
    size = sum(path.stat().st_size for path in folder.glob("*/*"))
    assert f"Run {RUN}: {size / 1000:.1f} kB are here" in said.out


def test_a_host_that_does_not_answer_is_named_with_the_way_out(
    hosts: tuple[Host, Host], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What the other host has is there, what is missing is said, and the code is 65."""
    hosts[0].summary(
        state="complete", run_id=RUN, started_at="2026-03-03T10:00:00+00:00", ended_at=None
    )
    (hosts[0].state / "runs" / RUN / "store.sqlite3").touch()
    (hosts[1].folder / "off").touch()
    folder, silent = run.fetch_run([host.remote for host in hosts], RUN, tmp_path / "results")
    results.merge(folder)
    assert run.say_result(folder, silent) == 65
    assert capfd.readouterr().err.endswith(
        "Host B does not answer (exit code 255).\n"
        "What it has is missing: `make up`, then `make results` again.\n"
    )


def test_a_run_that_never_was_is_no_traceback(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """One sentence names the runs that there are."""
    with pytest.raises(DeploymentError, match="There has been no run yet: `make run` makes one"):
        run.fetch_run([host.remote for host in hosts], "", tmp_path)


def test_before_all_is_removed_each_host_has_to_answer(
    hosts: tuple[Host, Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be fetched another time is not called fetched while a host is silent."""
    (hosts[1].state / "runs" / RUN / "store.sqlite3").touch()
    (hosts[0].folder / "off").touch()
    inventory = {"a": Named("a", {"carscribe_bucket": "photos"})}
    monkeypatch.setattr(deploy, "hosts", lambda: inventory)
    monkeypatch.setattr(deploy, "reached", lambda: [host.remote for host in hosts])
    monkeypatch.setattr(deploy, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(deploy, "BUILD", tmp_path / "build")
    steps = Steps("down", verbose=False, folder=tmp_path)
    merged: list[str] = []
    monkeypatch.setattr(steps, "run", lambda *words, **_: merged.extend(words[3:4]))
    said = r"Host A does not answer, and what it has is missing; what the others have is in "
    with pytest.raises(DeploymentError, match=said):
        deploy.fetch(steps, RUN, last=True)
    assert merged == [str(tmp_path / "results" / RUN)]
