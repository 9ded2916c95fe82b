"""How a run is named, how its end is judged, and how it is watched."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from carscribe import watch
from carscribe.runs import (
    RunIdError,
    SilentError,
    check_run_id,
    names_of,
    new_run_id,
    remotes,
)
from carscribe.watch import Seen, denied_regions, judge, several_models
from carscribe_common import rules
from tests import processes
from tests.faked_host import RUN, Host

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("run_id", ["1", RUN, "a.b-c_d", "x" * 64])
def test_a_run_id_is_one_folder(run_id: str) -> None:
    """Letters, digits, dots, dashes and underscores, up to 64 of them."""
    assert check_run_id(run_id) == run_id


@pytest.mark.parametrize(
    "run_id",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "-rf",
        ".hidden",
        "a b",
        "a\n",
        "x" * 65,
        "é",
        "{{ x }}",
        "$(x)",
    ],
)
def test_what_could_be_more_than_a_folder_is_no_run_id(run_id: str) -> None:
    """No path, no option, no template and no command is taken, and the sentence shows it harmless."""
    with pytest.raises(RunIdError, match="is no run id: 1 to 64 letters") as end:
        check_run_id(run_id)
    assert str(end.value).isprintable()


def test_two_runs_never_meet() -> None:
    """Two runs begun in the same moment have two names, each a run id, in the order of time."""
    names = {new_run_id() for _ in range(100)}
    assert len(names) == 100
    for name in names:
        check_run_id(name)


def look(**facts: Any) -> dict[str, Any]:
    """Return a look at a host whose worker rests with its run not done."""
    return {
        "ActiveState": "inactive",
        "SubState": "dead",
        "Result": "success",
        "ExecMainStatus": "0",
        "System": "running",
        "Current": RUN,
        "summary": {},
        **facts,
    }


@pytest.mark.parametrize("state", ["active", "activating", "deactivating", "reloading"])
def test_a_worker_that_runs_has_not_ended(state: str) -> None:
    """Nothing is judged while the unit is active, or waits for its restart."""
    assert judge(look(ActiveState=state), Seen(), RUN).outcome is None


def test_a_run_is_complete_when_the_worker_says_so_and_the_run_is_forgotten() -> None:
    """Complete: the unit rests, current-run is gone, the summary says complete."""
    seen = judge(look(Current="", summary={"state": "complete"}), Seen(), RUN)
    assert seen.outcome == "complete"


def test_a_run_that_is_forgotten_but_not_complete_has_failed() -> None:
    """No current-run and no complete summary is no success."""
    assert judge(look(Current="", summary={"state": "running"}), Seen(), RUN).outcome == "failed"


def test_a_host_that_is_another_run_s_is_not_ours() -> None:
    """Whatever its unit does, a host whose current-run names another run says so of this one."""
    for state in ("active", "inactive", "failed"):
        seen = judge(look(ActiveState=state, Current="other"), Seen(), RUN)
        assert seen.outcome == "failed"
        assert "run other" in str(seen.reason)


def test_a_failed_unit_gives_the_workers_own_reason() -> None:
    """The reason is the sentence that the worker wrote."""
    seen = judge(look(ActiveState="failed", summary={"reason": "No bucket."}), Seen(), RUN)
    assert (seen.outcome, seen.reason) == ("failed", "No bucket.")


def test_a_failed_unit_without_a_summary_gives_systemds_reason() -> None:
    """A worker that could not write leaves systemd's word and the exit code."""
    failed = look(ActiveState="failed", Result="exit-code", ExecMainStatus="74")
    assert judge(failed, Seen(), RUN).reason == "exit-code, exit code 74."


def test_a_unit_that_could_not_start_names_what_is_missing() -> None:
    """A volume that was unmounted is "resources" to systemd, and a volume to people."""
    failed = look(ActiveState="failed", Result="resources")
    assert "its volume that is not mounted" in str(judge(failed, Seen(), RUN).reason)
    assert "exit code" not in str(judge(failed, Seen(), RUN).reason)


@pytest.mark.parametrize("system", ["initializing", "starting", "stopping", "maintenance"])
def test_a_reboot_is_no_end(system: str) -> None:
    """A unit that rests while its host goes down or comes up has not been stopped."""
    assert judge(look(System=system), Seen(is_idle=True), RUN).outcome is None


def test_a_stop_counts_at_the_second_look() -> None:
    """Only two looks in a row tell a worker that was stopped from one that starts just now."""
    first = judge(look(), Seen(), RUN)
    assert first.outcome is None
    assert judge(look(), first, RUN).outcome == "stopped"
    between = judge(look(ActiveState="active"), first, RUN)
    assert judge(look(), between, RUN).outcome is None


