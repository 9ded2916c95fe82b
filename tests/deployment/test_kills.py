"""The operator's commands killed at any moment: the same command mends it, and `down` leaves nothing."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.deployment.checkout import EXPECTED, Beside, Done

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deployment.checkout import Copy

FULL = os.environ.get("FAULTS") == "full"
SEED = int(os.environ.get("FAULTS_SEED", "1"))
KILLS = (2, 2, 1) if FULL else (1,)
"""How often each command is killed in each session before it may end: of four commands, 20 or 4."""
SECONDS = {"up": 60.0, "run": 15.0, "results": 4.0, "down": 10.0}
"""How long each takes, until it was seen."""
SIGNALS = (
    ("KILL", signal.SIGKILL, True),
    ("KILL of all", signal.SIGKILL, False),
    ("INT", signal.SIGINT, False),
    ("HUP", signal.SIGHUP, False),
)
"""Each with whether it reaches the command alone: a terminal tells all that the command started."""
WORDS = {"up": ("--target", "local")}

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(7200 if FULL else 1800)]


@dataclass
class Operator:
    """Somebody whose commands are killed.

    Attributes:
        copy: the checkout.
        dice: when, and by what.
        said: a line for each moment.
        seconds: how long each command last took.
        run_id: of the run that was begun and has not ended; else empty.
    """

    copy: Copy
    dice: random.Random
    said: list[str]
    seconds: dict[str, float]
    run_id: str = ""

    def kill(self, command: str) -> None:
        """Kill a command at a random moment, and look that nothing but its own sentence is said."""
        name, number, alone = self.dice.choice(SIGNALS)
        moment = self.dice.uniform(0, 0.8 * self.seconds[command])
        goes_on = ("--run-id", self.run_id) if command == "run" and self.run_id else ()
        running = self._start(command, *goes_on)
        ended = running.has_ended(moment)
        running.signal(number, alone=alone)
        code = running.end()
        line = f"{command} {name} after {moment:.1f} s of {self.seconds[command]:.0f}: {code}"
        self.said.append(f"{line}{', had ended' if ended else ''}")
        print(self.said[-1], flush=True)  # noqa: T201 # to follow it with pytest -s
        assert "Traceback" not in running.text, running.text
        if named := re.search(r"^Run (\S+)$", running.text, re.MULTILINE):
            self.run_id = named[1]

    def say(self, command: str, *words: str) -> Done:
        """Say the command again, to its end."""
        begun = time.monotonic()
        running = self._start(command, *words)
        code = running.end(900)
        self.seconds[command] = time.monotonic() - begun
        done = Done(code, running.text)
        assert done.fits_on_a_screen, done.text
        return done

    def _start(self, command: str, *words: str) -> Beside:
        given = (*WORDS.get(command, ()), *words)
        return Beside(self.copy, "python", "-m", "carscribe", command, *given)

    def run(self) -> None:
        """Say `run` again, with the run id that it asks for where one has begun."""
        done = self.say("run")
        if named := re.search(r"`make run RUN_ID=(\S+)` (?:goes on with it|looks on)", done.text):
            self.run_id = ""
            done = self.say("run", "--run-id", named[1])
            if f"Run {named[1]} is complete: `make results` fetches it" in done.text:
                return  # the workers have ended it in between, and `results` is next
        assert done.code == 0, self._told(done)
        assert EXPECTED in done.text, self._told(done)
        self.run_id = ""

    def others(self, command: str) -> None:
        """Say another command again, which has nothing to ask."""
        done = self.say(command)
        assert done.code == 0, self._told(done)

    def _told(self, done: Done) -> str:
        return "\n".join([*self.said, done.text])


@pytest.fixture
def operator(empty: Copy) -> Operator:
    """One with nothing up."""
    return Operator(empty, random.Random(SEED), [], dict(SECONDS))


def test_commands_that_are_killed_at_any_moment(operator: Operator) -> None:
    """The same command again mends what a killed one left; the result is right, and all goes at the end."""
    copy = operator.copy
    mend: dict[str, Callable[[], None]] = {
        "up": lambda: operator.others("up"),
        "run": operator.run,
        "results": lambda: operator.others("results"),
        "down": lambda: operator.others("down"),
    }
    for kills in KILLS:
        for command, again in mend.items():
            for _ in range(kills):
                operator.kill(command)
            again()
            if command == "results":
                folder = Path((copy.root / "build/fetched-run").read_text().strip())
                assert (folder / "output.txt").read_text() == EXPECTED
        assert copy.remains() == [], operator.said


def test_down_after_a_half_failed_up(empty: Copy) -> None:
    """An `up` that is killed in the middle leaves nothing that `make down` does not remove."""
    started = subprocess.Popen(
        ["make", "up", "TARGET=local"],
        cwd=empty.root,
        env=empty.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    log = empty.root / "build/logs/up.log"
    while not (log.exists() and "aws_vpc.main[0]: Creation complete" in log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    empty.make_target("down")
    assert empty.remains() == []
