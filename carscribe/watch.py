"""Watch a run to its end, over SSH.

Nothing but the standard library, and nothing newer than Python 3.10: the
playbook's action plugin imports it with whatever Python Ansible runs on.
"""

from __future__ import annotations

import heapq
import json
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from carscribe.runs import (
    COMPLETE,
    OUTPUT_LINES_MAX,
    SilentError,
    check_run_id,
    is_run_id,
    is_summary,
    listed,
    shown,
    unit,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from carscribe.runs import Remote

POLL_SECONDS = 1.0
SILENCE_SECONDS = 300.0
"""How long a host may be out of reach, a reboot included."""
SECONDS_OF_PATIENCE = 10.0
"""Before a silence is worth a word: a first connection, or a busy host, takes a while."""

FAILED, STOPPED = "failed", "stopped"
UNREACHABLE, ABANDONED = "unreachable", "abandoned"
ENDED_BADLY = {FAILED, STOPPED, UNREACHABLE}
"""What the other worker would wait for in vain."""

_IN_TRANSIT = {"initializing", "maintenance", "starting", "stopping"}
_ESCAPED = re.compile(r"\\(?:\\|u([0-9a-f]{4}))")  # as rules.escape does it
_END_OF_LOOK = "\x1e"  # ASCII's record separator, which no JSON and no property holds

# The unit first: a unit that a shutdown has stopped is then seen together with
# the shutdown. A look that nobody reads any more ends with the pipe.
_LOOK = r"""
while :; do
systemctl show -p ActiveState -p SubState -p Result -p ExecMainStatus {unit}.service
echo System=$(systemctl is-system-running)
echo Current=$(sed -n 's/^CARSCRIBE_RUN_ID=//p' {state}/current-run 2>/dev/null)
echo; cat {state}/runs/{run_id}/summary.json 2>/dev/null || echo '{{}}'
printf '\n\036\n' || exit
sleep {seconds}
done
"""


@dataclass(frozen=True)
class Seen:
    """What is known of one worker.

    Attributes:
        outcome: None while it runs; else ``complete``, ``failed``, ``stopped``,
            ``unreachable``, or ``abandoned`` if the other ended, so that waiting is of no use.
        reason: of an outcome that is not ``complete``.
        summary: its own, as it last was.
        silent: whether its host is out of reach for now.
        restarts_after: the exit code after which systemd is about to start it again.
        is_idle: whether the last look showed it neither running nor done.
    """

    outcome: str | None = None
    reason: str | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    silent: bool = False
    restarts_after: str | None = None
    is_idle: bool = False


def judge(look: Mapping[str, Any], before: Seen, run_id: str) -> Seen:
    """Tell from a look at the host whether the worker has ended its run, and how."""
    seen = Seen(summary=look["summary"] or before.summary)
    current = look.get("Current", "")
    if current not in {"", run_id}:
        said = f"run {current if is_run_id(current) else '?'} is at work or unfinished on its host, and not this one."
        return replace(seen, outcome=FAILED, reason=said)
    if look["ActiveState"] not in {"inactive", "failed"}:
        waits = look["SubState"] == "auto-restart"
        return replace(seen, restarts_after=look["ExecMainStatus"] if waits else None)
    if look["ActiveState"] == "inactive" and current:
        return _judge_idle(look, before, seen)
    if look["ActiveState"] == "inactive" and seen.summary.get("state") == COMPLETE:
        return replace(seen, outcome=COMPLETE)
    return replace(seen, outcome=FAILED, reason=_reason(look))


def _judge_idle(look: Mapping[str, Any], before: Seen, seen: Seen) -> Seen:
    """Tell a reboot from a worker that somebody stopped: neither runs, neither is done.

    Only what two looks in a row agree on counts, and no look during a reboot.
    """
    if look["System"] in _IN_TRANSIT:
        return seen
    if not before.is_idle:
        return replace(seen, is_idle=True)
    return replace(seen, outcome=STOPPED, reason="it was stopped before its end.")


def _reason(look: Mapping[str, Any]) -> str:
    said: str | None = look["summary"].get("reason")
    if said:
        return said
    if look["Result"] == "resources":
        return (
            "systemd could not start it, for want of something on its host: its volume that is "
            "not mounted, or a file of its settings; `make up` mends both."
        )
    return f"{look['Result']}, exit code {look['ExecMainStatus']}."


def parse_look(text: str) -> dict[str, Any]:
    """Read what one look printed.

    Raises:
        SilentError: it is no whole look.
    """
    head, _, body = text.replace("\r", "").lstrip("\n").partition("\n\n")
    facts: dict[str, Any] = dict(pair.split("=", 1) for pair in head.splitlines() if "=" in pair)
    try:
        summary = json.loads(body)
    except (ValueError, RecursionError):
        summary = None
    wanted = {"ActiveState", "SubState", "Result", "ExecMainStatus", "System"}
    if not is_summary(summary) or not wanted <= facts.keys():
        raise SilentError(f"The host's answer is not whole: {' '.join(text.split())[:200]}")
    return {**facts, "summary": summary}


class Looker(threading.Thread):
    """Looks at a host about once a second over one connection, and opens it again if it breaks."""

    def __init__(self, remote: Remote, run_id: str, seconds: float) -> None:
        super().__init__(name=f"look-{remote.name}", daemon=True)
        self._command = remote.command(
            _LOOK.format(
                unit=unit(remote.worker),
                state=remote.state,
                run_id=check_run_id(run_id),
                seconds=seconds,
            )
        )
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._is_over = threading.Event()
        self._looks: list[dict[str, Any]] = []
        self.problem = "no answer yet"

    def take(self) -> list[dict[str, Any]]:
        """Return the looks since the last time."""
        with self._lock:
            looks, self._looks = self._looks, []
        return looks

    def close(self) -> None:
        """End the connection."""
        self._is_over.set()
        with self._lock:
            if self._process:
                self._process.kill()

    def run(self) -> None:
        """Connect, as often as need be."""
        while not self._is_over.is_set():
            self._listen()
            self._is_over.wait(self._seconds)

    def _listen(self) -> None:
        with self._lock:
            if self._is_over.is_set():
                return
            self._process = process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        with process:
            lines: list[str] = []
            for line in process.stdout or ():
                if self._is_over.is_set():  # what ssh has started may hold the pipe yet
                    return
                if line.rstrip("\r\n") != _END_OF_LOOK:
                    lines.append(line)
                    continue
                self._take(lines)
                lines = []
            said = (process.stderr.read() if process.stderr else "").strip().splitlines()
        self.problem = said[-1] if said else f"ssh ended with {process.returncode}"

    def _take(self, lines: list[str]) -> None:
        try:
            look = parse_look("".join(lines))
        except SilentError as problem:
            self.problem = str(problem)
            return
        with self._lock:
            self._looks.append(look)


def watch(
    remotes: Sequence[Remote],
    run_id: str,
    show: Callable[[Mapping[str, Seen]], None],
    *,
    poll_seconds: float = POLL_SECONDS,
    silence_seconds: float = SILENCE_SECONDS,
) -> dict[str, Seen]:
    """Watch a run until the end of each worker is known, by short name; tell ``show`` what is seen.

    A worker that is left alone is stopped; other pairs go on. Whatever ends this, the run goes on.
    """
    watched = [Watched(remote, run_id, poll_seconds, silence_seconds) for remote in remotes]
    try:
        while True:
            for one in watched:
                one.look()
            lost = {one.remote.pair for one in watched if one.seen.outcome in ENDED_BADLY}
            for one in watched:
                if one.remote.pair in lost:
                    one.abandon()
            seen = {one.remote.name: one.seen for one in watched}
            show(seen)
            if all(one.outcome for one in seen.values()):
                return seen
            time.sleep(poll_seconds / 4)
    finally:
        for one in watched:
            one.looker.close()


class Watched:
    """One worker, and what is known of it."""

    def __init__(
        self, remote: Remote, run_id: str, poll_seconds: float, silence_seconds: float
    ) -> None:
        self.remote = remote
        self.seen = Seen()
        self.looker = Looker(remote, run_id, poll_seconds)
        self._run_id = run_id
        self._silence_seconds = silence_seconds
        self._heard_at = time.monotonic()
        self.looker.start()

    def look(self) -> None:
        """Judge what has come since the last time."""
        looks = self.looker.take()
        for look in looks:
            if self.seen.outcome is None:
                self.seen = judge(look, self.seen, self._run_id)
        if looks:
            self._heard_at = time.monotonic()
        elif self.seen.outcome is None:
            silent_for = time.monotonic() - self._heard_at
            self.seen = replace(self.seen, silent=silent_for > SECONDS_OF_PATIENCE)
            if silent_for > self._silence_seconds:
                said = f"its host is silent: {self.looker.problem}."
                self.seen = replace(self.seen, outcome=UNREACHABLE, reason=said)

    def abandon(self) -> None:
        """Stop a worker that waits for one that will not come."""
        if self.seen.outcome is None:
            self.remote.stop(self._run_id)
            self.seen = replace(self.seen, outcome=ABANDONED, reason="the other worker ended.")


def sentences(seen: Mapping[str, Seen], run_id: str) -> list[str]:
    """Say how a run ended, where it is not complete, and what to do."""
    told = []
    for name, one in seen.items():
        if one.outcome in ENDED_BADLY:
            told.append(
                f"Worker {name.upper()} has not completed run {run_id} ({one.outcome}): "
                f"{one.reason}"
            )
    if told:
        told.append(f"Once that is put right, go on with it: `make run RUN_ID={run_id}`.")
    return told


def note(seen: Mapping[str, Seen]) -> str:
    """Say what is waited for, if the figures do not."""
    silent = [name.upper() for name, one in seen.items() if one.silent and not one.outcome]
    if silent:
        return f"host {' and host '.join(silent)} out of reach for now; the run goes on there"
    for name, one in seen.items():
        if one.restarts_after and not one.outcome:
            return (
                f"worker {name.upper()} ended with {one.restarts_after} and is started again: "
                f"`make logs HOST={name}` says why"
            )
    return "" if any(one.summary for one in seen.values()) else "starting the workers"


def summaries(seen: Mapping[str, Seen]) -> dict[str, dict[str, Any]]:
    """Return each worker's own summary, as it last was."""
    return {name: one.summary for name, one in seen.items()}


@dataclass(frozen=True)
class End:
    """How a run ended, and what is left to say of it.

    Attributes:
        problems: sentences; none if the run is complete.
        journals: the last lines of each worker that failed.
        output: the lines of output.txt, if the run is complete; of a long one the first.
        more: says how many are left out.
    """

    problems: list[str]
    journals: dict[str, list[str]]
    output: list[str]
    more: str = ""


def several_models(seen: Mapping[str, Seen]) -> list[str]:
    """Say of each worker whether several versions of the model answered it."""
    said = []
    for name, one in seen.items():
        models = sorted({answer.partition(" ")[2] for answer in one.summary.get("answers", {})})
        if len(models) > 1:
            said.append(
                f"Worker {name.upper()} was answered by several versions of the model, "
                f"{', '.join(map(shown, models))}: what they see may differ."
            )
    return said


def denied_regions(seen: Mapping[str, Seen]) -> list[str]:
    """Say of each worker which of several regions it was denied, and so asked no more."""
    said = []
    for name, one in seen.items():
        regions = one.summary.get("regions") or {}
        if denied := sorted(shown(region) for region in regions if regions[region] == "denied"):
            said.append(
                f"Worker {name.upper()} was denied in {listed(denied)}, whose quota it did without: "
                f"`make logs HOST={name}` says why."
            )
    return said


def _in_order(line: str) -> tuple[str, str]:
    """Return what the lines of several pairs are sorted by: their keys, as the workers sort them.

    That is rules.natural_key, which a user's own Ansible has not.
    """

    def with_length(match: re.Match[str]) -> str:
        digits = match[0].lstrip("0")
        return f"0{chr(len(digits))}{digits}"

    escaped = line.partition(": ")[0]
    key = _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else "\\", escaped)
    return re.sub("[0-9]+", with_length, key), key


def end_of(remotes: Sequence[Remote], seen: Mapping[str, Seen], run_id: str) -> End:
    """Ask the hosts for what is left to say."""
    problems = [shown(sentence) for sentence in sentences(seen, run_id)]
    hosts = {remote.name: remote for remote in remotes}
    if problems:
        failed = [name for name, one in seen.items() if one.outcome == FAILED]
        return End(problems, {n: [*map(shown, hosts[n].last_lines())] for n in failed}, [])
    try:
        outputs = [one.output(run_id) for one in remotes if one.worker == "b"]
    except SilentError as problem:
        said = f"Run {run_id} is complete, and its output cannot be read now ({problem}): "
        return End([f"{said}`make results RUN_ID={run_id}` fetches it."], {}, [])
    first = islice(heapq.merge(*outputs, key=_in_order), OUTPUT_LINES_MAX)
    with_text = [(one.summary.get("images") or {}).get("with_text", 0) for one in seen.values()]
    left = sum(with_text) - OUTPUT_LINES_MAX
    more = f"And {left:,} lines more." if left > 0 else ""
    return End([], {}, [*map(shown, first)], more)
