"""What a command says while it works: a line a step, and all else in a file.

With VERBOSE all that Terraform, Ansible and the emulator say is shown, too.
Where a step fails its error comes first, and the file's path second.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from carscribe.advice import advised
from carscribe.deployment import BUILD, CHECKOUT, StepError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ERRORS_MAX = 3
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


class Steps:
    """The steps of one command.

    Args:
        command: its name, and its log's.
        verbose: show all that is said.
        folder: where logs are kept.
    """

    def __init__(self, command: str, *, verbose: bool, folder: Path = BUILD / "logs") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{command}.log"
        self.verbose = verbose
        self.shows: re.Pattern[str] | None = None
        self._file: TextIO = self.log.open("w", errors="replace")
        self._begun = time.monotonic()

    def say(self, text: str) -> None:
        """Print the line of a step, or an outcome."""
        self._keep(f"== {text}\n")
        print(text, flush=True)

    def told(self, line: str) -> None:
        """Keep a line that a program said, and show it if all is to be shown."""
        self._keep(_COLOUR.sub("", line))
        if self.verbose:
            print(f"   {line.rstrip()}", flush=True)
        elif self.shows is not None and (found := self.shows.search(line)):
            print(found[0].rstrip(), flush=True)

    def failed(self, code: int, errors: Sequence[str]) -> StepError:
        """Say what went wrong, then where the rest is; return what is to be raised."""
        for error in errors[:ERRORS_MAX]:
            print(advised(error), file=sys.stderr)
        if len(errors) > ERRORS_MAX:
            print(f"And {len(errors) - ERRORS_MAX} more.", file=sys.stderr)
        print(f"All that was said: {shown(self.log)}", file=sys.stderr, flush=True)
        return StepError(code)

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> None:
        """Run a program.

        Raises:
            StepError: it failed, and why has been said.
        """
        code, lines = self.follow(command, cwd=CHECKOUT, env=env)
        if code:
            said = [line.strip() for line in lines if line.strip()]
            raise self.failed(code, said[-ERRORS_MAX:])

    def follow(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None
    ) -> tuple[int, list[str]]:
        """Run a program; return its exit code and the lines that it said."""
        self._keep(f"$ {shlex.join([Path(command[0]).name, *command[1:]])}\n")
        lines = []
        with subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                lines.append(line)
                self.told(line)
        return process.returncode, lines

    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return time.monotonic() - self._begun

    def _keep(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()


def shown(path: Path) -> str:
    """Return a path as it can be opened from where the caller is."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def clear(folder: Path) -> None:
    """Remove what programs that were killed have left in a folder of temporary files."""
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
