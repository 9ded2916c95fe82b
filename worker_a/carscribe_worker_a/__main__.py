"""The command ``carscribe-worker-a``."""

from __future__ import annotations

import sys

from carscribe_common import cli
from carscribe_worker_a.check import check
from carscribe_worker_a.run import run
from carscribe_worker_a.settings import SettingsA


def main() -> int:
    """Run worker A and return its exit code, see carscribe_common.errors."""
    return cli.main(
        "a",
        "Finds the images with a car and queues their indexes.",
        SettingsA,
        run=run,
        check=check,
    )


if __name__ == "__main__":
    sys.exit(main())
