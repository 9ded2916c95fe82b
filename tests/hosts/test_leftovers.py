"""After `down` nothing is left, whatever was killed, and whenever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests import processes
from tests.hosts import remains
from tests.hosts.world import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hosts.world import World

pytestmark = pytest.mark.hosts


def _kill_up_at(world: World, step: str, cache: Path | None = None) -> None:
    """Start `up` and kill it, and it alone, as soon as something of that kind is there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "emulator", "up"],
        cwd=CHECKOUT,
        env=world.environment(cache),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not any(step in line for line in remains.of(world)):
        assert process.poll() is None, f"`up` ended before there was any {step}"
        time.sleep(0.02)
    process.kill()
    process.wait()


def _check_gone(world: World) -> None:
    assert world.local("down").stdout.startswith("Gone: ")
    assert remains.of(world) == []


def test_the_look_for_remains_sees_a_deployment(hosts: World) -> None:
    """The search itself finds each kind of thing while hosts are up."""
    kinds = {line.split()[0] for line in remains.of(hosts)}
    assert kinds >= {"control", "file", "interface", "loop", "port", "process", "table"}
    assert "mount" in kinds or not hosts.deployment.engine.exists()  # Docker keeps its own


@pytest.mark.parametrize("step", ["interface", "loop device", "control group"])
def test_nothing_is_left_of_an_up_that_was_killed(world: World, step: str) -> None:
    """`up` killed at any step leaves nothing that `down` does not remove, and a new `up` works."""
    world.local("serve-start")
    world.make_instances()
    _kill_up_at(world, step)
    if step != "interface":
        world.local("up")
        assert world.ssh("worker-b", "systemctl is-system-running --wait").strip() == "running"
    _check_gone(world)


def test_nothing_is_left_of_a_base_image_that_was_never_finished(
    world: World, tmp_path: Path
) -> None:
    """`up` killed while the base image is built leaves no process, mount or file."""
    world.local("serve-start")
    world.make_instances()
    _kill_up_at(world, "/usr/bin/dpkg", tmp_path)
    world.local("down", cache=tmp_path)
    assert remains.of(world) == []
    assert list(tmp_path.iterdir()) == []
    assert processes.there_are("mmdebstrap") == {}


def test_nothing_is_left_when_every_part_was_killed(world: World) -> None:
    """`down` copes with a dead emulator, engine monitor and host, and with a killed `down`."""
    world.local("serve-start")
    world.make_instances()
    world.local("up")
    first = world.first_process("worker-a")
    world.kill("emulator")
    deadline = time.monotonic() + 30
    while any(line.startswith("process") and " watch " in line for line in remains.of(world)):
        assert time.monotonic() < deadline, "the watcher goes on with nothing to watch"
        time.sleep(0.2)
    assert "make up TARGET=local" in world.local("up", code=78).stderr
    _kill_all("conmon", world)
    first.kill()
    down = subprocess.Popen(
        [sys.executable, "-m", "emulator", "down"], cwd=CHECKOUT, env=world.environment()
    )
    time.sleep(1.0)
    down.kill()
    down.wait()
    _check_gone(world)


def test_down_is_safe_where_nothing_is_up(world: World) -> None:
    """`down` twice in a row succeeds twice."""
    _check_gone(world)
    _check_gone(world)


def _kill_all(name: str, world: World) -> None:
    """Kill the deployment's processes of that name."""
    for pid, command in processes.there_are(str(world.state)).items():
        if name in command.split()[0]:
            os.kill(pid, signal.SIGKILL)
