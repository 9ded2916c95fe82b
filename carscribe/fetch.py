"""Fetch a run's files from all hosts: compressed, streamed, and gone on with where it broke off.

Nothing but the standard library, and nothing newer than Python 3.10: a playbook
calls it with whatever Python Ansible runs on. What a host says is believed of
nothing but the contents of files that are named here.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
import zlib
from typing import IO, TYPE_CHECKING, NamedTuple

from carscribe.runs import Remote, SilentError, check_run_id, is_run_id, listed, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FILES = {
    "a": ("results.jsonl", "summary.json"),
    "b": ("results.jsonl", "summary.json", "output.txt"),
}
"""What a worker writes; a run that has not ended has no more than a summary."""
ATTEMPTS = 5
"""In a row without a byte; a connection that breaks and goes on breaks as often as it likes."""
PAUSE_SECONDS = 2.0
CHUNK_BYTES = 1 << 18

# A run has a store; one of an earlier release may have results alone. Of each
# the time of its latest change: of the store while it runs, of the others after.
_LIST = r"""
cd {state}/runs 2>/dev/null || exit 0
for run in *; do
  cd "$run" 2>/dev/null || continue
  [ ! -e store.sqlite3 ] && [ ! -e results.jsonl ] ||
    stat -c "%Y $run" store.sqlite3 results.jsonl summary.json 2>/dev/null
  cd ..