def test_the_last_summary_is_kept() -> None:
    """A look without a summary, as after a reboot, keeps what was known."""
    before = Seen(summary={"images": {"detected": 3}})
    assert judge(look(ActiveState="active"), before, RUN).summary == before.summary


def test_what_is_waited_for_is_said() -> None:
    """A silent host, a worker that is started again, and the time before the first summary."""
    at_work = Seen(summary={"state": "running"})
    assert watch.note({"a": Seen(), "b": Seen()}) == "starting the workers"
    assert watch.note({"a": at_work, "b": Seen(silent=True)}) == (
        "host B out of reach for now; the run goes on there"
    )
    assert watch.note({"a": at_work, "b": Seen(restarts_after="74")}) == (
        "worker B ended with 74 and is started again: `make logs HOST=b` says why"
    )
    assert watch.note({"a": at_work, "b": Seen(outcome="unreachable", silent=True)}) == ""


@pytest.fixture
def hosts(tmp_path: Path) -> tuple[Host, Host]:
    """Both hosts, at work on the run."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    return Host(tmp_path / "a", "a"), Host(tmp_path / "b", "b")


class Watching:
    """A watch beside the test."""

    def __init__(self, hosts: tuple[Host, ...], silence_seconds: float = 60) -> None:
        self.seen: list[dict[str, Seen]] = []
        self.end: dict[str, Seen] = {}
        self._thread = threading.Thread(target=self._watch, args=(hosts, silence_seconds))
        self._thread.start()

    def _watch(self, hosts: tuple[Host, ...], silence_seconds: float) -> None:
        self.end = watch.watch(
            [host.remote for host in hosts],
            RUN,
            self._show,
            poll_seconds=0.05,
            silence_seconds=silence_seconds,
        )

    def _show(self, seen: Mapping[str, Seen]) -> None:
        self.seen.append(dict(seen))

    def until(self, worker: str, **summary: Any) -> None:
        """Wait until a summary was seen."""
        deadline = time.monotonic() + 20
        while not self.seen or self.seen[-1][worker].summary != summary:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def until_ended(self, *names: str) -> None:
        """Wait until workers have ended."""
        deadline = time.monotonic() + 20
        while not self.seen or not all(self.seen[-1][name].outcome for name in names):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def outcomes(self) -> dict[str, str | None]:
        """Wait for the end, and return each worker's."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return {worker: seen.outcome for worker, seen in self.end.items()}


def test_a_run_is_watched_to_its_end(hosts: tuple[Host, Host]) -> None:
    """Each summary is seen while it is there, and the watch ends when both have completed."""
    a, b = hosts
    watching = Watching(hosts)
    a.summary(state="running", images={"detected": 1})
    watching.until("a", state="running", images={"detected": 1})
    a.complete()
    b.complete()
    assert watching.outcomes() == {"a": "complete", "b": "complete"}
    assert not a.stopped
    assert not b.stopped


def test_a_worker_that_is_left_alone_is_stopped(hosts: tuple[Host, Host]) -> None:
    """When A has failed, B waits in vain: it is stopped, and neither called complete."""
    a, b = hosts
    watching = Watching(hosts)
    a.unit("failed", "failed", "exit-code", 78)
    assert watching.outcomes() == {"a": "failed", "b": "abandoned"}
    assert b.stopped
    assert not a.stopped
    [said, advice] = watch.sentences(watching.end, RUN)
    assert said == f"Worker A has not completed run {RUN} (failed): exit-code, exit code 78."
    assert advice.endswith(f"`make run RUN_ID={RUN}`.")


@pytest.fixture
def pairs(hosts: tuple[Host, Host], tmp_path: Path) -> dict[str, Host]:
    """Two pairs, at work on the run."""
    for name in ("a-2", "b-2"):
        (tmp_path / name).mkdir()
    second = [Host(tmp_path / name, name) for name in ("a-2", "b-2")]
    return {host.name: host for host in (*hosts, *second)}


