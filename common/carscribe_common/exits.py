"""How a worker ends: exit codes after sysexits.h, and the one exception that carries them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of a worker. The numbers from 64 to 78 are those of BSD's sysexits.h.

    The units of systemd rely on them: a fault that a restart cannot mend
    (INCOMPLETE, IN_USE, DENIED, CONFIG) is never restarted.
    """

    OK = 0
    INCOMPLETE = 65  # EX_DATAERR: messages of this run are missing
    BUG = 70  # EX_SOFTWARE: an error that nobody foresaw
    IN_USE = 73  # EX_CANTCREAT: another process holds this run's journal
    DISK = 74  # EX_IOERR: the state directory cannot be written
    TRANSIENT = 75  # EX_TEMPFAIL: nothing succeeded for give_up_seconds
    DENIED = 77  # EX_NOPERM: credentials or permissions
    CONFIG = 78  # EX_CONFIG: settings, or something they name does not exist
    INTERRUPTED = 130  # 128 + SIGINT, as shells count
    TERMINATED = 143  # 128 + SIGTERM: the run can be gone on with


class StopWorker(Exception):  # noqa: N818 - it ends the worker, for better or worse
    """Ends the worker with one sentence for the person who reads the log.

    Attributes:
        code: what the process exits with.
        sentence: what is wrong and what to do, in one sentence.
    """

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
