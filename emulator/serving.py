"""`python -m emulator serve`: the emulator as a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shlex
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator import lifetime
from emulator.secret import Secret, SecretError, write_private

if TYPE_CHECKING:
    import argparse

    from emulator.rekognition.service import Recognizer
    from emulator.server import Emulator

# Of BSD's sysexits.h.
EXIT_USAGE = 64
EXIT_BAD_DATA = 65
EXIT_NO_INPUT = 66
EXIT_CANNOT_LISTEN = 69
LOOPBACK = "127.0.0.1"


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `serve` to the command line."""
    parser = subparsers.add_parser("serve", help="answer as S3, SQS, EC2, IAM and Rekognition")
    parser.add_argument("--images", type=Path, help="a folder of images with answers/")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--address", default=LOOPBACK, help="where to listen (%(default)s)")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--seed", type=int, help="of the faults' dice; overrides theirs")
    parser.add_argument(
        "--faults", default="{}", help="JSON, or a file of it: see emulator/faults.py"
    )
    parser.add_argument(
        "--enforce-iam", action="store_true", help="evaluate policies, for every service"
    )
    parser.add_argument(
        "--eyes",
        action="store_true",
        default=os.environ.get("CARSCRIBE_EYES") == "1",
        help="recognize what is in images without an answer (or CARSCRIBE_EYES=1)",
    )
    parser.add_argument("--ready-file", type=Path, help="written when all is ready")
    parser.add_argument(
        "--secret-file",
        type=Path,
        help="keeps the credentials that clients sign with, for its owner alone; made if missing "
        "(default: new ones, printed)",
    )
    parser.add_argument("--bucket", help="make this bucket, and put the images into it")
    parser.add_argument("--queue", default="", help="make this queue too: NAME or NAME.fifo")
    parser.add_argument("--log", type=Path, help="a file for the log (default: standard error)")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end with the process that started it"
    )
    parser.set_defaults(command=serve)


def serve(options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    logging.basicConfig(
        filename=options.log,
        level=logging.INFO if options.log else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("botocore").setLevel(logging.WARNING)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    _forget_users_settings()
    from emulator.faults import Faults, FaultsError  # noqa: PLC0415 # --help need not wait for it

    try:
        if options.images is not None and not options.images.is_dir():
            return _fail(EXIT_NO_INPUT, f"There is no folder {options.images}.")
        faults = Faults(_read_faults(options))
        secret = Secret.kept_in(options.secret_file) if options.secret_file else Secret()
    except (FaultsError, SecretError) as error:
        return _fail(EXIT_USAGE, str(error))
    # Imported late: moto takes most of a second, which a wrong start need not wait for.
    from emulator.rekognition.answers import AnswersError  # noqa: PLC0415 # see above
    from emulator.server import Emulator  # noqa: PLC0415 # see above

    try:
        emulator = Emulator(
            options.images,
            options.region,
            faults,
            secret=secret,
            hint=_hint(options),
            iam_enforced=options.enforce_iam,
            recognizer=_recognizer() if options.eyes else None,
        )
    except AnswersError as error:
        return _fail(EXIT_BAD_DATA, str(error))
    return asyncio.run(_serve(emulator, options))


async def _serve(emulator: Emulator, options: argparse.Namespace) -> int:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    lifetime.spare_collections()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        await emulator.listen(options.address, options.port)
    except OSError as error:
        reason = error.strerror or str(error)
        return _fail(
            EXIT_CANNOT_LISTEN, f"Cannot listen at {options.address}:{options.port}: {reason}."
        )
    url = f"http://{options.address}:{emulator.port}"
    from emulator.furnish import FurnishError  # noqa: PLC0415 # boto3: see above

    try:
        lines = await _lines_to_paste(emulator, options, url, stopped)
    except FurnishError as error:
        emulator.stop()
        return _fail(EXIT_USAGE, str(error))
    if stopped.is_set():
        emulator.stop()
        return 0
    if options.ready_file:
        write_private(
            options.ready_file,
            json.dumps(
                {
                    "pid": os.getpid(),
                    "url": url,
                    "port": emulator.port,
                    "recognizer": emulator.rekognition.has_recognizer,
                }
            )
            + "\n",
        )
    print(url, *lines, sep="\n", flush=True)
    if options.until_stdin_closes:
        lifetime.end_with_stdin(lambda: loop.call_soon_threadsafe(stopped.set))
    await stopped.wait()
    if options.ready_file:
        with contextlib.suppress(FileNotFoundError):
            options.ready_file.unlink()
    emulator.stop()
    return 0


async def _lines_to_paste(
    emulator: Emulator, options: argparse.Namespace, url: str, stopped: asyncio.Event
) -> list[str]:
    """Make what was asked for, and say in a shell's words how a program finds all of it."""
    from emulator.furnish import furnish  # noqa: PLC0415 # as above

    lines = []
    if not options.secret_file or options.bucket:
        region = options.region
        lines += [f"export AWS_ENDPOINT_URL={url}"]
        lines += [f"export AWS_REGION={region} AWS_DEFAULT_REGION={region}"]
        lines += emulator.secret.as_shell().splitlines()
    if options.bucket:
        queue_url = await asyncio.to_thread(
            furnish,
            url,
            options.region,
            emulator.secret,
            images=options.images,
            bucket=options.bucket,
            queue=options.queue,
            is_stopped=stopped.is_set,
        )
        lines += [f"export BUCKET={options.bucket}"]
        lines += [f"export QUEUE_URL={queue_url}"] if queue_url else []
    return lines


def free_port(wanted: int) -> int:
    """Return a port of loopback if it is free, else 0, which is any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError:
            return 0
    return wanted


def _hint(options: argparse.Namespace) -> str:
    """Say where the credentials are, never what they are: anybody of this machine may ask."""
    if options.secret_file is None:
        return "Paste the lines that the emulator printed when it started."
    return f"Paste this: . {shlex.quote(str(options.secret_file.resolve()))}"


def _recognizer() -> Recognizer | None:
    from emulator.recognizer.loading import UnavailableError, load  # noqa: PLC0415 # few want them

    print("Loading the models that recognize pictures ...", file=sys.stderr, flush=True)
    try:
        return load()
    except UnavailableError as unavailable:
        print(unavailable, file=sys.stderr, flush=True)
        return None


def _forget_users_settings() -> None:
    """Keep the user's profiles out of moto, which makes sessions of its own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def _read_faults(options: argparse.Namespace) -> Any:
    from emulator.faults import FaultsError  # noqa: PLC0415 # as above

    text = options.faults
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).read_text()
        except OSError as error:
            raise FaultsError(f"--faults: cannot read {text}: {error.strerror}.") from error
    try:
        setting = json.loads(text)
    except ValueError as error:
        raise FaultsError(f"--faults: is no JSON ({error}).") from error
    if options.seed is not None and isinstance(setting, dict):
        setting["seed"] = options.seed
    return setting


def _fail(code: int, sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return code
