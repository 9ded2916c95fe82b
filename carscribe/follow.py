"""Run a playbook that follows a run, with bars in place of all that Ansible says.

Ansible's own output is kept in a file. At the end the result is shown, or what
failed. Each follower leaves what it sees of its worker on a board, a folder
that the playbook is given.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import yaml

from carscribe.deployment import CHECKOUT, StepError
from carscribe.progress import Bars, Display, Figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

POLL_SECONDS = 0.2
LINES_OF_A_RIDDLE = 30
"""What is shown of an output in which nothing is told as a failure."""
GOES_ON = (
    "You look on no more. A run that had begun goes on without you: `make status` shows it, and "
    "`make results` fetches it when it has ended."
)
RESULT_TASK = "Print the images with a car and text"
JOURNAL_TASK = "Show its last lines"
_TASK = re.compile(r"^(?:TASK|PLAY) ", re.MULTILINE)
_ANSWER = re.compile(
    r"^(?P<how>ok|fatal): \[(?P<host>[^\]]+)\][^\n]*=>[ ]*\n?(?P<said>.*?)(?=^\S|\Z)",
    re.MULTILINE | re.DOTALL,
)


def show(command: Sequence[str], *, cwd: Path, board: Path, log: Path) -> None:
    """Follow with bars, then print the result or what failed.

    Raises:
        StepError: the playbook failed, and what failed has been said.
    """
    try:
        code = follow(command, cwd=cwd, board=board, log=log, display=Bars())
    except KeyboardInterrupt:
        print(GOES_ON, file=sys.stderr)
        raise
    said = log.read_text(errors="replace")
    if code:
        print("\n".join(failures(said) or said.splitlines()[-LINES_OF_A_RIDDLE:]), file=sys.stderr)
        print(f"All that Ansible said: {log.relative_to(CHECKOUT)}", file=sys.stderr)
        raise StepError(code)
    for line in result(said) or ["No image has both a car and text."]:
        print(line, flush=True)


def follow(command: Sequence[str], *, cwd: Path, board: Path, log: Path, display: Display) -> int:
    """Run the playbook to its end, show how far it is, and return its exit code."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        ) as process,
        display,
    ):
        while True:
            ended = process.poll() is not None
            seen = {worker: read(board / f"{worker}.json") for worker in ("a", "b")}
            if ended and not any(seen.values()):
                break  # nothing was followed: the bars would say nothing
            a, b = (one.get("summary") or {} for one in seen.values())
            display.worked(Figures.of(a, b), note(seen))
            if ended:
                break
            time.sleep(POLL_SECONDS)
    return process.returncode


def read(file: Path) -> dict[str, Any]:
    """Return what a follower last saw."""
    try:
        seen = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return seen if isinstance(seen, dict) else {}


def note(seen: dict[str, dict[str, Any]]) -> str:
    """Say what is waited for, if the figures do not."""
    if not any(seen.values()):
        return "starting the workers"
    silent = [worker.upper() for worker, one in seen.items() if one.get("silent")]
    if silent:
        return f"host {' and host '.join(silent)} out of reach for now; the run goes on there"
    for worker, one in seen.items():
        if code := one.get("restarts_after"):
            return (
                f"worker {worker.upper()} ended with {code} and is started again: "
                f"`make logs HOST={worker}` says why"
            )
    return ""


def result(said: str) -> list[str]:
    """Return the lines of output.txt, as the playbook printed them."""
    for block in _blocks(said):
        if RESULT_TASK in block.splitlines()[0]:
            for _, _, message in _answers(block):
                return [str(line) for line in message or []]
    return []


def failures(said: str) -> list[str]:
    """Return what failed, each with its host, and the journals that were read for it."""
    told = []
    for block in _blocks(said):
        shows_journal = JOURNAL_TASK in block.splitlines()[0]
        for how, host, message in _answers(block):
            if shows_journal and message:
                told.append(
                    "\n".join([f"{host}'s last lines:", *(f"  {line}" for line in message)])
                )
            elif how == "fatal":
                told.append(f"{host}: {message}")
    return told


def _blocks(said: str) -> Iterator[str]:
    starts = [match.start() for match in _TASK.finditer(said)]
    for start, end in pairwise([*starts, len(said)]):
        yield said[start:end]


def _answers(block: str) -> Iterator[tuple[str, str, Any]]:
    for match in _ANSWER.finditer(block):
        try:
            answer = yaml.safe_load(textwrap.dedent(match["said"]))
        except yaml.YAMLError:
            answer = None
        message = answer.get("msg") if isinstance(answer, dict) else match["said"].strip()
        yield match["how"], match["host"], message
