"""Runs, as they are named, and the hosts on which they are.

Nothing but the standard library, and nothing newer than Python 3.10: the
playbooks' plugins import it with whatever Python Ansible runs on.
"""

from __future__ import annotations

import re
import secrets
import shlex
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeGuard

WORKERS = ("a", "b")
STATE_ROOT = "/var/lib"
COMPLETE = "complete"
JOURNAL_LINES = 12
OUTPUT_LINES_MAX = 1000
"""So many lines of a result are printed at the most; a run of millions is no text for a terminal."""
COMMAND_SECONDS = 60
"""For one command on a host, but for the long ones."""
AT_WORK = frozenset({"active", "activating", "deactivating", "reloading"})
"""A unit's states in which a run is in progress (systemctl(1), is-active)."""

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAME = re.compile(r"([ab])(?:-([2-9]|1[0-6]))?")
"""A host's short name: ``a`` and ``b`` are the first pair, ``a-2`` and ``b-2`` the second."""
_MEMBERS: dict[str, Any] = {
    **dict.fromkeys(("state", "reason", "started_at", "ended_at"), str),
    **dict.fromkeys(("images", "answers", "regions"), dict),
    "duration_seconds": (int, float),
}
"""What of a worker's summary is shown, and of what type it is where it is there."""
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_STOP = """
grep -qxF CARSCRIBE_RUN_ID={run_id} {state}/current-run 2>/dev/null || exit 0
systemctl stop {unit}.service
"""
# The unit's state, the run in progress, and all runs, the latest first.
_ASK = r"""
echo "unit=$(systemctl is-active {unit})"
echo "current=$(sed -n 's/^CARSCRIBE_RUN_ID=//p' {state}/current-run 2>/dev/null)"
ls -t {state}/runs 2>/dev/null || :
"""


class RunIdError(ValueError):
    """What is named is no run id; the message is a sentence."""


class SilentError(Exception):
    """A host gave no answer."""


def check_run_id(run_id: str) -> str:
    """Return a run id as it is, whether a person or a host gave it.

    Raises:
        RunIdError: it could be something else than the name of one folder.
    """
    if not is_run_id(run_id):
        shown = run_id.encode("unicode_escape").decode("ascii")[:80]
        raise RunIdError(
            f"{shown} is no run id: 1 to 64 letters, digits, dots, dashes or underscores, "
            "the first a letter or digit."
        )
    return run_id


def is_run_id(name: str) -> bool:
    """Tell whether a name is that of one folder, and could be a run's."""
    return RUN_ID.fullmatch(name) is not None


