"""The operator's command line: `python -m carscribe COMMAND`."""

from __future__ import annotations

import argparse
import sys

from carscribe import try_local


def main(arguments: list[str]) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m carscribe", description=__doc__)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    try_local.add_command(subparsers)
    options = parser.parse_args(arguments)
    return int(options.command(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
