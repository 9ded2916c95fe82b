"""The command line of the local target: `python -m local COMMAND`."""

from __future__ import annotations

import argparse
import importlib.util
import sys

from local import serving


def main(arguments: list[str] | None = None) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    serving.add_command(subparsers)
    if importlib.util.find_spec("local.trial"):
        importlib.import_module("local.trial").add_command(subparsers)
    if importlib.util.find_spec("local.hosts") and importlib.util.find_spec("local.hosts.cli"):
        importlib.import_module("local.hosts.cli").add_commands(subparsers)
    options = parser.parse_args(arguments)
    return int(options.command(options))


if __name__ == "__main__":
    sys.exit(main())
