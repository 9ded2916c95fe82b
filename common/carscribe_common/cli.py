"""The way into a worker: arguments, settings, signals, and the one place where it ends."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from carscribe_common import __version__
from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.logs import set_up_logging

if TYPE_CHECKING:
    from types import FrameType

    from carscribe_common.settings import Settings

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.1
"""How soon a thread that waits sees that the end was asked for."""

S = TypeVar("S", bound="Settings", contravariant=True)  # noqa: PLC0105


class Task(Protocol[S]):
    """What a worker does with its settings until it is done or told to stop."""

    def __call__(self, settings: S, stop: Shutdown, /) -> None:
        """Do it. Raises WorkerExit for every end but the good one."""


class Shutdown:
    """Whether SIGTERM or SIGINT asked the worker to end, for all threads to see.

    No threading.Event: the handler of a signal interrupts the main thread
    anywhere, and would wait for ever for a lock that thread holds in Event.wait.
    """

    def __init__(self) -> None:
        self._asked = False
        self._signal = signal.SIGTERM

    def request(self, number: int, _frame: FrameType | None = None) -> None:
        """Ask for the end; a handler for signals."""
        self._signal = signal.Signals(number)
        self._asked = True

    def __bool__(self) -> bool:
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the end is asked for; tell whether it is."""
        end = time.monotonic() + seconds
        while not self._asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, STEP_SECONDS))
        return self._asked

    def as_exception(self) -> WorkerExit:
        """Return what ends the worker when it has put everything in order."""
        return WorkerExit(
            Exit(128 + self._signal),
            f"Stopped by {self._signal.name}; start it again to go on with this run.",
        )


def main(
    worker: str, description: str, settings_type: type[S], *, run: Task[S], check: Task[S]
) -> int:
    """Run a worker from the command line and return its exit code.

    Args:
        worker: ``a`` or ``b``.
        description: for ``--help``.
        settings_type: reads the environment.
        run: does the work of one run.
        check: probes everything that a run needs.
    """
    parser = argparse.ArgumentParser(
        prog=f"carscribe-worker-{worker}",
        description=description,
        epilog="Settings are read from the environment, CARSCRIBE_...; see docs/operations.md.",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="probe bucket, queue, Rekognition and state directory, and exit",
    )
    parser.add_argument("--version", action="version", version=__version__)
    arguments = parser.parse_args()
    set_up_logging(worker, "INFO")
    stop = Shutdown()
    signal.signal(signal.SIGTERM, stop.request)
    signal.signal(signal.SIGINT, stop.request)
    try:
        settings = settings_type.from_environment(run_id="check" if arguments.check else None)
        set_up_logging(worker, settings.log_level)
        logger.info("carscribe %s: %s", __version__, settings)
        (check if arguments.check else run)(settings, stop)
    except WorkerExit as end:
        level = logging.INFO if end.code >= 128 else logging.ERROR
        logger.log(level, "%s (exit %d)", end.sentence, end.code)
        return end.code
    except Exception:
        logger.exception("A fault in carscribe itself (exit %d)", Exit.BUG)
        return Exit.BUG
    finally:
        _flush_log()
    return Exit.OK


def _flush_log() -> None:
    """Let no log that cannot be written, as on a full disk, turn the exit code into 120."""
    try:
        sys.stderr.flush()
    except OSError:
        # What is left in its buffer would be tried again, and fail, when Python ends.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
