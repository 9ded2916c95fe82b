"""Where Terraform finds its provider: the registry, or a copy on this machine.

A copy is a filesystem mirror: a folder that holds `registry.terraform.io/...`.
It is used if TERRAFORM_PLUGIN_DIR names one, or if the registry does not
answer and a search of the usual places finds one.
"""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from carscribe.deployment import DeploymentError, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

REGISTRY = "registry.terraform.io"
PROVIDER = f"{REGISTRY}/hashicorp/aws"
REGISTRY_SECONDS = 5
SEARCH_SECONDS = 5
SEARCH_DEPTH = 5
SEARCHED = ("/opt", "/usr/local", "/usr/share", "/usr/lib", "/var/lib", "/srv", "/mnt")
NEVER_SEARCHED = {".cache", ".git", ".venv", "node_modules", "proc", "site-packages", "sys"}


class NoProviderError(DeploymentError):
    """The provider is neither in the registry nor on this machine."""


def locked_version(lock_file: Path) -> str:
    """Read the provider's version from Terraform's lock file."""
    found = re.search(r'^\s*version\s*=\s*"([^"]+)"', lock_file.read_text(), re.MULTILINE)
    if found is None:
        raise NoProviderError(f"{lock_file} names no version of {PROVIDER}; get it from git again.")
    return found[1]


def mirror(version: str, platform: str) -> Path | None:
    """Return the folder to take the provider from; None is the registry."""
    named = os.environ.get("TERRAFORM_PLUGIN_DIR")
    if named:
        folder = Path(named).expanduser().resolve()
        if not holds(folder, version, platform):
            raise NoProviderError(
                f"TERRAFORM_PLUGIN_DIR is {named}, which does not hold {PROVIDER} {version} for "
                f"{platform}: name the folder that holds '{REGISTRY}'."
            )
        return folder
    if user_has_mirror() or registry_answers():
        return None
    for folder in candidates():
        if holds(folder, version, platform):
            return folder
    raise NoProviderError(
        f"Terraform's registry ({REGISTRY}) does not answer, and this machine has no copy of the "
        f"provider hashicorp/aws {version} for {platform}: connect to the internet, or set "
        f"TERRAFORM_PLUGIN_DIR to a folder that holds '{REGISTRY}'."
    )


def holds(folder: Path, version: str, platform: str) -> bool:
    """Say whether a folder is a mirror with the provider, unpacked or packed."""
    provider = folder / PROVIDER
    packed = provider / f"terraform-provider-aws_{version}_{platform}.zip"
    return (provider / version / platform).is_dir() or packed.is_file()


def user_configuration() -> Path | None:
    """Return the user's own CLI configuration, if there is one."""
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    file = Path(named) if named else Path.home() / ".terraformrc"
    return file if file.is_file() else None


def user_has_mirror() -> bool:
    """Say whether the user's own configuration decides where providers come from."""
    file = user_configuration()
    return file is not None and "provider_installation" in file.read_text(errors="replace")


def registry_answers() -> bool:
    """Ask the registry for its table of contents, as Terraform does first."""
    try:
        with urllib.request.urlopen(
            f"https://{REGISTRY}/.well-known/terraform.json", timeout=REGISTRY_SECONDS
        ) as answer:
            return "providers.v1" in json.load(answer)
    except (OSError, ValueError):
        return False


def candidates() -> Iterator[Path]:
    """Yield the places Terraform knows itself, then all that a short search finds."""
    home = Path.home()
    data = os.environ.get("XDG_DATA_HOME") or str(home / ".local/share")
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    yield home / ".terraform.d/plugins"
    for folder in [data, *shared.split(":")]:
        yield Path(folder) / "terraform/plugins"
    end = time.monotonic() + SEARCH_SECONDS
    for root in [*SEARCHED, str(home)]:
        yield from _search(Path(root), end)


def _search(root: Path, end: float) -> Iterator[Path]:
    for folder, names, _ in os.walk(root):
        if time.monotonic() > end:
            return
        here = Path(folder)
        if REGISTRY in names:
            yield here
        deep = len(here.relative_to(root).parts) >= SEARCH_DEPTH
        names[:] = [] if deep else sorted(n for n in names if n not in NEVER_SEARCHED)


def write_configuration(file: Path, folder: Path | None) -> None:
    """Write a CLI configuration that takes the provider from the folder."""
    write_whole(file, _configuration(folder))


def is_written(file: Path) -> bool:
    """Tell whether a file is a CLI configuration as it was written here."""
    try:
        text = file.read_text()
        found = re.search(r"(?m)^ +path += (.*)$", text)
        return text == _configuration(Path(json.loads(found[1])) if found else None)
    except (OSError, TypeError, ValueError):
        return False


def _configuration(folder: Path | None) -> str:
    lines = [
        "# Written by carscribe/provision.py; an edit does not last.",
        "disable_checkpoint = true",
    ]
    if folder is not None:
        quoted = json.dumps(str(folder))
        lines += [
            "provider_installation {",
            "  filesystem_mirror {",
            f"    path    = {quoted}",
            f'    include = ["{PROVIDER}"]',
            "  }",
            "  direct {",
            f'    exclude = ["{PROVIDER}"]',
            "  }",
            "}",
        ]
    return "\n".join(lines) + "\n"