def test_a_pair_that_fails_leaves_the_others_to_their_end(pairs: dict[str, Host]) -> None:
    """Only the partner is stopped; the other pair ends when it has ended, and what failed is said."""
    watching = Watching(tuple(pairs.values()))
    pairs["a-2"].unit("failed", "failed", "exit-code", 78)
    watching.until_ended("a-2", "b-2")
    assert pairs["b-2"].stopped
    pairs["a"].summary(state="running", images={"detected": 7})
    watching.until("a", state="running", images={"detected": 7})
    assert not pairs["a"].stopped
    assert not pairs["b"].stopped
    pairs["a"].complete()
    pairs["b"].complete()
    ended = {"a": "complete", "b": "complete", "a-2": "failed", "b-2": "abandoned"}
    assert watching.outcomes() == ended
    remotes = [host.remote for host in pairs.values()]
    end = watch.end_of(remotes, watching.end, RUN)
    assert end.problems[0].startswith(f"Worker A-2 has not completed run {RUN} (failed)")
    assert end.journals.keys() == {"a-2"}
    assert end.output == []


def test_a_host_out_of_reach_leaves_the_other_pair_at_work(pairs: dict[str, Host]) -> None:
    """What is silent is given up with its partner alone."""
    (pairs["b"].folder / "off").touch()
    for name in ("a-2", "b-2"):
        pairs[name].complete()
    outcomes = Watching(tuple(pairs.values()), silence_seconds=1).outcomes()
    ended = {"a": "abandoned", "b": "unreachable", "a-2": "complete", "b-2": "complete"}
    assert outcomes == ended
    assert pairs["a"].stopped
    assert not pairs["a-2"].stopped


@pytest.mark.parametrize(
    "keys",
    [
        ["1.jpg", "2.jpg", "9.jpg", "10.jpg", "a.jpg", "b.jpg"],
        ["1.jpg", "01.jpg", "001.jpg", "1.jpg.jpg", "1.jpg-2.jpg"],
        ["car.jpg", "car1.jpg", "car 2.jpg", "car-3.jpg", "car: 4.jpg"],
        ["a.jpg", "a\\.jpg", "a\\u0041.jpg", "aA.jpg", "a\x01.jpg", "a\u2028.jpg", "a\ue000.jpg"],
    ],
    ids=["numbers", "zeros", "marks", "escapes"],
)
def test_the_output_of_several_pairs_is_in_natural_order(
    pairs: dict[str, Host], keys: list[str]
) -> None:
    """As the lines of one pair would stand, whichever pair has an image."""
    ordered = [rules.result_line(key, "5: A") for key in sorted(keys, key=rules.natural_key)]
    done = {name: Seen(outcome="complete") for name in pairs}
    remotes = [host.remote for host in pairs.values()]
    for first in range(2):
        for name, part in (("b", ordered[first::2]), ("b-2", ordered[1 - first :: 2])):
            pairs[name].output("".join(f"{line}\n" for line in part))
        assert watch.end_of(remotes, done, RUN).output == ordered


def test_names_of_hosts_pair_by_pair() -> None:
    """The first pair has no number; playbooks name hosts as the inventory does, in any order."""
    assert names_of(2) == ["a", "b", "a-2", "b-2"]
    variables = {
        "ansible_ssh_private_key_file": "k",
        "ansible_ssh_common_args": "",
        "ansible_user": "u",
    }
    names = ["worker-a", "worker-a-2", "worker-a-10", "worker-b", "worker-b-2", "worker-b-10"]
    known = {name: {**variables, "ansible_host": name} for name in names}
    found = remotes(names, known)
    assert [remote.name for remote in found] == ["a", "b", "a-2", "b-2", "a-10", "b-10"]
    assert [remote.ssh[-1] for remote in found][2] == "u@worker-a-2"
    assert {remote.state for remote in found} == {
        "/var/lib/carscribe-worker-a",
        "/var/lib/carscribe-worker-b",
    }


def test_another_s_worker_is_never_stopped(hosts: tuple[Host, Host]) -> None:
    """Where two runs were begun at once, the one that lost stops nothing of the winner's."""
    a, b = hosts
    for host in hosts:
        host.current("the-winner")
    b.current("the-winner")
    outcomes = set(Watching(hosts).outcomes().values())
    assert "failed" in outcomes
    assert outcomes <= {"failed", "abandoned"}, "whichever host is heard first"
    b.remote.stop(RUN)
    a.remote.stop("the.winner")
    assert not a.stopped
    assert not b.stopped


NO_SUMMARIES = [
    "[]",
    "7",
    '{"images": 7}',
    '{"images": {"detected": "ten"}}',
    '{"answers": ["x"]}',
    '{"answers": {"x": {}}}',
    '{"state": {}, "reason": ["x"]}',
    '{"state": {"x": 1}}',
    '{"duration_seconds": "long"}',
    "[" * 100_000,
]