done
"""
# Size, time and inode tell one file from a later one under its name.
_STAMP = r"""
cd {state}/runs/{run_id} 2>/dev/null || exit 0
for file in {files}; do [ ! -f $file ] || stat -c "$file %s %.9Y %i" $file; done
"""
# The file is opened once: one that takes its place meanwhile is another one,
# and is sent from its beginning.
_READ = r"""
exec < {state}/runs/{run_id}/{file} || exit
stamp=$(stat -L -c '%s %.9Y %i' /proc/self/fd/0)
first={first}; [ "$stamp" = '{stamp}' ] || first=1
echo "$first $stamp"
tail -c +$first | gzip -c -1
"""


_SECONDS = re.compile(r"[0-9]{1,12}")
_STAMPED = re.compile(r"([0-9]{1,18}) ([0-9]{1,12}\.[0-9]{9}) ([0-9]{1,20})")


class FetchError(Exception):
    """The run cannot be fetched. Says why and what to do."""


class Stamp(NamedTuple):
    """A file as it is on its host.

    Attributes:
        size: in bytes.
        changed_at: in epoch seconds, with nine digits behind the point.
        inode: tells it from one that took its place in the same moment.
    """

    size: int
    changed_at: str
    inode: int

    @property
    def changed_at_ns(self) -> int:
        """The same in nanoseconds."""
        return int(self.changed_at.replace(".", ""))

    def __str__(self) -> str:
        return f"{self.size} {self.changed_at} {self.inode}"


def choose(remotes: Sequence[Remote], run_id: str) -> tuple[str, dict[str, str]]:
    """Return the run to fetch, the latest on any host if none is named, and what hosts were silent.

    Raises:
        FetchError: no host has it, or none answers.
    """
    found: dict[str, int] = {}
    silent: dict[str, str] = {}
    for remote in remotes:
        try:
            said = remote.read(_LIST.format(state=remote.state))
        except SilentError as problem:
            silent[remote.name] = str(problem)
            continue
        for line in said.splitlines():
            at, _, name = line.partition(" ")
            # A host may have been taken over: what it names is no path here yet.
            if is_run_id(name) and _SECONDS.fullmatch(at):
                found[name] = max(int(at), found.get(name, 0))
    names = sorted(found, key=lambda name: (found[name], name))
    if len(silent) == len(remotes):
        said = "; ".join(f"host {name.upper()}: {why}" for name, why in silent.items())
        raise FetchError(f"No host answers SSH ({said}): `make status` says more.")
    if run_id and run_id not in found:
        there = ", ".join(sorted(found)) or "none"
        raise FetchError(f"There is no run {run_id} (there: {there}).{_unseen(silent)}")
    if not names:
        raise FetchError(f"There has been no run yet: `make run` makes one.{_unseen(silent)}")
    return run_id or names[-1], silent


def _unseen(silent: dict[str, str]) -> str:
    if not silent:
        return ""
    return f" Host {listed(name.upper() for name in silent)} does not answer, and may know more."


def fetch(
    remotes: Sequence[Remote], run_id: str, folder: Path, show: Callable[[int, int], None]
) -> dict[str, str]:
    """Fetch what each worker wrote of a run into ``folder/a``, ``folder/b``, ``folder/a-2``...

    What is here already and still the same stays; what a host has no more goes. Of a host that
    knows nothing of the run, as one that was made since, all stays that is here.

    Args:
        remotes: the hosts.
        run_id: of the run.
        folder: of the run, here.
        show: gets how many bytes of how many are here.

    Returns:
        The hosts that gave no answer, each with the reason; what is here of theirs stays.

    Raises:
        FetchError: a connection broke again and again.
        OSError: it cannot be written here.
    """
    silent: dict[str, str] = {}
    copies: list[Copy] = []
    for remote in remotes:
        try:
            there = stamps(remote, check_run_id(run_id))
        except SilentError as problem:
            silent[remote.name] = str(problem)
            continue
        for name in FILES[remote.worker]:
            copy = Copy(remote, run_id, folder / remote.name / name)
            if name in there:
                copy.begin(there[name])
                copies.append(copy)
            elif there:
                copy.remove()

    def tell() -> None:
        show(sum(copy.have for copy in copies), sum(copy.stamp.size for copy in copies))

    tell()
    for copy in copies:
        copy.finish(tell)
    return silent


def stamps(remote: Remote, run_id: str) -> dict[str, Stamp]:
    """Return the files of a run on a host; none if it does not know the run.

    Raises:
        SilentError: the host did not answer.
    """
    names = FILES[remote.worker]
    said = remote.read(_STAMP.format(state=remote.state, run_id=run_id, files=" ".join(names)))
    found = {}
    for line in said.splitlines():
        name, _, stamp = line.partition(" ")
        if name in names:
            found[name] = _stamp(stamp)
    return found


def _stamp(text: str) -> Stamp:
    match = _STAMPED.fullmatch(text)
    if match is None:
        raise SilentError(f"it says of a file: {text[:80]!r}")
    return Stamp(int(match[1]), match[2], int(match[3]))


class Copy:
    """One file here, as far as it has come.

    Attributes:
        stamp: of the file on its host.
        have: how many bytes are here.
    """

    def __init__(self, remote: Remote, run_id: str, file: Path) -> None:
        self._remote, self._run_id, self._file = remote, run_id, file
        self._part = file
        self.stamp = Stamp(0, "0.0", 0)
        self.have = 0

    def begin(self, stamp: Stamp) -> None:
        """Keep what is here of this very file, and no part of another."""
        self.stamp = stamp
        self._part = self._file.with_name(
            f".{self._file.name}.{stamp.changed_at}-{stamp.inode}.part"
        )
        self._file.parent.mkdir(parents=True, exist_ok=True)
        for part in self._parts():
            if part != self._part:
                part.unlink()
        self.have = self._part.stat().st_size if self._part.exists() else 0
        if self._is_whole():
            self.have = stamp.size

    def remove(self) -> None:
        """Keep nothing of a file that the host has no more."""
        for path in (self._file, *self._parts()):
            path.unlink(missing_ok=True)

    def _parts(self) -> list[Path]:
        return list(self._file.parent.glob(f".{self._file.name}.*.part"))

    def _is_whole(self) -> bool:
        try:
            here = self._file.stat()
        except FileNotFoundError:
            return False
        return (here.st_size, here.st_mtime_ns) == (self.stamp.size, self.stamp.changed_at_ns)

    def finish(self, tell: Callable[[], None]) -> None:
        """Fetch what is missing, over as many connections as it takes.

        Raises:
            FetchError: too many in a row brought no byte.
        """
        failures = 0
        is_here = self._is_whole()
        while not is_here:
            before = self.have
            try:
                self._go_on(tell)
                is_here = True  # also where a file system keeps its time less exactly
            except SilentError as problem:
                failures = failures + 1 if self.have == before else 1
                if failures >= ATTEMPTS:
                    raise FetchError(
                        f"{self._file.name} of worker {self._remote.name.upper()} came to "
                        f"{self.have} of {self.stamp.size} bytes, and then no further: {problem}. "
                        "The same command goes on from there."
                    ) from None
                time.sleep(PAUSE_SECONDS)

    def _go_on(self, tell: Callable[[], None]) -> None:
        script = _READ.format(
            state=self._remote.state,
            run_id=self._run_id,
            file=self._file.name,
            stamp=self.stamp,
            first=self.have + 1,
        )
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                self._remote.command(script),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
            ) as process,
        ):
            try:
                self._receive(process.stdout, tell)
            except zlib.error as error:
                raise SilentError(f"what came is damaged ({error})") from None
            finally:
                process.kill()
            said.seek(0)
            lines = said.read(10_000).decode(errors="replace").strip().splitlines()
        if self.have < self.stamp.size:
            raise SilentError(shown(lines[-1]) if lines else "the connection broke")
        os.utime(self._part, ns=(self.stamp.changed_at_ns,) * 2)
        self._part.replace(self._file)

    def _receive(self, stream: IO[bytes] | None, tell: Callable[[], None]) -> None:
        """Read the first line, which says what comes, and then the compressed contents."""
        if stream is None:
            return
        first, _, stamp = stream.readline(200).decode(errors="replace").strip().partition(" ")
        if not stamp:
            return
        if _stamp(stamp) != self.stamp or first != f"{self.have + 1}":
            self.begin(_stamp(stamp))
            self.have = 0
        unpacker = zlib.decompressobj(wbits=31)  # gzip's
        with self._part.open("r+b" if self.have else "wb") as file:
            file.seek(self.have)
            while packed := stream.read1(CHUNK_BYTES):  # type: ignore[attr-defined] # a pipe's
                plain = b" " * CHUNK_BYTES
                while packed or len(plain) == CHUNK_BYTES:  # a little can become much
                    plain = unpacker.decompress(packed, CHUNK_BYTES)
                    packed = unpacker.unconsumed_tail
                    if self.have + len(plain) > self.stamp.size:
                        raise SilentError("it sends more than the file has")
                    file.write(plain)
                    self.have += len(plain)
                tell()
