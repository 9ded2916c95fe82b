"""What the caller named: arguments, and CARSCRIBE_... from the Makefile, checked for their letters.

make would expand what a caller names, and a shell would run what is in it. So
the Makefile hands each value over as it was typed, in a variable of the
environment that nothing else reads.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from carscribe.deployment import TARGETS, DeploymentError
from carscribe.runs import RUN_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "CARSCRIBE_"
AMBIENT = "CARSCRIBE_AMBIENT_"
"""What make found in the user's environment under a name of ours."""

NEVER_AMBIENT = ("TARGET", "LAB", "YES", "HOSTS")
"""To use these unasked could pay, and to leave them unused could pay, too."""

FLAGS = ("LAB", "YES", "EYES", "VERBOSE", "HOSTS")
TRUE, FALSE = ("1", "true", "yes"), ("", "0", "false", "no")

LEADING = (
    "AWS_ENDPOINT_URL",
    "TF_CLI_CONFIG_FILE",
    "TF_PLUGIN_CACHE_",
    "TF_TOKEN_",
    "TF_VAR_",
)
"""How variables of the environment begin that are used, and lead somewhere."""

LINES_MAX = 1_000_000
THUMBNAILS, THUMBNAILS_MAX = 200, 10_000
"""Of how many images a picture is fetched for the page: unless asked for more, and at the most."""


@dataclass(frozen=True)
class Options:
    """What a command is asked for."""

    target: str = ""
    lab: bool = False
    yes: bool = False
    eyes: bool = False
    verbose: bool = False
    hosts: bool = False
    images: Path | None = None
    out: Path | None = None
    bucket: str = ""
    host: str = ""
    lines: int = 50
    run_id: str = ""
    thumbnails: int = THUMBNAILS
    command: str = ""
    terraform: list[str] = field(default_factory=list)


def flag(name: str, value: str) -> bool:
    """Return what a yes or no means.

    Raises:
        DeploymentError: it is neither.
    """
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise DeploymentError(f"{name} is {value!r}: it must be 1, true or yes, or 0, false or no.")


def collect(
    goal: str, taken: tuple[str, ...], given: Mapping[str, str], environ: Mapping[str, str]
) -> tuple[Options, list[str]]:
    """Return what a command was asked for, and what has to be said of it.

    Args:
        goal: the command.
        taken: the names that it takes, in capitals.
        given: what the command line names.
        environ: where the Makefile's values are.

    Raises:
        DeploymentError: a value is no such value, or is taken from nowhere but the caller.
    """
    said = _ambient(goal, taken, given, environ)
    values = {name: given.get(name, environ.get(PREFIX + name, "")) for name in taken}
    flags = {name: flag(name, values.get(name, "")) for name in FLAGS}
    if (target := values.get("TARGET", "")) not in ("", *TARGETS):
        raise DeploymentError(f"TARGET is {target!r}: it must be aws or local.")
    run_id = values.get("RUN_ID", "")
    if run_id and not RUN_ID.fullmatch(run_id):
        raise DeploymentError(
            f"RUN_ID is {run_id!r}, which is no run id: 1 to 64 letters, digits, dots, dashes or "
            "underscores, beginning with a letter or a digit."
        )
    return Options(
        target=target,
        lab=flags["LAB"],
        yes=flags["YES"],
        eyes=flags["EYES"],
        verbose=flags["VERBOSE"],
        hosts=flags["HOSTS"],
        images=_path("IMAGES", values.get("IMAGES", "")),
        out=_path("OUT", values.get("OUT", "")),
        bucket=values.get("BUCKET", ""),
        host=values.get("HOST", ""),
        lines=_lines(values.get("LINES", "")),
        run_id=run_id,
        thumbnails=_thumbnails(values.get("THUMBNAILS", "")),
        command=values.get("CMD", ""),
        terraform=_words(values.get("TERRAFORM_ARGUMENTS", "")),
    ), said