def is_summary(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether this is a worker's summary, or what there is of one: a host may say anything."""
    if not isinstance(value, dict):
        return False
    if any(not isinstance(value[name], kind) for name, kind in _MEMBERS.items() if value.get(name)):
        return False
    counts = [*(value.get("images") or {}).values(), *(value.get("answers") or {}).values()]
    return all(isinstance(count, int) for count in counts)


def shown(text: str) -> str:
    """Return a host's words without what would steer a terminal."""
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def new_run_id() -> str:
    """Return the time, for people, and enough of chance that no two runs meet."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"  # noqa: UP017 # Python 3.10 has no datetime.UTC


def unit(worker: str) -> str:
    """Return the name of a worker's unit, which is its user's and its state directory's too."""
    return f"carscribe-worker-{worker}"


def names_of(pairs: int) -> list[str]:
    """Return the short names of so many pairs' hosts: ``a``, ``b``, ``a-2``, ``b-2``."""
    return [
        worker if pair == 1 else f"{worker}-{pair}"
        for pair in range(1, pairs + 1)
        for worker in WORKERS
    ]


def pair_of(name: str) -> int:
    """Return the number of the pair that a host of this short name belongs to."""
    return int(name.partition("-")[2] or 1)


def listed(names: Iterable[str], word: str = "and") -> str:
    """Return names as a sentence has them: ``A, B and A-2``."""
    *others, last = names
    return f"{', '.join(others)} {word} {last}" if others else last


@dataclass
class About:
    """What a host says of its worker.

    Attributes:
        problem: why nothing is known; empty if something is.
        is_stopped: its host is, and was not asked.
        is_at_work: whether its unit is active.
        current: the run that has not ended, if there is one.
        runs: all that it holds, the latest first.
    """

    problem: str = ""
    is_stopped: bool = False
    is_at_work: bool = False
    current: str = ""
    runs: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if self.is_stopped:
            return "its host is stopped: any command that needs it starts it, such as `make run`"
        if self.problem:
            return f"cannot be asked over SSH: {self.problem}"
        state = "at work" if self.is_at_work else "idle"
        if self.is_at_work and self.current:
            return f"{state} on run {self.current}"
        return state


@dataclass(frozen=True)
class Named:
    """What a worker's host is called.

    Attributes:
        name: its short name, ``a`` or ``b-2``.
    """

    name: str

    @property
    def worker(self) -> str:
        """``a`` or ``b``."""
        return self.name[0]

    @property
    def pair(self) -> int:
        """The number of its pair."""
        return pair_of(self.name)


@dataclass(frozen=True)
class Remote(Named):
    """A worker's host, as it is reached.

    Attributes:
        ssh: the command to which a host's command is appended, as one word.
        state_root: where the workers' state directories are.
    """

    ssh: Sequence[str]
    state_root: str = STATE_ROOT

    def command(self, script: str) -> list[str]:
        """Return the command that runs a script there, as root."""
        return [*self.ssh, f"sudo sh -c {shlex.quote(script)}"]

    def read(self, script: str, seconds: float = COMMAND_SECONDS) -> str:
        """Return what a script prints there.

        Raises:
            SilentError: the host did not answer, or the script failed.
        """
        try:
            done = subprocess.run(
                self.command(script),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SilentError(f"no answer within {seconds:.0f} s") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise SilentError(shown(said[-1]) if said else f"exit code {done.returncode}")
        return done.stdout.decode(errors="replace")

    @property
    def state(self) -> str:
        """The worker's state directory."""
        return f"{self.state_root}/{unit(self.worker)}"

    def stop(self, run_id: str) -> None:
        """Stop the worker, if it is at this run and not at another; a silent host stays as it is."""
        names = {"unit": unit(self.worker), "state": self.state, "run_id": check_run_id(run_id)}
        with suppress(SilentError):
            self.read(_STOP.format(**names), seconds=2 * COMMAND_SECONDS)

    def about(self) -> About:
        """Ask the host what its worker does."""
        try:
            said = self.read(_ASK.format(unit=unit(self.worker), state=self.state))
        except SilentError as problem:
            return About(problem=str(problem))
        first, _, rest = said.partition("\n")
        second, _, names = rest.partition("\n")
        # What one host names is part of a command for the others.
        current = second.removeprefix("current=")
        return About(
            is_at_work=first.removeprefix("unit=") in AT_WORK,
            current=current if is_run_id(current) else "",
            runs=[name for name in names.splitlines() if is_run_id(name)],
        )

    def last_lines(self) -> list[str]:
        """Return the end of the worker's journal, as far as it can be had."""
        words = f"journalctl --unit={unit(self.worker)}.service --output=short-iso"
        try:
            said = self.read(f"{words} --lines={JOURNAL_LINES} --no-pager --no-hostname")
        except SilentError:
            return []
        return said.splitlines()

    def output(self, run_id: str) -> list[str]:
        """Return the lines of output.txt, of a long one the first.

        Raises:
            SilentError: it cannot be read.
        """
        file = f"{self.state}/runs/{check_run_id(run_id)}/output.txt"
        text = self.read(f"head -n {OUTPUT_LINES_MAX} {file}")
        return text.split("\n")[:-1]


def remotes(names: Iterable[str], variables: Mapping[str, Mapping[str, Any]]) -> list[Remote]:
    """Return the hosts of these names in the inventory, pair by pair.

    Args:
        names: ``worker-a``, ``worker-b-2``...
        variables: those of each host, as Ansible knows them.
    """
    found = [Remote(name.removeprefix("worker-"), ssh_words(variables[name])) for name in names]
    return sorted(found, key=lambda remote: (remote.pair, remote.worker))


def ssh_words(variables: Mapping[str, Any]) -> list[str]:
    """Return the command that reaches a host of the inventory; a command for it is one word more.

    Args:
        variables: the host's, as Ansible knows them.
    """
    alive = ("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3")
    return [
        *("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR", *alive),
        *("-i", str(variables["ansible_ssh_private_key_file"])),
        *shlex.split(str(variables["ansible_ssh_common_args"])),
        f"{variables['ansible_user']}@{variables['ansible_host']}",
    ]