@pytest.mark.parametrize("body", NO_SUMMARIES)
def test_what_no_worker_writes_is_no_look(body: str) -> None:
    """A host that was taken over may say anything; nothing of it is counted with."""
    names = ("ActiveState", "SubState", "Result", "ExecMainStatus", "System")
    head = "\n".join(f"{name}=x" for name in names)
    with pytest.raises(SilentError, match=r"^The host's answer is not whole: "):
        watch.parse_look(f"{head}\n\n{body}\n")
    assert watch.parse_look(f"{head}\n\n{{}}\n")["summary"] == {}


def test_a_silence_is_no_end(hosts: tuple[Host, Host]) -> None:
    """A host that is out of reach for a while is asked again over a new connection."""
    a, b = hosts
    watching = Watching(hosts)
    a.summary(state="running")
    watching.until("a", state="running")
    (a.folder / "off").touch()
    for process in processes.there_are(str(a.folder)):
        os.kill(process, 9)
    time.sleep(0.3)
    a.complete()
    b.complete()
    (a.folder / "off").unlink()
    assert watching.outcomes() == {"a": "complete", "b": "complete"}


def test_a_long_silence_is_an_end(hosts: tuple[Host, Host]) -> None:
    """A host that stays silent is given up, with what ssh said; its worker is left as it is."""
    a, b = hosts
    (a.folder / "off").touch()
    watching = Watching(hosts, silence_seconds=0.5)
    assert watching.outcomes() == {"a": "unreachable", "b": "abandoned"}
    assert "silent: ssh ended with 255" in str(watching.end["a"].reason)
    assert b.stopped


def test_a_watch_leaves_nothing_running(hosts: tuple[Host, Host]) -> None:
    """After the end no connection is left."""
    for host in hosts:
        host.complete()
    Watching(hosts).outcomes()
    deadline = time.monotonic() + 5
    while left := processes.there_are(str(hosts[0].folder.parent)):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_what_is_left_to_say_comes_from_the_host(hosts: tuple[Host, Host]) -> None:
    """The journal's end, and the output's very lines; of a silent host there is no journal."""
    a, b = hosts
    (b.state / "runs" / RUN / "output.txt").write_bytes(
        "1.jpg: A\n2.jpg: \u00e4 \\u2028\n".encode()
    )
    assert b.remote.output(RUN) == ["1.jpg: A", "2.jpg: ä \\u2028"]
    assert a.remote.last_lines() == ["first", "last"]
    (a.folder / "off").touch()
    assert a.remote.last_lines() == []


def test_a_host_s_words_steer_no_terminal(hosts: tuple[Host, Host]) -> None:
    """What a host says is shown with its control characters made visible."""
    a, b = hosts
    b.output("1.jpg: \x1b[2J\n")
    done = {"a": Seen(outcome="complete"), "b": Seen(outcome="complete")}
    assert watch.end_of([a.remote, b.remote], done, RUN).output == ["1.jpg: \\x1b[2J"]
    failed = {"a": Seen(outcome="failed", reason="\x9b1A"), "b": Seen(outcome="abandoned")}
    assert "\\x9b1A" in watch.end_of([a.remote, b.remote], failed, RUN).problems[0]
    with pytest.raises(SilentError, match=r"^gone \\x1b\[2J$"):
        a.remote.read("printf 'gone \\033[2J' >&2; exit 1")


def test_the_standard_library_is_enough() -> None:
    """What the playbook's plugin imports needs no package but ours, and no common library."""
    script = "import carscribe.watch, carscribe.fetch, carscribe.progress, sys; print('carscribe_common' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({str(ROOT)!r}); {script}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "False", done.stderr


def test_several_versions_of_the_model_are_said() -> None:
    """Of one worker, in whichever regions; A's model and B's are never the same one."""
    a = Seen(summary={"answers": {"us-east-1 3.0": 5, "us-west-2 3.1": 1}})
    b = Seen(summary={"answers": {"us-east-1 3.2": 5, "us-west-2 3.2": 1}})
    assert several_models({"a": a, "b": b}) == [
        "Worker A was answered by several versions of the model, 3.0, 3.1: what they see may differ."
    ]
    assert several_models({"a": Seen(), "b": b}) == []


def test_a_region_that_denied_is_said() -> None:
    """One that was silent for a while is not: it was asked again."""
    regions = {"us-east-1": "in use", "us-west-2": "denied", "eu-west-1": "left out"}
    a, b = Seen(summary={"regions": regions}), Seen(summary={"regions": {"us-east-1": "in use"}})
    assert denied_regions({"a": a, "b": b, "a-2": Seen()}) == [
        "Worker A was denied in us-west-2, whose quota it did without: `make logs HOST=a` says why."
    ]
