"""How a run takes a host: by making current-run, of which there is one."""

from __future__ import annotations

import getpass
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

TASKS = Path(__file__).resolve().parents[2] / "ansible/tasks/take_hosts.yml"
TAKEN, REFUSED = 0, 3
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")


def command(
    lock: Path, run_id: str, left: str, *, resend: str = "", at_work: str = ""
) -> list[str]:
    """Return what the playbook runs on a host, with its templates filled in."""
    tasks = {task["name"]: task for task in yaml.safe_load(TASKS.read_text())}
    argv, *others = (
        tasks[f"Take the {which}"]["ansible.builtin.command"]["argv"]
        for which in ("first A's host", "other As' hosts", "Bs' hosts")
    )
    assert others == [argv, argv]
    at = argv.index("take")
    wanted = [run_id, left or run_id, resend, at_work, getpass.getuser()]
    assert len(argv[at + 1 :]) == len(wanted)
    return [argv[0], str(lock), *argv[2 : at + 1], *wanted]


def take(
    state: Path, run_id: str, left: str = "", *, resend: str = "", at_work: str = ""
) -> tuple[int, str]:
    """Take a host whose state directory this is."""
    done = subprocess.run(
        command(state.parent / "lock", run_id, left, resend=resend, at_work=at_work),
        cwd=state,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A worker's state directory."""
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def leave(state: Path, run_id: str, seconds_ago: float = 60) -> None:
    """Leave the current-run of a run that has not ended."""
    file = state / "current-run"
    file.write_text(f"CARSCRIBE_RUN_ID={run_id}\n")
    os.utime(file, (time.time() - seconds_ago,) * 2)


def test_a_free_host_is_taken(state: Path) -> None:
    """The file names the run, is readable for the worker alone, and nothing else is left."""
    assert take(state, "one") == (TAKEN, "")
    assert (state / "current-run").read_text() == "CARSCRIBE_RUN_ID=one\n"
    assert (state / "current-run").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in state.iterdir()] == ["current-run"]


def test_a_run_that_is_gone_on_with_takes_its_own_host(state: Path) -> None:
    """The same run takes over what it left, at any age, and A sends again."""
    leave(state, "one", seconds_ago=0)
    assert take(state, "one", "one", resend="t:3,7-", at_work="2") == (TAKEN, "")
    assert (state / "current-run").read_text() == (
        "CARSCRIBE_RUN_ID=one\nCARSCRIBE_RESEND=t:3,7-\nCARSCRIBE_PAIRS_AT_WORK=2\n"
    )


def test_another_run_is_given_up_only_if_that_was_asked(state: Path) -> None:
    """The run that was read before and agreed upon is replaced, no other."""
    leave(state, "old")
    assert take(state, "new") == (REFUSED, "old")
    assert take(state, "new", "older") == (REFUSED, "old")
    assert take(state, "new", "old") == (TAKEN, "")


def test_a_run_that_has_just_begun_is_not_given_up(state: Path) -> None:
    """Between current-run and its unit's start lie seconds in which the host looks idle."""
    leave(state, "quicker", seconds_ago=1)
    assert take(state, "new", "quicker") == (REFUSED, "quicker")


def started(state: Path, names: Iterable[str], left: str) -> list[int]:
    """Take the host for many runs at once."""
    processes = [
        subprocess.Popen(
            command(state.parent / "lock", name, left), cwd=state, stdout=subprocess.DEVNULL
        )
        for name in names
    ]
    return [process.wait() for process in processes]


@pytest.mark.parametrize("left", ["", "old"])
def test_of_many_at_once_one_takes_the_host(state: Path, left: str) -> None:
    """A dozen runs that begin in the same moment: one has the host, the others are told."""
    if left:
        leave(state, left)
    names = [f"run-{number}" for number in range(12)]
    codes = started(state, names, left)
    assert sorted(codes) == [TAKEN] + [REFUSED] * 11
    winner = names[codes.index(TAKEN)]
    assert (state / "current-run").read_text() == f"CARSCRIBE_RUN_ID={winner}\n"


