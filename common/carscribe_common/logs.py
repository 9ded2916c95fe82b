"""Logs: one line a decision, the key first, good to read in journald."""

from __future__ import annotations

import logging
import os
import sys

from carscribe_common.rules import visible

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