def _ambient(
    goal: str, taken: tuple[str, ...], given: Mapping[str, str], environ: Mapping[str, str]
) -> list[str]:
    found = {
        name: environ[AMBIENT + name]
        for name in taken
        if environ.get(AMBIENT + name) and name not in given
    }
    for name in NEVER_AMBIENT:
        if name in found:
            raise DeploymentError(
                f"{name}={shlex.quote(found[name])} is set in your environment, where it is not "
                f"taken from: say `make {goal} {name}={shlex.quote(found[name])}` if you mean it, "
                f"else `env -u {name} make {goal}`."
            )
    if not found:
        return []
    names = ", ".join(found)
    example = next(iter(found))
    return [f"Not used: {names} of your environment. Say `make {goal} {example}=...` to name it."]


def _path(name: str, value: str) -> Path | None:
    if not value:
        return None
    if "\0" in value or "\n" in value:
        raise DeploymentError(f"{name} is {value!r}: a path has neither line breaks nor NULs.")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise DeploymentError(f"{name} is {value!r}, and there is no such user.") from None


def _lines(value: str) -> int:
    if not value:
        return Options.lines
    is_short = value.isascii() and value.isdigit() and len(value) <= len(str(LINES_MAX))
    if not (is_short and 0 < int(value) <= LINES_MAX):
        raise DeploymentError(
            f"LINES is {value!r}: it must be a whole number from 1 to {LINES_MAX}."
        )
    return int(value)


def _thumbnails(value: str) -> int:
    if not value:
        return Options.thumbnails
    if value.lower() == "all":
        return THUMBNAILS_MAX
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise DeploymentError(f"THUMBNAILS is {value!r}: it must be all, or a whole number.")
    return min(int(value), THUMBNAILS_MAX)


def _words(value: str) -> list[str]:
    try:
        words = joined(shlex.split(value))
    except ValueError as problem:
        raise DeploymentError(f"TERRAFORM_ARGUMENTS is {value!r}: {problem}.") from None
    if stray := no_options(words):
        raise DeploymentError(
            f"TERRAFORM_ARGUMENTS is {value!r}, and {stray[0]!r} is no option of Terraform: a "
            "variable is given as -var=NAME=VALUE."
        )
    return words


def no_options(arguments: list[str]) -> list[str]:
    """Return what is neither an option nor may be the value of the one before it."""
    pairs = zip(["", *arguments], arguments, strict=False)
    return [
        word
        for before, word in pairs
        if not word.startswith("-") and ("=" in before or not before.startswith("-"))
    ]


def joined(arguments: list[str]) -> list[str]:
    """Write each `-var NAME=VALUE` as one argument, and leave out a `--`."""
    result: list[str] = []
    for argument in arguments:
        if result and result[-1] in {"-var", "-var-file"}:
            result[-1] += f"={argument}"
        elif argument != "--":
            result.append(argument)
    return result


def diversions(environ: Mapping[str, str], surroundings: Mapping[str, str]) -> list[str]:
    """Say which of the user's settings are kept out, and which lead elsewhere and are used.

    Args:
        environ: the user's environment.
        surroundings: what the target leaves of it.
    """
    # This module is read first.
    from carscribe.provider import user_has_mirror  # noqa: PLC0415
    from carscribe.provision import diverting  # noqa: PLC0415

    leading = {name for name in environ if name.startswith(LEADING) and environ[name]}
    ansible = (name for name in environ if name.startswith("ANSIBLE_"))
    kept_out = {*diverting(environ), *ansible, *(leading - surroundings.keys())}
    if not user_has_mirror():
        kept_out |= leading & {"TF_CLI_CONFIG_FILE"}
    said = []
    if kept_out:
        said.append(f"Not used: {', '.join(sorted(kept_out))} of your environment.")
    if used := leading - kept_out:
        said.append(f"Used: {', '.join(sorted(used))} of your environment.")
    return said


def caller() -> Mapping[str, str]:
    """Return the environment of this process."""
    return dict(os.environ)
