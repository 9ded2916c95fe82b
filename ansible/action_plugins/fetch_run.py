"""Fetch a run's files from all hosts, compressed, and going on where it broke off.

Arguments:
    run_id: of the run; empty for the latest.
    hosts: the names of the workers' hosts in the inventory.
    results: the folder in which the run has its own.

Returns ``folder``, that of the run. It runs once, for all hosts.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

# The checkout that this file lies in, whatever Ansible and folder it is run from.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from carscribe import fetch, progress, runs  # found by the line above

# Ansible leaves it to the system when a pipe gets a line, and loads this in its own process first.
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(line_buffering=True)


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible ships no types
    """The action ``fetch_run``."""

    _requires_connection = False
    _supports_check_mode = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Fetch what there is."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        text = {"type": "str", "required": True}
        _, told = self.validate_argument_spec(
            argument_spec={
                **dict.fromkeys(("run_id", "results"), text),
                "hosts": {"type": "list", "elements": "str", "required": True},
            }
        )
        remotes = runs.remotes(told["hosts"], (task_vars or {})["hostvars"])
        lines = progress.Lines(lambda line: Display().display(f"  {line}"))
        try:
            if told["run_id"]:
                runs.check_run_id(told["run_id"])
            name, silent = fetch.choose(remotes, told["run_id"])
            folder = Path(told["results"]).resolve() / name
            there = [remote for remote in remotes if remote.name not in silent]
            silent |= fetch.fetch(there, name, folder, lines.fetched)
        except (fetch.FetchError, runs.RunIdError) as problem:
            return {**result, "failed": True, "msg": str(problem)}
        for host, why in silent.items():
            Display().warning(
                f"Host {host.upper()} does not answer ({why}): what it has is missing."
            )
        return {**result, "changed": True, "folder": str(folder)}
