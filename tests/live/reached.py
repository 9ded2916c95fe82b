"""A worker's host, reached as Ansible reaches it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
import testinfra

from carscribe.deployment import BUILD, DeploymentError, choose_hosts, hosts


@dataclass(frozen=True)
class Worker:
    """A worker's host, and the names of what is on it.

    Attributes:
        name: ``a`` or ``b``.
        host: the connection.
        variables: the inventory's, those of all hosts and its own.
        said: what commands have printed that are asked once.
    """

    name: str
    host: Any
    variables: dict[str, Any]
    said: dict[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """The name of its unit, and of its user."""
        return f"carscribe-worker-{self.name}"

    @property
    def home(self) -> str:
        """The directory of its releases."""
        return f"/opt/carscribe/worker-{self.name}"

    @property
    def state(self) -> str:
        """Its state directory."""
        return f"/var/lib/{self.unit}"

    def say(self, command: str) -> str:
        """Return what a command prints on the host."""
        return str(self.host.check_output(command))

    def setting(self, name: str, unit: str | None = None) -> str:
        """Return a property of the unit as systemd understood it."""
        shown = self.say_once(f"systemctl show --all {unit or self.unit}.service")
        [value] = re.findall(rf"^{name}=(.*)$", shown, re.MULTILINE)
        return str(value)

    def say_once(self, command: str) -> str:
        """Return what a command printed when it was asked for the first time."""
        if command not in self.said:
            self.said[command] = self.say(command)
        return self.said[command]

    @property
    def journal(self) -> str:
        """The last lines of the unit's journal, to be printed when it is not as it should be."""
        return self.say(f"journalctl --unit={self.unit}.service --lines=20 --no-pager")

    def last_run(self) -> tuple[str, dict[str, Any]]:
        """Return the directory and the summary of the latest run."""
        # Before the first run there is no such folder, which is said below.
        names = self.say(f"ls -t {self.state}/runs 2>/dev/null || true").split()
        if not names:
            pytest.fail("There has been no run yet: `make run` makes one.")
        directory = f"{self.state}/runs/{names[0]}"
        return directory, json.loads(self.say(f"cat {directory}/summary.json"))


def names() -> list[str]:
    """Return the hosts' short names; where nothing is up, those whose absence is told."""
    try:
        return list(hosts())
    except DeploymentError:
        return ["a", "b"]


@cache
def connect(name: str) -> Worker:
    """Reach a worker's host, named as ``a`` or ``b-2``, through the inventory."""
    try:
        [host] = choose_hosts(name)
    except DeploymentError as problem:
        pytest.fail(str(problem))
    reached = testinfra.get_host(
        f"ansible://worker-{name}?ansible_inventory={BUILD / 'inventory.yml'}", sudo=True
    )
    return Worker(name[0], reached, host.variables)
