"""The command line of the local target: `python -m emulator COMMAND`."""

from __future__ import annotations

import argparse
import sys

from emulator import opening, serving

OWN_COMMANDS = {"open", "serve"}


def main(arguments: list[str]) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    serving.add_command(subparsers)
    opening.add_command(subparsers)
    if not arguments or arguments[0] not in OWN_COMMANDS:
        # Imported late: who only starts the server needs nothing of the hosts.
        from emulator.hosts import cli  # noqa: PLC0415 # see above

        cli.add_commands(subparsers)
    options = parser.parse_args(arguments)
    return int(options.command(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
