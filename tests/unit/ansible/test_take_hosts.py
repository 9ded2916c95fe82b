"""How a run takes a host: by making current-run, of which there is one."""

from __future__ import annotations

import getpass
import json
import os
import re
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

TASKS = Path(__file__).resolve().parents[3] / "ansible/tasks/take_hosts.yml"
TAKEN, REFUSED = 0, 3
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")


def command(lock: Path, run_id: str, left: str, *, resend: str = "") -> list[str]:
    """Return what the playbook runs on a host, with its templates filled in."""
    tasks = {task["name"]: task for task in yaml.safe_load(TASKS.read_text())}
    argv = tasks["Take A's host"]["ansible.builtin.command"]["argv"]
    assert argv == tasks["Take B's host"]["ansible.builtin.command"]["argv"]
    at = argv.index("take")
    wanted = [run_id, left or run_id, resend, getpass.getuser()]
    assert len(argv[at + 1 :]) == len(wanted)
    return [argv[0], str(lock), *argv[2 : at + 1], *wanted]


def take(state: Path, run_id: str, left: str = "", *, resend: str = "") -> tuple[int, str]:
    """Take a host whose state directory this is."""
    done = subprocess.run(
        command(state.parent / "lock", run_id, left, resend=resend),
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
    assert take(state, "one", "one", resend="t:3,7-") == (TAKEN, "")
    assert (state / "current-run").read_text() == "CARSCRIBE_RUN_ID=one\nCARSCRIBE_RESEND=t:3,7-\n"


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


@pytest.mark.parametrize(
    ("summary", "wanted"),
    [
        (None, "1-"),
        ({"state": "incomplete", "missing_ranges": "3,7-12,2000-"}, "3,7-12,2000-"),
        ({"state": "complete"}, ""),
        ({"state": "incomplete", "missing_ranges": "3\nLD_PRELOAD=x"}, "1-"),
    ],
)
def test_only_what_b_lacks_is_sent_again(
    tmp_path: Path, summary: dict[str, str] | None, wanted: str
) -> None:
    """As B's summary has it, under a name of its own; all where it says nothing that can be read."""
    tasks = {task["name"]: task for task in yaml.safe_load(TASKS.read_text())}
    before = (
        {} if summary is None else {"content": b64encode(json.dumps(summary).encode()).decode()}
    )
    play = {
        "hosts": "b",
        "gather_facts": False,
        "tasks": [
            {
                "ansible.builtin.copy": {
                    "content": "{{ __run_resend }}",
                    "dest": str(tmp_path / "it"),
                },
                "vars": tasks["Take A's host"]["vars"],
                "delegate_to": "localhost",
            }
        ],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    inventory = {
        "worker_b": {"hosts": {"b": {"ansible_connection": "local", "__run_before": before}}}
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
    token, _, ranges = (tmp_path / "it").read_text().partition(":")
    assert re.fullmatch(r"20\d{6}T\d{6}\.\d{6}", token)
    assert ranges == wanted
