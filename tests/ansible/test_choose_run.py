"""Which run is begun or gone on with: what is refused before anything is touched."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.ansible.test_take_hosts import ANSIBLE, TASKS

if TYPE_CHECKING:
    from pathlib import Path

CHOOSE = TASKS.with_name("choose_run.yml")


class Hosts:
    """The hosts of one pair, as folders of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "unit.service").touch()
        for name in "ab":
            (folder / name / "runs").mkdir(parents=True)

    def has(self, name: str, run: str, summary: dict[str, Any] | None = None) -> None:
        """Let a host have a run, with its summary if there is one."""
        run_dir = self.folder / name / "runs" / run
        run_dir.mkdir()
        if summary is not None:
            (run_dir / "summary.json").write_text(json.dumps(summary))

    def choose(self, run_id: str) -> tuple[int, str]:
        """Go on with a run; return the exit code and what Ansible said, in one line."""
        of_all = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "carscribe_pairs": 1,
            # The path of the unit's file is built of its name.
            "worker_unit": f"../../..{self.folder}/unit",
        }
        groups = {
            f"worker_{name}": {
                "hosts": {
                    f"worker-{name}": {
                        "carscribe_partner": f"worker-{other}",
                        "worker_name": name,
                        "worker_short_name": name,
                        "worker_state_directory": str(self.folder / name),
                    }
                }
            }
            for name, other in (("a", "b"), ("b", "a"))
        }
        play = {
            "hosts": "worker_a:worker_b",
            "gather_facts": False,
            "any_errors_fatal": True,
            "tasks": [{"ansible.builtin.import_tasks": str(CHOOSE)}],
        }
        inventory = {"all": {"vars": of_all, "children": groups}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        done = subprocess.run(
            [ANSIBLE, "-i", "hosts.yml", "-e", json.dumps({"run_id": run_id}), "play.yml"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, " ".join(done.stdout.replace("\\n", " ").split())


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    """Hosts without a run."""
    return Hosts(tmp_path)


def test_a_run_without_a_summary_is_gone_on_with(hosts: Hosts) -> None:
    """As of workers that were killed before they wrote one."""
    hosts.has("a", "one")
    hosts.has("b", "one")
    code, said = hosts.choose("one")
    assert code == 0, said


def test_a_run_that_b_alone_knows_is_refused(hosts: Hosts) -> None:
    """What A has found numbers a run, and nobody else knows it."""
    hosts.has("b", "only-b")
    code, said = hosts.choose("only-b")
    assert code != 0
    assert "host knows nothing of run only-b, so it cannot be gone on with" in said


def test_a_run_of_another_number_of_pairs_is_refused(hosts: Hosts) -> None:
    """The keys are dealt out in another way."""
    for name in "ab":
        hosts.has(name, "two", {"state": "stopped", "pairs": 2})
    code, said = hosts.choose("two")
    assert code != 0
    assert "Run two was begun with pairs = 2, and pairs is 1 now" in said


def test_a_run_that_never_was_is_refused_with_those_there_are(hosts: Hosts) -> None:
    """So that who mistyped it sees the right one."""
    hosts.has("a", "one")
    code, said = hosts.choose("onne")
    assert code != 0
    assert "There is no run onne (there: one)." in said


def test_a_run_that_is_complete_is_refused(hosts: Hosts) -> None:
    """There is nothing to go on with."""
    for name in "ab":
        hosts.has(name, "one", {"state": "complete", "pairs": 1})
    code, said = hosts.choose("one")
    assert code != 0
    assert "Run one is complete" in said
