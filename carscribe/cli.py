"""The operator's command line: `carscribe COMMAND`, `python -m carscribe COMMAND`, `make COMMAND`."""

from __future__ import annotations

import argparse
import errno
import fcntl
import logging
import os
import signal
import sys
import warnings
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from carscribe import CHECKOUT, deploy, options, record, targets, terraform_alone, try_local
from carscribe.advice import advised
from carscribe.credentials import read_files
from carscribe.deploy import RESULTS
from carscribe.deployment import (
    BUILD,
    EXIT_NOT_CONFIGURED,
    TARGETS,
    DeploymentError,
)
from carscribe.inputs import temporary_folder
from carscribe.steps import clear, shown
from emulator.secret import private_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from carscribe.options import Options
    from carscribe.targets import Target

SAMPLES = CHECKOUT / "images"
OF_ROOT = " It may belong to root, after a command with sudo: take the same user for all of them."
MENDS = {
    errno.EACCES: OF_ROOT,
    errno.EEXIST: " A folder belongs there: remove the file or link, and try again.",
    errno.EISDIR: " A file belongs there: remove the folder, and try again.",
    errno.ELOOP: " Remove the link, and try again.",
    errno.ENOTDIR: " A folder belongs above it: remove the file that is there, and try again.",
    errno.EPERM: OF_ROOT,
}
"""What to do about an error of the system about a file."""

HELP = {
    "BUCKET": "the bucket of Terraform's state, made if it is not there",
    "CMD": "a command to run there, in place of a shell",
    "EYES": "recognize what is in pictures without a recorded answer (1 or 0)",
    "HOST": "a or b; of a second pair a-2 or b-2",
    "IMAGES": "the folder of images",
    "LAB": "in an AWS Academy Learner Lab (1 or 0)",
    "LINES": "how many lines",
    "OUT": "the folder of the results",
    "RUN_ID": "which run",
    "TARGET": "aws or local",
    "TERRAFORM_ARGUMENTS": "more arguments for Terraform",
    "THUMBNAILS": "of how many images the page shows a picture: a number, or all",
    "VERBOSE": "show all that Terraform and Ansible say (1 or 0)",
    "YES": "do not ask (1 or 0)",
}


INTERRUPTED = {
    "up": "Interrupted. What was made by now stays: `make up` goes on, `make down` removes it.",
    "down": "Interrupted. What is left stays: `make down` goes on.",
    "results": "Interrupted. `make results` goes on; the run on the hosts is as it was.",
}


class Command(NamedTuple):
    """A command: what it does, what it takes, and whether it needs the checkout for itself."""

    run: Callable[[Options], int]
    takes: tuple[str, ...]
    text: str
    alone: bool = False


def _try(options: Options) -> int:
    images, out = options.images or SAMPLES, options.out or try_local.DEFAULT_OUT
    return try_local.run(images, out, eyes=options.eyes)


def _record(options: Options) -> int:
    read_files(os.environ)
    return record.main([shown(options.images or SAMPLES), *(["--yes"] if options.yes else [])])


