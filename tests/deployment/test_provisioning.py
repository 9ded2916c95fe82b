"""Hosts on this machine: made, repeated, updated, refused, replaced, stopped and woken."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.deployment import sandbox
from tests.deployment.checkout import EXPECTED

if TYPE_CHECKING:
    from tests.deployment.checkout import Copy

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

UNCHANGED = {"worker-a": 0, "worker-b": 0}


@pytest.fixture(scope="module")
def bare(empty: Copy) -> Copy:
    """The copy with hosts that answer SSH, and nothing of ours on them."""
    empty.command("python", "-m", "emulator", "serve-start", "--", "--enforce-iam")
    empty.python("carscribe", "terraform", "apply", "--target", "local")
    empty.command("python", "-m", "emulator", "up")
    return empty


@pytest.fixture(scope="module")
def up(bare: Copy) -> Copy:
    """The copy with everything up."""
    bare.make_target("up", "TARGET=local")
    return bare


def test_a_dry_run_on_bare_hosts_passes(bare: Copy) -> None:
    """`site.yml --check` passes where nothing is installed, and installs nothing."""
    bare.playbook("site", "--check")
    for worker in ("a", "b"):
        # ls fails for the folder that must not be there, and lists the other one all the same.
        assert bare.on_host(worker, "ls /opt /etc/carscribe 2>/dev/null || true") == "/opt:"


def test_no_run_yet(up: Copy) -> None:
    """Results of a run that never was are refused in one sentence."""
    done = up.make_target("results", code=None)
    assert done.code != 0
    assert "There has been no run yet: `make run` makes one." in done.text


def test_a_changed_worker_reaches_its_own_host_alone(up: Copy) -> None:
    """A change of worker A's source gives A's host a new release, and B's host nothing."""
    before = up.on_host("a", "readlink /opt/carscribe/worker-a/current")
    up.append("worker_a/carscribe_worker_a/__init__.py", "# Changed.\n")
    done = up.make_target("up", "VERBOSE=1")
    assert done.changed()["worker-b"] == 0
    assert up.on_host("a", "readlink /opt/carscribe/worker-a/current") != before


def test_up_is_safe_to_repeat(up: Copy) -> None:
    """Another `site.yml` changes nothing on either host."""
    assert up.playbook("site").changed() == UNCHANGED


def test_the_plan_is_empty_afterwards(up: Copy) -> None:
    """Terraform would change nothing."""
    up.python("carscribe", "terraform", "plan", "--target", "local", "-detailed-exitcode")


@pytest.mark.parametrize("worker", ["a", "b"])
def test_what_a_process_can_do_in_the_unit(up: Copy, worker: str) -> None:
    """In a worker's sandbox a process writes its state directory, connects outwards, and no more."""
    found = sandbox.probe(up, worker)
    assert {name for name, answer in found.items() if answer == "done"} == sandbox.ALLOWED, found


def test_the_other_target_is_refused(up: Copy) -> None:
    """While the local target is up, `make up TARGET=aws` says how to get there."""
    done = up.make_target("up", "TARGET=aws", code=None)
    assert done.code != 0
    assert "TARGET=local is up in this checkout" in done.text
    assert "`make down`" in done.text


def test_a_missing_permission_is_named(up: Copy) -> None:
    """site.yml ends with what a worker may not do, found out on its own host."""
    iam = up.client("iam")
    (name,) = (r["RoleName"] for r in iam.list_roles()["Roles"] if "worker-a" in r["RoleName"])
    place = {"RoleName": name, "PolicyName": "worker-a"}
    policy = json.dumps(iam.get_role_policy(**place)["PolicyDocument"])
    allowed = policy.replace("rekognition:DetectLabels", "rekognition:ListCollections")
    try:
        iam.put_role_policy(**place, PolicyDocument=allowed)
        done = up.playbook("site", "--tags", "interpreter", code=None)
    finally:
        iam.put_role_policy(**place, PolicyDocument=policy)
    assert done.code != 0
    assert re.search(
        r"worker-a cannot do its work yet:.*rekognition:DetectLabels", done.text, re.DOTALL
    )


