"""What `make status` says of what is up."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from carscribe import deploy, deployment, look
from carscribe.deployment import DeploymentError
from carscribe.options import Options
from carscribe.runs import About
from tests.faked_host import RUN, Host

if TYPE_CHECKING:
    from pathlib import Path

SUMMARIES: dict[str, dict[str, Any]] = {
    "a": {
        "state": "complete",
        "listing_done": True,
        "images": {"listed": 10, "detected": 10, "cars": 6, "failed": 0},
    },
    "b": {"state": "complete", "images": {"received": 6, "settled": 6, "with_text": 4}},
}
FIGURES = "A looked at 10 of 10 images, B read 6 of 6 cars: 4 with text, 0 failed"


def said(of_a: About, of_b: About, **changes: dict[str, Any]) -> str:
    """Return what is said of the run."""
    summaries = SUMMARIES | changes
    return look.run_in_words({"a": of_a, "b": of_b}, lambda worker, _: summaries[worker])


def test_no_run_yet() -> None:
    """Before any run there is how to make one."""
    assert said(About(), About()) == "none yet: `make run` makes one"


def test_the_latest_run_in_the_words_of_its_progress() -> None:
    """How it ended, and the same line that a run shows while it goes on."""
    assert said(About(runs=["r2", "r1"]), About(runs=["r2"])) == f"r2: complete; {FIGURES}"


def test_a_run_in_progress() -> None:
    """While it runs nothing is advised."""
    running = SUMMARIES["b"] | {"state": "running", "duration_seconds": 2}
    at_work = About(is_at_work=True, current="r1", runs=["r1"])
    assert said(at_work, at_work, b=running) == (
        f"r1: A complete, B running; {FIGURES}, 3.0 cars/s"
    )
    assert str(at_work) == "at work on run r1"


def test_a_run_that_was_stopped() -> None:
    """A run that has not ended is named with the command that goes on with it."""
    left = About(current="r1", runs=["r1"])
    assert said(left, left).endswith("has not ended, go on with it: `make run RUN_ID=r1`")


def test_a_run_that_has_only_just_been_named() -> None:
    """A run whose worker never wrote anything can be gone on with all the same."""
    left = About(current="r1")
    assert "go on with it: `make run RUN_ID=r1`" in said(left, About(), a={}, b={})


def test_a_run_that_only_b_knows_is_fetched_and_not_gone_on_with() -> None:
    """With A's volume gone, what is advised is what works."""
    told = said(About(), About(current="r1", runs=["r1"]), a={})
    assert "make run" not in told
    assert told.endswith("`make results RUN_ID=r1` fetches what there is")


def said_of_two(*seen: About, **changes: dict[str, Any]) -> str:
    """Return what is said of a run of two pairs."""
    summaries = SUMMARIES | {f"{name}-2": one for name, one in SUMMARIES.items()} | changes
    names = ("a", "b", "a-2", "b-2")
    hosts = dict(zip(names, seen, strict=True))
    return look.run_in_words(hosts, lambda name, _: summaries[name])


def test_a_run_of_two_pairs() -> None:
    """Figures are sums; one pair that is unfinished is reason to go on with the run."""
    done = About(runs=["r1"])
    whole = said_of_two(done, done, done, done)
    assert whole.startswith("r1: complete; A looked at 20 of 20 images, B read 12 of 12 cars")
    left = About(current="r1", runs=["r1"])
    stopped = {"b-2": SUMMARIES["b"] | {"state": "stopped"}}
    told = said_of_two(done, done, done, left, **stopped)
    assert told.startswith("r1: A complete, B complete, A-2 complete, B-2 stopped; ")
    assert told.endswith("has not ended, go on with it: `make run RUN_ID=r1`")
    at_work = About(is_at_work=True, current="r1", runs=["r1"])
    assert "go on" not in said_of_two(done, at_work, done, left, **stopped)


def test_a_run_that_an_a_of_another_pair_does_not_know() -> None:
    """One that was begun with fewer pairs, say, cannot be gone on with."""
    left = About(current="r1", runs=["r1"])
    told = said_of_two(left, left, About(), About(), **{"a-2": {}, "b-2": {}})
    assert "; worker A-2's host knows nothing of it, so it cannot be gone on with: " in told


def test_a_run_that_was_begun_with_more_pairs() -> None:
    """With the others gone, what is advised is what works."""
    left, of_two = About(current="r1", runs=["r1"]), SUMMARIES["a"] | {"pairs": 2}
    told = said(left, left, a=of_two)
    assert "; it was begun with another number of pairs than 1, so it cannot be gone on" in told
    assert "make run" not in told
    assert "go on with it" in said(left, left, a=of_two | {"pairs": 1})


def test_a_host_is_asked(tmp_path: Path) -> None:
    """Unit, run and runs come from the host; what is no run id is no run."""
    host = Host(tmp_path, "a")
    (host.state / "runs" / "-rf").mkdir()
    host.summary(state="running")
    found = host.remote.about()
    assert found == About(is_at_work=True, current=RUN, runs=[RUN])
    assert host.remote.summary(RUN) == {"state": "running"}
    assert host.remote.summary("none") == {}
    host.summary(images={"detected": "ten"})
    assert host.remote.summary(RUN) == {}
    steering = {"a": {"state": "\x1b[2J"}}
    assert "\x1b" not in look.run_in_words(
        {"a": found, "b": found}, lambda n, _: steering.get(n, {})
    )
    host.current("x; touch /tmp/pwned")
    assert host.remote.about().current == "", "it would be part of a command for the other host"
    (tmp_path / "off").touch()
    assert str(host.remote.about()) == "cannot be asked over SSH: exit code 255"


def test_the_last_result(tmp_path: Path) -> None:
    """What was fetched last is named with its counts and its page; before that, how to fetch."""
    assert look.fetched(tmp_path) == "none fetched yet: `make results` fetches the latest run"
    run = tmp_path / "r1"
    run.mkdir()
    (tmp_path / "fetched-run").write_text(f"{run}\n")
    totals = {"images": 10, "cars": 6, "with_text": 4, "failed": 0}
    (run / "summary.json").write_text(json.dumps({"totals": totals}))
    told = look.fetched(tmp_path)
    assert told == f"r1: 10 images, 6 cars, 4 with text, 0 failed; see {run}/report.html"
    for junk in ("[]", "{}", '{"totals": {}}', '{"totals": 7}'):
        (run / "summary.json").write_text(junk)
        assert look.fetched(tmp_path).startswith("none fetched yet")


def test_a_command_on_a_host_is_its_shell_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`make ssh HOST=a CMD='...'` passes it as it was typed, and ends with its exit code."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nfor word; do :; done; echo "$2"; exec sh -c "$word"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    names = ("ansible_ssh_private_key_file", "ansible_ssh_common_args", "ansible_user")
    host = deployment.Host("a", dict.fromkeys([*names, "ansible_host"], "x"))
    monkeypatch.setattr(deploy, "awake", lambda: None)
    monkeypatch.setattr(deploy, "choose_hosts", lambda name: [host] if name == "a" else [])
    assert deploy.ssh(Options(host="a", command="echo 'a  b'; exit 3")) == 3
    assert capfd.readouterr().out.splitlines()[-1] == "a  b"
    with pytest.raises(DeploymentError, match=r"^Say which host: `make ssh HOST=a`"):
        deploy.ssh(Options(command="true"))


def test_nothing_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing up, one sentence says how to bring it up on either target."""
    monkeypatch.setattr(look, "target_that_is_up", lambda: None)
    with pytest.raises(DeploymentError, match=r"`make up` makes the hosts on AWS"):
        look.status({})
