"""Starting other programs, and recognizing the ones that were started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.hosts.deployment import read_json, write_json
from emulator.hosts.errors import HostsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STOP_SECONDS = 10.0


def run(
    command: Sequence[str | Path],
    *,
    timeout_seconds: float = 60.0,
    environment: Mapping[str, str] | None = None,
    text: str | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; a failure carries the last line it wrote."""
    shown = " ".join(str(word) for word in command)
    try:
        done = subprocess.run(
            [str(word) for word in command],
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            env=None if environment is None else {**os.environ, **environment},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise HostsError(f"'{shown}' did not end within {timeout_seconds:.0f} s.") from error
    except OSError as error:
        raise HostsError(f"'{command[0]}' could not be started: {error.strerror}.") from error
    if check and done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise HostsError(f"'{shown}' failed with {done.returncode}: {lines[-1]}")
    return done


def started_at(pid: int) -> str | None:
    """Return the kernel's start time of a process, which tells it from a later one of its id."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]


def start_background(command: Sequence[str | Path], record: Path, log: Path) -> int:
    """Start a program that outlives this one, and write down who it is."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    write_json(record, {"pid": process.pid, "started": started_at(process.pid)})
    return process.pid


def recorded(record: Path) -> int | None:
    """Return the id of the recorded process if it is still that process."""
    value = read_json(record) or {}
    pid = value.get("pid")
    if not isinstance(pid, int) or value.get("started") is None:
        return None
    return pid if started_at(pid) == value["started"] else None


def end(pids: Sequence[int]) -> None:
    """Ask processes to end, then make them."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        left = [pid for pid in pids if started_at(pid) is not None]
        for pid in left:
            try:
                os.kill(pid, sent)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + STOP_SECONDS
        while any(started_at(pid) is not None for pid in left) and time.monotonic() < deadline:
            time.sleep(0.02)


def mentioning(*paths: Path) -> list[int]:
    """Return the processes whose arguments name one of these paths, this one's own line excepted."""
    ours = set(ancestors())
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ours:
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(_names(argument, path) for path in paths for argument in arguments):
            found.append(int(entry.name))
    return found


def _names(argument: str, path: Path) -> bool:
    value = argument.rpartition("=")[2] if argument.startswith("-") else argument
    return value == str(path) or value.startswith(f"{path}/")


def command_name(pid: int) -> str:
    """Return the name of the program that a process runs; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def ancestors() -> list[int]:
    """Return this process and those that it descends from."""
    line, pid = [], os.getpid()
    while pid > 1:
        line.append(pid)
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        pid = int(stat.rpartition(")")[2].split()[1])
    return line
