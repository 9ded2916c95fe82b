"""The command ``carscribe-worker-b``."""

from __future__ import annotations

import sys

from carscribe_common import cli
from carscribe_worker_b.check import check
from carscribe_worker_b.run import run
from carscribe_worker_b.settings import SettingsB


def main() -> int:
    """Run worker B and return its exit code, see carscribe_common.errors."""
    return cli.main(
        "b",
        "Reads the text on the queued images and writes the result.",
        SettingsB,
        run=run,
        check=check,
    )


if __name__ == "__main__":
    sys.exit(main())
