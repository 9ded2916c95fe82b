"""The playbooks follow a run and fetch it, with the project's Ansible and with an older one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from carscribe.runs import names_of
from tests import processes
from tests.faked_host import RUN, Host
from tests.pipeline import ROOT

OLDEST = "2.16"
FOLLOW = "Follow both workers to the end"


def environment_of(version: str) -> Path:
    """Return the programs of an environment that has this Ansible and nothing of ours."""
    folder = ROOT / "build" / "cache" / f"ansible-{version}"
    locked = ROOT / "requirements" / f"ansible-{version}.txt"
    done = folder / ".done"
    if not done.exists() or done.read_text() != locked.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [str(folder / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--require-hashes", "-r", str(locked)], check=True)
        done.write_text(locked.read_text())
    return folder / "bin"


@pytest.fixture(params=["own", OLDEST])
def ansible(request: pytest.FixtureRequest) -> Path:
    """The programs of an Ansible."""
    if request.param == "own":
        return Path(sys.executable).parent
    return environment_of(request.param)


class Deployment:
    """Hosts that are folders, and the inventory that names them."""

    def __init__(self, folder: Path, ansible: Path, pairs: int = 1) -> None:
        self.hosts: dict[str, Host] = {}
        for name in names_of(pairs):
            (folder / name).mkdir()
            self.hosts[name] = Host(folder / name, name)
        self.a, self.b = self.hosts["a"], self.hosts["b"]
        self._ansible, self._inventory = ansible, folder / "inventory.yml"
        self._told = folder / "sentences"
        programs = folder / "bin"
        programs.mkdir()
        # As an inventory's address leads to a host: by the name behind the @.
        ssh = programs / "ssh"
        ssh.write_text(
            "#!/bin/sh\n"
            "for word; do case $word in user@*) host=${word#user@} ;; esac; done\n"
            f'word=$(printf %s "$word" | sed "s,/var/lib,{folder}/$host,g")\n'
            f'exec {folder}/$host/bin/reach "$word"\n'
        )
        ssh.chmod(0o755)
        self._path = os.pathsep.join([str(programs), str(ansible), os.environ["PATH"]])
        inventory = {
            "vars": {"ansible_user": "user", "ansible_ssh_private_key_file": "/k k"},
            "children": {
                f"worker_{worker}": {
                    "hosts": {
                        f"worker-{name}": {
                            "ansible_host": name,
                            "ansible_ssh_common_args": "-o 'UserKnownHostsFile=\"/a b\"'",
                        }
                        for name in self.hosts
                        if name.startswith(worker)
                    }
                }
                for worker in ("a", "b")
            },
        }
        self._inventory.write_text(yaml.safe_dump({"all": inventory}))

    @property
    def sentences(self) -> list[dict[str, str]]:
        """What failed, as the callback has written it."""
        return [json.loads(line) for line in self._told.read_text().splitlines()]

    def follow(self) -> subprocess.Popen[str]:
        """Follow the run as run.yml does, once it has started it."""
        return self.play("run.yml", "--start-at-task", FOLLOW, "-e", f"run_name={RUN}")

    def play(self, *words: str) -> subprocess.Popen[str]:
        """Play a playbook; nothing of ours is on the path."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ANSIBLE_", "PYTHON"))
        }
        told = {"ANSIBLE_CALLBACKS_ENABLED": "sentences", "CARSCRIBE_SENTENCES": str(self._told)}
        return subprocess.Popen(
            [str(self._ansible / "ansible-playbook"), *words, "-i", str(self._inventory)],
            cwd=ROOT / "ansible",
            env={
                **inherited,
                **told,
                "PATH": self._path,
                "ANSIBLE_NOCOLOR": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def deployment(tmp_path: Path, ansible: Path) -> Deployment:
    """Both hosts, at work on a run."""
    return Deployment(tmp_path, ansible)


def test_a_run_is_shown_to_its_end(deployment: Deployment) -> None:
    """Lines with both workers' figures while it runs, then the lines of output.txt."""
    a, b = deployment.a, deployment.b
    a.summary(state="running", listing_done=True, images={"listed": 10, "detected": 4, "cars": 3})
    following = deployment.follow()
    said = until(following, "A looked at 4 of 10 images, B read 0 of 3 cars: 0 with text, 0 failed")
    a.summary(state="complete", listing_done=True, images={"listed": 10, "detected": 10, "cars": 6})
    a.finish()
    b.output("1.jpg: A\n")
    b.summary(state="complete", images={"received": 6, "settled": 6, "with_text": 1})
    b.finish()
    rest, _ = following.communicate(timeout=60)
    assert following.returncode == 0, said + rest
    assert "A looked at 10 of 10 images, B read 6 of 6 cars: 1 with text, 0 failed" in rest
    assert "- '1.jpg: A'" in rest


def until(following: subprocess.Popen[str], text: str) -> str:
    """Return what was said up to a text."""
    said = ""
    for line in following.stdout or ():
        said += line
        if text in line:
            return said
    pytest.fail(said)


def test_a_run_that_failed_is_told_with_the_journal(deployment: Deployment) -> None:
    """The reason, what to do, and the last lines of the worker that failed; the other is stopped."""
    deployment.a.unit("failed", "failed", "exit-code", 78)
    following = deployment.follow()
    said, _ = following.communicate(timeout=60)
    assert following.returncode != 0
    assert f"Worker A has not completed run {RUN} (failed): exit-code, exit code 78." in said
    assert f"`make run RUN_ID={RUN}`" in said
    assert "Worker A's last lines:" in said
    assert deployment.b.stopped
    [sentence] = deployment.sentences
    assert sentence["host"] == "localhost"
    assert sentence["message"].startswith(f"Worker A has not completed run {RUN}")


def test_two_pairs_are_followed_and_fetched(tmp_path: Path, ansible: Path) -> None:
    """One fails, and is told when the other has ended; what each has is fetched."""
    deployment = Deployment(tmp_path, ansible, pairs=2)
    hosts = deployment.hosts
    for name in ("a", "a-2"):
        images = {"listed": 10, "detected": 4, "cars": 3}
        hosts[name].summary(state="running", listing_done=True, images=images)
    following = deployment.follow()
    said = until(following, "A looked at 8 of 20 images, B read 0 of 6 cars: 0 with text, 0 failed")
    hosts["b-2"].unit("failed", "failed", "exit-code", 75)
    for name in ("a", "b"):
        hosts[name].complete()
    rest, _ = following.communicate(timeout=60)
    assert following.returncode != 0, said + rest
    [sentence] = deployment.sentences
    assert sentence["message"].startswith(f"Worker B-2 has not completed run {RUN} (failed)")
    assert [name for name, host in hosts.items() if host.stopped] == ["a-2"]
    for host in hosts.values():
        (host.state / "runs" / RUN / "store.sqlite3").touch()
        host.summary(state="complete")
    done = deployment.play("results.yml", "-e", f"results_dir={tmp_path / 'results'}")
    said, _ = done.communicate(timeout=60)
    assert done.returncode == 0, said
    fetched = sorted(
        path.parent.name for path in (tmp_path / "results" / RUN).glob("*/summary.json")
    )
    assert fetched == sorted(hosts)


def test_a_playbook_that_is_killed_takes_its_follower_along(deployment: Deployment) -> None:
    """Nothing goes on looking at a run for a playbook that is gone."""
    following = deployment.follow()
    until(following, "A looked at 0 of")
    following.kill()
    following.wait()
    deadline = time.monotonic() + 15
    while left := processes.there_are(str(deployment.a.folder.parent)):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def test_results_are_fetched(deployment: Deployment, tmp_path: Path) -> None:
    """`ansible-playbook results.yml` fetches the latest run of either host, or says what is wrong."""
    for host in (deployment.a, deployment.b):
        host.complete()
        (host.state / "runs" / RUN / "store.sqlite3").touch()
    deployment.b.output("1.jpg: A\n")
    folder = tmp_path / "results"
    done = deployment.play("results.yml", "-e", f"results_dir={folder}")
    said, _ = done.communicate(timeout=60)
    assert done.returncode == 0, said
    assert (folder / RUN / "b" / "output.txt").read_text() == "1.jpg: A\n"
    assert (folder / RUN / "a" / "summary.json").exists()
    done = deployment.play("results.yml", "-e", f"results_dir={folder}", "-e", "run_id=../x")
    said, _ = done.communicate(timeout=60)
    assert done.returncode != 0
    assert "../x is no run id" in said


DIVERTED = {
    "ANSIBLE_CONFIG": "ANSIBLE_CONFIG is set in your environment",
    "ANSIBLE_INVENTORY": "ANSIBLE_INVENTORY is set in your environment",
    "folder": "it takes no configuration from a folder into which anybody may write",
}


@pytest.mark.parametrize("by", DIVERTED)
def test_what_diverts_ansible_is_named(tmp_path: Path, ansible: Path, by: str) -> None:
    """With hosts up, nobody is told that nothing is: what leads elsewhere is named, and the way out."""
    for name in ("ansible", "carscribe"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "inventory.yml").write_text("all: {hosts: {worker-a: {}}}\n")
    (tmp_path / "other.cfg").write_text("[defaults]\ninventory = /dev/null\n")
    set_by_the_user = {
        "ANSIBLE_CONFIG": str(tmp_path / "other.cfg"),
        "ANSIBLE_INVENTORY": "/dev/null",
    }
    if by == "folder":
        (tmp_path / "ansible").chmod(0o777)
    kept = {
        n: v for n, v in os.environ.items() if not n.startswith("ANSIBLE_") and n != "PYTHONPATH"
    }
    done = subprocess.run(
        [str(ansible / "ansible-playbook"), "run.yml"],
        cwd=tmp_path / "ansible",
        env={
            **kept,
            "ANSIBLE_NOCOLOR": "1",
            **{n: v for n, v in set_by_the_user.items() if n == by},
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert "build/inventory.yml names the hosts" in said, done.stdout + done.stderr
    assert DIVERTED[by] in said
    assert "Say `ansible-playbook -i ../build/inventory.yml`" in said


def test_what_the_plugin_needs_runs_on_python_3_10() -> None:
    """What the user's own Ansible imports uses nothing newer, as far as types tell."""
    names = [f"carscribe/{name}.py" for name in ("fetch", "progress", "runs", "watch")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-version", "3.10", *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
