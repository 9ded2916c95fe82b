"""The command line of a worker: arguments, settings, log, signals, and where it ends."""

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
from carscribe_common.rules import visible

if TYPE_CHECKING:
    from types import FrameType

    from carscribe_common.settings import Settings

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.1
"""How soon a thread that waits sees that the end was asked for."""

S = TypeVar("S", bound="Settings", contravariant=True)  # noqa: PLC0105


class Task(Protocol[S]):
    """What a worker does with its settings until it is done or told to stop."""

    def __call__(self, settings: S, shutdown: Shutdown, /) -> None:
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
    shutdown = Shutdown()
    signal.signal(signal.SIGTERM, shutdown.request)
    signal.signal(signal.SIGINT, shutdown.request)
    try:
        settings = settings_type.from_environment(run_id="check" if arguments.check else None)
        set_up_logging(worker, settings.log_level)
        logger.info("carscribe %s: %s", __version__, settings)
        (check if arguments.check else run)(settings, shutdown)
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


# syslog(3) levels, as systemd reads them in front of a line (sd-daemon(3)).
_SYSLOG = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


class _Formatter(logging.Formatter):
    """Keeps what a service or a key says on its line, and away from the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - of the base class
        record.message = visible(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:  # noqa: N802 - of the base class
        return "\n".join(
            visible(line)
            for line in super().formatException(ei).split("\n")  # type: ignore[arg-type]
        )


class _JournaldFormatter(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record).replace("\n", " ")
        return f"<{_SYSLOG.get(record.levelno, 6)}>{text}"


def set_up_logging(worker: str, level: str) -> None:
    """Log to standard error: bare under systemd, which adds time and name, else with both."""
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_JournaldFormatter("%(message)s"))
    else:
        handler.setFormatter(
            _Formatter(f"%(asctime)s.%(msecs)03d {worker} %(message)s", datefmt="%H:%M:%S")
        )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def _flush_log() -> None:
    """Let no log that cannot be written, as on a full disk, turn the exit code into 120."""
    try:
        sys.stderr.flush()
    except OSError:
        # What is left in its buffer would be tried again, and fail, when Python ends.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
