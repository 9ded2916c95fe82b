"""The deployment of this checkout: which target is up, and its hosts."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from carscribe.runs import WORKERS, Named, Remote, listed, names_of, ssh_words

CHECKOUT = Path(__file__).resolve().parents[1]
BUILD = CHECKOUT / "build"
TARGETS = ("aws", "local")
INVENTORY = {"carscribe_bucket", "carscribe_region"}
"""What commands read of the inventory beside how a host is reached."""
MADE = ("inputs.json", "terraform.tfstate", "emulator.json")
"""Files of build/TARGET that are there from when something is made until it is removed."""

EXIT_NO_PERMISSION = 77
EXIT_NOT_CONFIGURED = 78

NOTHING_IS_UP = (
    "Nothing is up here: `make up` makes the hosts on AWS, `make up TARGET=local` on this machine."
)


class DeploymentError(Exception):
    """A command cannot go on. Says why and what to do.

    Attributes:
        code: the exit code of the command, as in BSD's sysexits.h.
    """

    code = EXIT_NOT_CONFIGURED


class StepError(DeploymentError):
    """A program that was started failed, and has said why itself."""

    def __init__(self, code: int) -> None:
        super().__init__("")
        self.code = code


class LostTargetError(DeploymentError):
    """Something was made here, and the file that says what is missing.

    Attributes:
        target: what lies in build/ tells.
    """

    def __init__(self, file: Path, target: str) -> None:
        super().__init__(
            f"{file} is missing, which says what is up, and {file.with_name(target)} is not: "
            f"`make up TARGET={target}` goes on with it, `make down` removes what there is."
        )
        self.target = target


def target_that_is_up(build: Path = BUILD) -> str | None:
    """Return the target that `make up` was last called for, unless `make down` has removed it.

    Raises:
        DeploymentError: the file that says it is damaged.
        LostTargetError: it is missing, and something was made: `make up` was killed, or somebody
            has removed the file.
    """
    file = build / "target"
    try:
        target = file.read_text(errors="replace").strip()
    except FileNotFoundError:
        for target in TARGETS:
            if was_made(target, build):
                raise LostTargetError(file, target) from None
        return None
    if target not in TARGETS:
        raise DeploymentError(
            f"{file} holds {target[:20]!r} and not the target that is up: write aws or local into "
            "it, or say `make down`."
        )
    return target


def was_made(target: str, build: Path = BUILD) -> bool:
    """Tell whether something of a target was made and not removed, whichever is said to be up."""
    return any((build / target / name).exists() for name in MADE)


def has_traces(target: str, build: Path = BUILD) -> bool:
    """Tell whether something of a target may have been made: a look alone leaves a .tfrc."""
    folder = build / target
    return folder.is_dir() and any(one.name != "terraform.tfrc" for one in folder.iterdir())


def choose_target(wanted: str, build: Path = BUILD) -> str:
    """Return the target to bring up: the one named, else the one that is up, else AWS.

    Raises:
        DeploymentError: the other one is up, or may be, or which one is cannot be known.
    """
    if wanted not in ("", *TARGETS):
        raise DeploymentError(f"TARGET is {wanted!r}: it must be aws or local.")
    try:
        present = target_that_is_up(build)
    except LostTargetError as lost:
        if wanted != lost.target:
            raise
        present = wanted
    if present and wanted and wanted != present:
        raise DeploymentError(
            f"TARGET={present} is up in this checkout, and only one can be: "
            f"remove it with `make down`, then try again."
        )
    return wanted or present or "aws"


def remember_target(target: str | None, build: Path = BUILD) -> None:
    """Write down which target is up; None: none."""
    if target is None:
        (build / "target").unlink(missing_ok=True)
        return
    write_whole(build / "target", f"{target}\n")


def write_whole(file: Path, text: str) -> None:
    """Write a file, of which a command that is killed leaves what was there, or all of the new."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.write_text(text)
    new.replace(file)


@dataclass(frozen=True)
class Host(Named):
    """A host, as the inventory describes it.

    Attributes:
        variables: those of all hosts, and its own.
    """

    variables: dict[str, Any]

    @property
    def remote(self) -> Remote:
        """How it is reached."""
        return Remote(self.name, ssh_words(self.variables))

    @property
    def instance_id(self) -> str:
        """Its instance's id, after which SSH remembers its key (inventory.tf)."""
        found = re.search(r"HostKeyAlias=(\S+)", str(self.variables["ansible_ssh_common_args"]))
        return found[1] if found else ""

    def ssh(self, *command: str, terminal: bool = False) -> list[str]:
        """Return the command that runs a command there, or opens a shell."""
        program, *words = ssh_words(self.variables)
        said = [shlex.join(command)] if command else []
        return [program, "-t" if terminal else "-n", *words, *said]


def hosts(build: Path = BUILD) -> dict[str, Host]:
    """Return the hosts by short name, pair by pair: ``a``, ``b``, ``a-2``, ``b-2``.

    Raises:
        DeploymentError: there is no inventory, or it is damaged.
    """
    file = build / "inventory.yml"
    try:
        inventory = yaml.safe_load(file.read_text())["all"]
        variables = {
            name.removeprefix("worker-"): {**inventory["vars"], **own}
            for worker in WORKERS
            for name, own in inventory["children"][f"worker_{worker}"]["hosts"].items()
        }
        pairs = max(len(variables) // len(WORKERS), 1)
        found = {name: Host(name, variables.pop(name)) for name in names_of(pairs)}
        if variables:
            raise ValueError(variables)  # a host of no pair
        for host in found.values():
            host.ssh()
            if missing := INVENTORY - host.variables.keys():
                raise KeyError(*missing)
    except FileNotFoundError:
        raise DeploymentError(
            f"TARGET={present} was begun here and has no hosts yet: `make up` goes on, `make down` "
            "removes what there is."
            if (present := target_that_is_up(build))
            else NOTHING_IS_UP
        ) from None
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError, yaml.YAMLError):
        raise DeploymentError(
            f"{file} is damaged, which says how the hosts are reached: `make up` writes it again."
        ) from None
    return found


def choose_hosts(wanted: str, build: Path = BUILD) -> list[Host]:
    """Return the host named, or all."""
    found = hosts(build)
    if not wanted:
        return list(found.values())
    name = wanted.lower().replace("_", "-").removeprefix("worker-")
    if name not in found:
        raise DeploymentError(f"HOST is {wanted!r}: it must be {listed(found, 'or')}.")
    return [found[name]]