_UP = ("TARGET", "LAB", "IMAGES", "TERRAFORM_ARGUMENTS", "YES", "EYES", "VERBOSE")
COMMANDS = {
    "doctor": Command(
        deploy.doctor,
        ("TARGET", "LAB", "IMAGES", "TERRAFORM_ARGUMENTS"),
        "what is missing, and what it will cost; makes nothing",
    ),
    "plan": Command(deploy.plan, _UP, "what up would change, and the cost", alone=True),
    "up": Command(deploy.up, _UP, "make the hosts, bucket and queue, or mend them", alone=True),
    "run": Command(
        deploy.run, ("RUN_ID", "YES", "VERBOSE"), "make a run and follow it to its end", alone=True
    ),
    "results": Command(
        deploy.results,
        ("RUN_ID", "THUMBNAILS", "VERBOSE"),
        "fetch a run into results/",
        alone=True,
    ),
    "status": Command(deploy.status, (), "what is up, what runs, the last run, the cost"),
    "logs": Command(deploy.logs, ("HOST", "LINES"), "the workers' journals"),
    "ssh": Command(deploy.ssh, ("HOST", "CMD"), "a shell on a host, or a command there"),
    "try": Command(
        _try, ("IMAGES", "OUT", "EYES"), "run the pipeline on this machine with Python alone"
    ),
    "backend": Command(
        deploy.keep_state, ("BUCKET",), "keep Terraform's state in S3, for a team", alone=True
    ),
    "record": Command(
        _record, ("IMAGES", "YES"), "keep the real Rekognition's answers beside your images"
    ),
    "verify": Command(deploy.verify, (), "test the hosts that are up"),
    "down": Command(
        deploy.down, ("YES", "VERBOSE"), "remove everything, and say what is gone", alone=True
    ),
    "demo": Command(
        deploy.demo,
        ("EYES", "VERBOSE"),
        "all of it on this machine: up, a run, its results, down",
        alone=True,
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code is that of the step that failed."""
    warnings.simplefilter("ignore")
    logging.getLogger("botocore").addHandler(logging.NullHandler())  # what matters is raised, too
    parser = argparse.ArgumentParser(prog="carscribe", description=__doc__.partition(":")[0])
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        _add(subparsers, name, command)
    terraform_alone.add_command(subparsers)
    words = list(sys.argv[1:] if arguments is None else arguments)
    known, extra = parser.parse_known_args(words)
    known.extra = options.in_one_word(extra)
    if known.command is not terraform_alone.carry_out:
        takes_extra = hasattr(known, "takes_extra")
        if unknown := options.no_options(known.extra) if takes_extra else extra:
            parser.error(f"unknown: {' '.join(unknown)}")
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        _make_private()
        _refuse_what_hangs()
        code = int(known.command(known))
        sys.stdout.flush()
    except (BotoCoreError, ClientError, DeploymentError, EOFError, OSError) as problem:
        return failed(problem)
    except KeyboardInterrupt:
        print(INTERRUPTED.get(words[0], "Interrupted."), file=sys.stderr)
        return 130
    return code


def _make_private() -> None:
    """Keep states and keys, pictures and texts for their owner alone."""
    for folder in (BUILD, RESULTS):
        try:
            private_folder(folder)
        except OSError as problem:
            if problem.errno != errno.EROFS:  # what needs them says so: `try OUT=...` does not
                raise


def _refuse_what_hangs() -> None:
    """Refuse what is no file where commands read files: who opens a pipe waits without end."""
    for folder in (BUILD, *(BUILD / name for name in ("logs", "ssh", *TARGETS))):
        for found in folder.iterdir() if folder.is_dir() else ():
            if found.is_fifo() or found.is_char_device() or found.is_block_device():
                raise DeploymentError(
                    f"{shown(found)} is a pipe or a device and no file: remove it, and try again."
                )


def failed(
    problem: BotoCoreError | ClientError | DeploymentError | EOFError | OSError,
) -> int:
    """Say what went wrong in a sentence; return the exit code. What no sentence fits is raised."""
    if isinstance(problem, DeploymentError):
        return deploy.outcome(problem)
    if isinstance(problem, BotoCoreError | ClientError):
        print(advised(f"AWS cannot be asked: {problem}"), file=sys.stderr)
        return EXIT_NOT_CONFIGURED
    if isinstance(problem, EOFError):
        print("There was a question, and no answer: nothing was done.", file=sys.stderr)
        return EXIT_NOT_CONFIGURED
    if isinstance(problem, BrokenPipeError):  # `make logs | head` wants no more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    if not (sentence := in_words(problem)):
        raise problem
    print(sentence, file=sys.stderr)
    return try_local.EXIT_CANNOT_CREATE


def in_words(problem: OSError) -> str:
    """Say what is wrong with a file, a folder or the disk; nothing where it is none of these."""
    if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "The disk is full: make room, and the same command goes on."
    file = problem.filename2 or problem.filename  # of two, the one that was to be written
    if file is None:
        return ""
    what = MENDS.get(problem.errno or 0, "")
    return f"{os.fsdecode(file)}: {problem.strerror}.{what}"


def _add(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: Command
) -> None:
    parser = subparsers.add_parser(name, help=command.text, description=command.text)
    for taken in command.takes:
        option = f"--{taken.lower().replace('_', '-')}"
        if taken in options.FLAGS:
            parser.add_argument(option, dest=taken, nargs="?", const="1", help=HELP[taken])
        elif taken == "TERRAFORM_ARGUMENTS":
            parser.set_defaults(takes_extra=True)
        else:
            parser.add_argument(option, dest=taken, help=HELP[taken])

    def carry_out(known: argparse.Namespace) -> int:
        return _carry_out(name, command, known)

    parser.set_defaults(command=carry_out)


def _carry_out(name: str, command: Command, known: argparse.Namespace) -> int:
    given = {taken: value for taken in command.takes if (value := getattr(known, taken, None))}
    chosen, said = options.collect(name, command.takes, given, options.caller())
    chosen.terraform.extend(known.extra)
    if "EYES" in command.takes:
        os.environ["CARSCRIBE_EYES"] = "1" if chosen.eyes else ""  # heard by the emulator
    if command.alone or name == "doctor":
        surroundings = _target(name, chosen).surroundings()
        said += options.diversions(os.environ, surroundings)
    for line in said:
        print(line, file=sys.stderr)
    if not command.alone:
        return command.run(chosen)
    with locked(name):
        clear(temporary_folder())
        return command.run(chosen)


def _target(name: str, chosen: Options) -> Target:
    if name == "demo":
        return targets.Local()
    with suppress(DeploymentError):  # the command says it
        return targets.present(chosen.target)
    return targets.Aws()


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Have the checkout for this process alone.

    Raises:
        SystemExit: another command is at work, which has been said.
    """
    with (BUILD / "command.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another command"
            print(f"{holder} is at work in this checkout: wait for its end.", file=sys.stderr)
            raise SystemExit(try_local.EXIT_CANNOT_CREATE) from None
        file.seek(0)
        file.truncate()
        file.write(f"`{name}` (process {os.getpid()}, since {datetime.now(UTC):%H:%M:%S} UTC)\n")
        file.flush()
        yield


if __name__ == "__main__":
    sys.exit(main())