class Hosts:
    """Two pairs on this machine, each host a folder with its worker's state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables: dict[str, dict[str, Any]] = {}
        for name in ("a", "b", "a-2", "b-2"):
            (folder / name).mkdir()
            letter, suffix = name[0], name[1:]
            self.variables[f"worker-{name}"] = {
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
                "carscribe_pairs": 2,
                "carscribe_partner": f"worker-{'b' if letter == 'a' else 'a'}{suffix}",
                "worker_name": letter,
                "worker_state_directory": str(folder / name),
                "worker_unit": getpass.getuser(),  # whom the file is given to
                "__run_left": {"stdout": ""},
                "__run_summary": {},
            }
        # The folders are no volumes.
        (folder / "mountpoint").write_text("#!/bin/sh\n")
        (folder / "mountpoint").chmod(0o755)

    def take(self, **variables: str) -> tuple[int, str]:
        """Take them all, or those of the pairs that are not complete; return how it ended."""
        groups = {
            f"worker_{letter}": {
                "hosts": {
                    name: values
                    for name, values in self.variables.items()
                    if values["worker_name"] == letter
                }
            }
            for letter in "ab"
        }
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(groups))
        play = {
            "hosts": "worker_a:worker_b",
            "gather_facts": False,
            "any_errors_fatal": True,
            "tasks": [{"ansible.builtin.import_tasks": str(TASKS)}],
        }
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        done = subprocess.run(
            [ANSIBLE, "-i", "hosts.yml", "-e", json.dumps(variables), "play.yml"],
            cwd=self.folder,
            env={
                **os.environ,
                "ANSIBLE_LOCAL_TEMP": str(self.folder),
                "ANSIBLE_REMOTE_TEMP": str(self.folder),
                "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, " ".join(done.stdout.split())

    def taken(self) -> dict[str, str]:
        """Return what the current-run of each host that has one says."""
        return {file.parent.name: file.read_text() for file in self.folder.glob("*/current-run")}


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    """Two pairs with no run."""
    return Hosts(tmp_path)


def test_a_run_takes_all_pairs(hosts: Hosts) -> None:
    """One run is of all hosts; each pair has the share that its settings name."""
    code, said = hosts.take(run_name="one")
    assert code == 0, said
    assert hosts.taken() == dict.fromkeys(("a", "b", "a-2", "b-2"), "CARSCRIBE_RUN_ID=one\n")


@pytest.mark.parametrize("quicker", ["a", "a-2", "b-2"])
def test_a_run_takes_all_pairs_or_none(hosts: Hosts, quicker: str) -> None:
    """Where another run was quicker on any host, no other host is left taken."""
    leave(hosts.folder / quicker, "other", seconds_ago=0)
    code, said = hosts.take(run_name="one")
    assert code != 0
    assert f"Run other has just begun on worker-{quicker}: another command was quicker." in said
    assert hosts.taken() == {quicker: "CARSCRIBE_RUN_ID=other\n"}
    # Who has not all of the As' hosts takes no B from the run that has its A.
    assert quicker == "b-2" or "changed: [worker-b" not in said


def test_a_pair_that_is_complete_is_left_alone(hosts: Hosts) -> None:
    """Who goes on takes the others, which share the quota; where B lacks something, A sends it."""
    for name in ("worker-a", "worker-b", "worker-a-2"):
        hosts.variables[name]["__run_summary"] = {"state": "complete"}
    hosts.variables["worker-b-2"]["__run_summary"] = {"state": "failed", "missing_ranges": "3-"}
    code, said = hosts.take(run_name="one", run_id="one")
    assert code == 0, said
    taken = hosts.taken()
    assert taken.keys() == {"a-2", "b-2"}
    assert taken["b-2"] == "CARSCRIBE_RUN_ID=one\nCARSCRIBE_PAIRS_AT_WORK=1\n"
    assert re.fullmatch(
        r"CARSCRIBE_RUN_ID=one\nCARSCRIBE_RESEND=\S+:3-\nCARSCRIBE_PAIRS_AT_WORK=1\n", taken["a-2"]
    )


def test_only_what_b_lacks_is_sent_again(tmp_path: Path) -> None:
    """As B's summary has it, under a name of its own; all where it says nothing that can be read."""
    expected: dict[str, tuple[dict[str, str], str]] = {
        "silent": ({}, "1-"),
        "lacking": ({"state": "incomplete", "missing_ranges": "3,7-12,2000-"}, "3,7-12,2000-"),
        "complete": ({"state": "complete"}, ""),
        "hostile": ({"state": "incomplete", "missing_ranges": "3\nLD_PRELOAD=x"}, "1-"),
    }
    tasks = {task["name"]: task for task in yaml.safe_load(TASKS.read_text())}
    play = {
        "hosts": "worker_a",
        "gather_facts": False,
        "tasks": [
            {
                "ansible.builtin.copy": {
                    "content": "{{ __run_resend }}",
                    "dest": f"{tmp_path}/{{{{ inventory_hostname }}}}",
                },
                "vars": tasks["Take the first A's host"]["vars"],
                "delegate_to": "localhost",
            }
        ],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    local = {"ansible_connection": "local"}
    inventory = {
        "worker_a": {
            "hosts": {name: {**local, "carscribe_partner": f"b-{name}"} for name in expected}
        },
        "worker_b": {
            "hosts": {
                f"b-{name}": {**local, "__run_summary": summary}
                for name, (summary, _) in expected.items()
            }
        },
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    done = subprocess.run(
        [ANSIBLE, "-i", tmp_path / "hosts.yml", tmp_path / "play.yml"],
        env={
            **os.environ,
            "ANSIBLE_LOCAL_TEMP": str(tmp_path),
            "ANSIBLE_REMOTE_TEMP": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    for name, (_, wanted) in expected.items():
        token, _, ranges = (tmp_path / name).read_text().partition(":")
        assert re.fullmatch(r"20\d{6}T\d{6}\.\d{6}", token), name
        assert ranges == wanted, name