def test_a_host_that_does_not_answer(up: Copy) -> None:
    """A playbook names a host that is stopped, with what to do; `make up` starts it as it was."""
    up.command("python", "-m", "emulator", "stop", "worker-a")
    done = up.playbook("site", "-e", "connect_wait_seconds=5", code=None)
    assert done.code != 0
    assert "worker-a does not answer SSH at" in done.text
    again = up.make_target("up", "VERBOSE=1")
    assert "Host A stopped: starting" in again.text
    assert again.changed() == UNCHANGED


def test_a_changed_host_key_is_told_at_once(up: Copy) -> None:
    """A host that answers with another key than before is an error, with no second attempt."""
    known = up.root / "build/known_hosts"
    before = known.read_text()
    lines = [line.split() for line in before.splitlines()]
    keys = [line[1:] for line in lines]
    try:
        for line, key in zip(lines, keys[1:] + keys[:1], strict=True):
            line[1:] = key  # the next host's
        known.write_text("".join(f"{' '.join(line)}\n" for line in lines))
        began = time.monotonic()
        done = up.playbook("run", "-e", "connect_wait_seconds=500", code=None)
        seconds = time.monotonic() - began
    finally:
        known.write_text(before)
    assert done.code != 0
    assert "answers with another SSH host key than before" in done.text
    assert re.search(r"`ssh-keygen -f build/known_hosts\s+-R i-[0-9a-f]+`", done.text), done.text
    assert seconds < 200, "it went on knocking"


def test_forgotten_hosts_stop_and_who_needs_them_starts_them(up: Copy) -> None:
    """After a minute without a run both are stopped, and nothing else is another; a run wakes them."""
    up.playbook("site", "--tags", "interpreter,idle", "-e", "carscribe_idle_stop_minutes=1")
    deadline = time.monotonic() + 300
    while (told := up.make_target("status").text).count("its host is stopped") < 2:
        assert time.monotonic() < deadline, told
        time.sleep(5)
    assert "No changes." in up.make_target("plan").text
    said = up.make_target("run").text
    assert "Hosts A and B stopped: starting" in said
    assert EXPECTED in said
    for worker in ("a", "b"):
        up.on_host(worker, "systemctl disable --now carscribe-idle")


def test_the_volume_outlives_its_host(up: Copy) -> None:
    """B's host is replaced: the runs on its volume are there again, and a new run works.

    The volumes grow with it, and their file systems.
    """
    runs = up.on_host("b", "ls /var/lib/carscribe-worker-b/runs")
    assert runs
    machine = up.on_host("b", "cat /etc/machine-id")
    replace = '-replace=aws_instance.worker["worker_b"]'
    larger = "-var=result_volume_size_gib=2"
    up.make_target("up", f"TERRAFORM_ARGUMENTS='{replace}' {larger}", "YES=1")
    for worker in ("a", "b"):
        size = f"df --block-size=M --output=size /var/lib/carscribe-worker-{worker} | tail -n 1"
        assert int(up.on_host(worker, size).strip("M ")) > 1800
    assert up.on_host("b", "cat /etc/machine-id") != machine
    assert up.on_host("b", "ls /var/lib/carscribe-worker-b/runs") == runs
    up.playbook("run")
    assert up.result() == EXPECTED


def test_b_refuses_to_start_without_its_volume(up: Copy) -> None:
    """Where the volume cannot be mounted B's unit does not start, and says why; nor does a run."""
    state = "/var/lib/carscribe-worker-b"
    mount = r"'var-lib-carscribe\x2dworker\x2db.mount'"
    gone = rf"/run/systemd/system/{mount}.d/gone.conf"
    try:
        up.on_host(
            "b",
            f'mkdir -p "$(dirname {gone})" && (echo [Unit]; echo AssertPathExists=/gone) > {gone}'
            f" && systemctl daemon-reload && systemctl stop {mount}",
        )
        # It must fail: what it says is what is tested.
        said = up.on_host("b", "systemctl start carscribe-worker-b 2>&1 || true")
        journal = up.on_host("b", "journalctl -u carscribe-worker-b -o cat -n 3")
        run = up.playbook("run", code=None)
        beneath = up.on_host("b", f"ls -A {state}")
    finally:
        up.on_host("b", f"rm {gone}; systemctl daemon-reload; systemctl start {mount}")
    assert "A dependency job for carscribe-worker-b.service failed" in said
    assert "Dependency failed for carscribe-worker-b.service" in journal
    assert run.code != 0
    assert f"The volume is not mounted at {state} on worker-b" in run.text
    assert beneath == "", "written beside the volume"
