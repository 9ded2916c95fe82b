"""Follow a run on its host until it has ended, and show how far both workers are.

Arguments:
    worker: ``a`` or ``b``.
    run_id: of the run.
    board: a directory on the control machine, in which each host's follower
        leaves what it last saw for the other's.
    poll_seconds: between two looks.
    silence_seconds: how long the host may be out of reach, a reboot included.

Returns ``outcome``: ``complete``, ``failed``, ``stopped``, ``unreachable``, or
``abandoned`` if the other worker ended for good, so that waiting is of no use;
``summary``, the worker's own; and ``reason``.

The playbook runs it on both hosts at once. Worker A's follower speaks for both.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

_DISPLAY = Display()
_SPEAKER = "a"
_IN_TRANSIT = {"initializing", "maintenance", "starting", "stopping"}


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible ships no types
    """The action ``follow_run``."""

    _requires_connection = True
    _supports_check_mode = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Follow until both ends are known."""
        result = super().run(tmp, task_vars)
        _, told = self.validate_argument_spec(
            argument_spec={
                "worker": {"type": "str", "required": True, "choices": ["a", "b"]},
                "run_id": {"type": "str", "required": True},
                "board": {"type": "path", "required": True},
                "poll_seconds": {"type": "float", "default": 1.0},
                "silence_seconds": {"type": "float", "default": 300.0},
            }
        )
        board = Board(Path(told["board"]), told["worker"])
        line = Line(told["run_id"])
        heard_at = time.monotonic()
        seen: dict[str, Any] = {"outcome": None, "summary": {}}
        playbook = os.getppid()
        while seen["outcome"] is None or (told["worker"] == _SPEAKER and board.other_is_running()):
            if seen["outcome"] is None:
                try:
                    seen = classify(self._look(told["worker"], told["run_id"]), seen)
                    heard_at = time.monotonic()
                except (AnsibleConnectionFailure, UnheardError) as problem:
                    self._connection.reset()
                    seen = {**seen, "silent": True}
                    if time.monotonic() - heard_at > told["silence_seconds"]:
                        seen |= {"outcome": "unreachable", "reason": str(problem)}
                if seen["outcome"] is None and board.other_failed():
                    seen |= {"outcome": "abandoned", "reason": "the other worker ended"}
                board.post(seen)
            if told["worker"] == _SPEAKER:
                line.show(seen, board.other())
            if seen["outcome"] is None or board.other_is_running():
                time.sleep(told["poll_seconds"])
            if os.getppid() != playbook:
                # Ansible's workers outlive a playbook that was killed; this one would for ever.
                os._exit(1)
        if told["worker"] == _SPEAKER:
            line.show(seen, board.other())
        return {**result, **seen, "changed": seen["outcome"] != "unreachable"}

    def _look(self, worker: str, run_id: str) -> dict[str, Any]:
        """Ask the host once."""
        unit = f"carscribe-worker-{worker}"
        state = f"/var/lib/{unit}"
        summary = shlex.quote(f"{state}/runs/{run_id}/summary.json")
        # The unit first: a unit that a shutdown has stopped is then seen
        # together with the shutdown.
        answer = self._low_level_execute_command(
            f"systemctl show -p ActiveState -p SubState -p Result -p ExecMainStatus {unit}.service;"
            f" echo System=$(systemctl is-system-running);"
            f" test -e {state}/current-run && echo Current=yes;"
            f" echo; cat {summary} 2>/dev/null || echo '{{}}'"
        )
        head, _, body = answer["stdout"].replace("\r", "").partition("\n\n")
        facts = dict(pair.split("=", 1) for pair in head.splitlines() if "=" in pair)
        try:
            return {**facts, "summary": json.loads(body), "ActiveState": facts["ActiveState"]}
        except (ValueError, KeyError):
            raise UnheardError(answer.get("stderr") or answer["stdout"]) from None


class UnheardError(Exception):
    """The host gave no whole answer."""


