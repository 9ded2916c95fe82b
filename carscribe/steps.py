"""What a command says while it works: a line a step, and all else in a file.

With VERBOSE all that Terraform, Ansible and the emulator say is shown, too.
Where a step fails its error comes first, and the file's path second.
"""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from carscribe import CHECKOUT
from carscribe.advice import advised
from carscribe.deployment import BUILD, DeploymentError, StepError
from emulator.lifetime import tie

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ERRORS_MAX = 3
POLL_SECONDS = 0.1
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
        self.log.write_text("")
        self._file: TextIO = self.log.open("a")
        self._at = 0
        self._begun = time.monotonic()

    def say(self, text: str) -> None:
        """Print the line of a step, or an outcome."""
        self._keep(f"== {text}\n")
        print(text, flush=True)

    def listen(self, process: subprocess.Popen[Any]) -> list[str]:
        """Return the lines that a program writes into the log, at its end; show them if asked to.

        It writes into the file itself: where this process is killed, Terraform goes on to
        its end, and no background process of the emulator keeps anything open.
        """
        lines: list[str] = []
        rest = ""
        with self.log.open(errors="replace") as heard:
            heard.seek(self._at)
            while True:
                ended = process.poll() is not None
                *whole, rest = (rest + heard.read()).split("\n")
                if ended and rest:
                    whole, rest = [*whole, rest], ""
                for line in whole:
                    lines.append(_COLOUR.sub("", line) + "\n")
                    self._show(lines[-1])
                if ended:
                    break
                time.sleep(POLL_SECONDS)
        return lines

    @property
    def output(self) -> TextIO:
        """Where the next program is to write."""
        self._at = self.log.stat().st_size
        return self._file

    def _show(self, line: str) -> None:
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
        """Run a program; return its exit code and the lines that it said.

        Where this process is killed it is interrupted: the same command again would meet it.
        """
        self._keep(f"$ {shlex.join([Path(command[0]).name, *command[1:]])}\n")
        with subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            preexec_fn=tie(signal.SIGINT),  # noqa: PLW1509 # it takes no lock
        ) as process:
            lines = self.listen(process)
        return process.returncode, lines

    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return time.monotonic() - self._begun

    def _keep(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()


def agrees(question: str, nobody: str, prompt: str = "Go on?") -> bool:
    """Ask the person at the terminal; anything but yes is no.

    It is asked on standard error: what a command prints may go into a file.

    Raises:
        DeploymentError: nobody can be asked, in the words for that.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise DeploymentError(nobody)
    print(f"{question}\n{prompt} [y/N] ", end="", file=sys.stderr, flush=True)
    return input().strip().lower() in {"y", "yes"}


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
