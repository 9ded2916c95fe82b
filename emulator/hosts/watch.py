"""The watcher: what the EC2 API is told of an instance happens to its host.

It also sees a host that ended by itself: after a reboot from inside it is
started again, after a power-off its instance is stopped in the API.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Any

from emulator.hosts import image, instances, server
from emulator.hosts.engine import Engine
from emulator.hosts.lifecycle import Hosts
from emulator.hosts.process import recorded, start_background

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.hosts.deployment import Deployment

log = logging.getLogger(__name__)

STEP_SECONDS = 0.5
SETTLE_SECONDS = 0.2  # in which the engine learns of it too
# The kernel ends a process namespace's first process with SIGINT on halt and
# power-off, and with SIGHUP on reboot.
SWITCHED_OFF_EXITS = frozenset({0, 130})


def record(deployment: Deployment) -> Path:
    """Return where it is written which process the watcher is."""
    return deployment.state / "watch.process.json"


def start(deployment: Deployment, program: str) -> None:
    """Start the watcher unless it runs."""
    if recorded(record(deployment)) is None:
        start_background(
            [sys.executable, "-m", "emulator", "watch", program, record(deployment)],
            record(deployment),
            deployment.state / "watch.log",
        )


class Watcher:
    """Compares the API with the hosts whenever one of them changed."""

    def __init__(self, deployment: Deployment, engine: Engine, url: str) -> None:
        self.deployment = deployment
        self.engine = engine
        self.url = url
        self.hosts = Hosts(deployment, engine, url)
        self.known: dict[str, Any] = {}
        self.handles: dict[int, int] = {}  # a file descriptor that tells of a process's end

    def watch(self) -> None:
        """Go on until the emulator ends."""
        self._follow()
        self.known = server.call(self.deployment, self.url, "GET", "instances")
        while True:
            ended = self._wait()
            try:
                current = server.call(self.deployment, self.url, "GET", "instances")
            except OSError:
                if server.address(self.deployment) is None:
                    return
                continue
            if current == self.known and not ended:
                continue
            try:
                with self.deployment.lock():
                    stopped = self._act(current)
                # Whoever starts these before the next look must not find the state that
                # was known before, for then nothing would seem to have happened.
                self.known = {key: current[key] for key in current.keys() - stopped}
            except Exception:  # the watcher outlives any one failure, and tries again
                log.exception("The hosts could not follow")
                time.sleep(STEP_SECONDS)
            self._follow()

    def _act(self, current: dict[str, Any]) -> set[str]:
        """Make the hosts follow; return the instances stopped because their host switched off."""
        containers = self.engine.containers()
        ec2 = server.ec2_client(self.deployment, self.url)
        switched_off = set()
        for instance_id, container in containers.items():
            if not container.running and current.get(instance_id, {}).get("state") == "running":
                was_running = self.known.get(instance_id, {}).get("state") == "running"
                if was_running and container.exit_code in SWITCHED_OFF_EXITS:
                    log.info("%s switched itself off", instance_id)
                    ec2.stop_instances(InstanceIds=[instance_id])
                    switched_off.add(instance_id)
        snapshot = instances.snapshot(ec2)
        self.hosts.remove_gone(snapshot)
        existing = [item for item in snapshot.instances if item.id in containers]
        rebooted = {
            instance_id
            for instance_id, value in current.items()
            if value["reboots"] != self.known.get(instance_id, value)["reboots"]
        }
        base = image.ensure(self.deployment, self.engine)
        for instance in existing:
            container = containers[instance.id]
            if instance.id in rebooted and instance.wanted and container.running:
                log.info("%s is rebooted", instance.id)
                self.hosts.restart(instance)
            else:
                self.hosts.bring_up([instance], base)
        return switched_off

    def _follow(self) -> None:
        """Hold a handle of the first process of each running host."""
        running = {item.pid for item in self.engine.containers().values() if item.running}
        for pid in set(self.handles) - running:
            os.close(self.handles.pop(pid))
        for pid in running - set(self.handles):
            with contextlib.suppress(ProcessLookupError):
                self.handles[pid] = os.pidfd_open(pid)

    def _wait(self) -> bool:
        """Wait a moment; return at once, and true, when a host has ended."""
        ended = select.select(list(self.handles.values()), [], [], STEP_SECONDS)[0]
        if ended:
            time.sleep(SETTLE_SECONDS)
        return bool(ended)


def main(deployment: Deployment, program: str) -> int:
    """Watch until there is nothing to watch."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    url = server.address(deployment)
    if url is None:
        return 0
    Watcher(deployment, Engine(deployment, program), url).watch()
    return 0
