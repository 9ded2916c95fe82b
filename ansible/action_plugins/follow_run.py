"""Follow a run until all workers have ended, and show how far they are.

Arguments:
    run_id: of the run.
    hosts: the names of the workers' hosts in the inventory.
    poll_seconds: between two looks at a host.
    silence_seconds: how long a host may be out of reach, a reboot included.

Returns ``output``, the lines of output.txt, of a long one the first; or it
fails, with what each worker that did not complete its part said. It runs once,
for all hosts.
"""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

# The checkout that this file lies in, whatever Ansible and folder it is run from.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from carscribe import progress, runs, watch  # found by the line above

if TYPE_CHECKING:
    from collections.abc import Mapping

# Ansible leaves it to the system when a pipe gets a line, and loads this in its own process first.
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(line_buffering=True)


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible ships no types
    """The action ``follow_run``."""

    _requires_connection = False
    _supports_check_mode = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Follow until all ends are known."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, told = self.validate_argument_spec(
            argument_spec={
                "run_id": {"type": "str", "required": True},
                "hosts": {"type": "list", "elements": "str", "required": True},
                "poll_seconds": {"type": "float", "default": watch.POLL_SECONDS},
                "silence_seconds": {"type": "float", "default": watch.SILENCE_SECONDS},
            }
        )
        remotes = runs.remotes(told["hosts"], (task_vars or {})["hostvars"])
        seconds = {name: told[name] for name in ("poll_seconds", "silence_seconds")}
        seen = watch.watch(remotes, told["run_id"], Follower().show, **seconds)
        end = watch.end_of(remotes, seen, told["run_id"])
        journals = [
            f"Worker {name.upper()}'s last lines:\n" + "\n".join(lines)
            for name, lines in end.journals.items()
        ]
        failure = {"failed": True, "msg": "\n".join([*end.problems, *journals])}
        return {
            **result,
            "changed": True,
            "output": [*end.output, *filter(None, [end.more])],
            **(failure if end.problems else {}),
        }


class Follower:
    """Shows all workers in a line with the time since it began."""

    def __init__(self) -> None:
        self._progress, self._begun_at = progress.Progress(), time.monotonic()
        self._lines, self._playbook = progress.Lines(self._write), os.getppid()

    def _write(self, line: str) -> None:
        Display().display(f"  {progress.duration(time.monotonic() - self._begun_at):>5}  {line}")

    def show(self, seen: Mapping[str, watch.Seen]) -> None:
        """Show the line, if it says something new."""
        if os.getppid() != self._playbook:
            # Ansible's workers outlive a playbook that was killed; this one would for ever.
            os._exit(1)
        figures = self._progress.figures(*progress.of_all_pairs(watch.summaries(seen)))
        self._lines.worked(figures, watch.note(seen))