def classify(look: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Tell from a look at the host whether its worker has ended, and how."""
    summary = look["summary"] or before["summary"]
    seen: dict[str, Any] = {"outcome": None, "summary": summary, "silent": False}
    if look["ActiveState"] not in {"inactive", "failed"}:
        waits = look["SubState"] == "auto-restart"
        return {**seen, "restarts_after": look["ExecMainStatus"] if waits else None}
    if look["ActiveState"] == "failed":
        return {**seen, "outcome": "failed", "reason": _reason(look)}
    if "Current" not in look:
        complete = summary.get("state") == "complete"
        end = {"outcome": "complete", "reason": None}
        return {**seen, **(end if complete else {"outcome": "failed", "reason": _reason(look)})}
    # Not running, and not done: a reboot, or somebody stopped it. Only what
    # two looks in a row agree on counts, and no look during a reboot.
    if look["System"] in _IN_TRANSIT:
        return seen
    if not before.get("idle"):
        return {**seen, "idle": True}
    return {**seen, "outcome": "stopped", "reason": "it was stopped before its end."}


def _reason(look: dict[str, Any]) -> str:
    said = look["summary"].get("reason")
    return said or f"{look['Result']}, exit code {look['ExecMainStatus']}."


class Board:
    """Where the two followers leave what they see for each other."""

    def __init__(self, directory: Path, worker: str) -> None:
        self._mine = directory / f"{worker}.json"
        self._others = directory / f"{'b' if worker == 'a' else 'a'}.json"

    def post(self, seen: dict[str, Any]) -> None:
        """Leave what this follower sees."""
        draft = self._mine.with_suffix(".new")
        draft.write_text(json.dumps(seen))
        draft.replace(self._mine)

    def other(self) -> dict[str, Any]:
        """Return what the other follower last saw."""
        try:
            seen: dict[str, Any] = json.loads(self._others.read_text())
        except FileNotFoundError:
            return {"outcome": None, "summary": {}}
        return seen

    def other_is_running(self) -> bool:
        """Tell whether the other worker has not ended."""
        return self.other()["outcome"] is None

    def other_failed(self) -> bool:
        """Tell whether the other worker ended for good without completing its part."""
        return self.other()["outcome"] in {"failed", "stopped", "unreachable"}


class Line:
    """Shows both workers in one line, whenever it has changed."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._begun_at = time.monotonic()
        self._last = ""

    def show(self, a: dict[str, Any], b: dict[str, Any]) -> None:
        """Show the line, if it says something new."""
        text = f"A {describe_a(a)} | B {describe_b(b, a['summary'])}"
        if text != self._last:
            seconds = int(time.monotonic() - self._begun_at)
            _DISPLAY.display(f"  {seconds // 60:2d}:{seconds % 60:02d}  {text}")
        self._last = text


def describe_a(seen: dict[str, Any]) -> str:
    """Say how far worker A is."""
    summary = seen["summary"]
    images = summary.get("images")
    if images is None:
        return _absence(seen)
    done, total = images["detected"], images["listed"]  # failed ones are done with, too
    of = f"{total}" if summary.get("listing_done") else f"{total}+"
    return f"{done}/{of} images, {images['cars']} cars{_ending(seen, total - done)}"


def describe_b(seen: dict[str, Any], summary_a: dict[str, Any]) -> str:
    """Say how far worker B is; how many cars there are, A knows before B does."""
    summary = seen["summary"]
    images = summary.get("images")
    if images is None:
        return _absence(seen)
    total = summary.get("expected") or (summary_a.get("images") or {}).get("cars", 0)
    total = max(total, images["settled"])
    return (
        f"{images['settled']}/{total} cars read, {images['with_text']} with text"
        f"{_ending(seen, total - images['settled'])}"
    )


def _absence(seen: dict[str, Any]) -> str:
    if seen["outcome"] is not None:
        return str(seen["outcome"])
    return _hold_up(seen) or "starting"


def _hold_up(seen: dict[str, Any]) -> str:
    """Say why there is no progress just now, if the follower knows it."""
    if seen.get("silent"):
        return "out of reach"
    code = seen.get("restarts_after")
    return f"ended with {code} and is started again, `make logs` says why" if code else ""


def _ending(seen: dict[str, Any], left: int) -> str:
    images = seen["summary"]["images"]
    failed = f", {images['failed']} failed" if images["failed"] else ""
    if seen["outcome"] is not None:
        return f"{failed}, {seen['outcome']}"
    if hold_up := _hold_up(seen):
        return f"{failed}, {hold_up}"
    return f"{failed}, {seen['summary']['rate_per_second']:g}/s, {left} left"
