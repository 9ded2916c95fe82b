"""`make emulator`: AWS on this machine for a program of one's own, until Ctrl-C."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from emulator import serving
from emulator.secret import private_folder

if TYPE_CHECKING:
    import argparse

CHECKOUT = Path(__file__).resolve().parents[1]
SAMPLES = CHECKOUT / "images"
STATE = CHECKOUT / "build" / "emulator"
BUCKET = "images"
PORT = 4566  # where programs that use an emulator look first; another where it is taken


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `open` to the command line; what it is to use comes with the environment."""
    parser = subparsers.add_parser("open", help="serve a program of your own, until Ctrl-C")
    parser.set_defaults(command=lambda _: run(subparsers))


def run(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> int:
    """Serve with a bucket of pictures and the queue that was named."""
    private_folder(STATE.parent)
    images = os.environ.get("CARSCRIBE_IMAGES") or str(SAMPLES)
    words = ["--images", images, "--bucket", BUCKET, "--port", str(serving.free_port(PORT))]
    words += ["--secret-file", str(STATE / "secret.sh")]
    if queue := os.environ.get("CARSCRIBE_QUEUE"):
        words += ["--queue", queue]
    if os.environ.get("CARSCRIBE_EYES") in {"1", "true", "yes"}:
        words.append("--eyes")
    return serving.serve(subparsers.choices["serve"].parse_args(words))
