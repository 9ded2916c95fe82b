"""The terraform on this machine, or the lines that install one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from carscribe.inputs import UsageError

OLDEST_TERRAFORM = (1, 11)


def how_to_install(release: Path = Path("/etc/os-release"), system: str = sys.platform) -> str:
    """Return the lines to type on this system; nothing for one that HashiCorp has no packages for.

    From HashiCorp's own page "Install Terraform".
    """
    if system == "darwin":
        return "\n  brew install hashicorp/tap/terraform"
    text = release.read_text() if release.is_file() else ""
    like = set(" ".join(re.findall(r'^(?:ID|ID_LIKE)="?([^"\n]*)', text, re.MULTILINE)).split())
    if like & {"debian", "ubuntu"}:
        return (
            "\n  wget -O- https://apt.releases.hashicorp.com/gpg |"
            " sudo gpg --dearmor -o /usr/share/keyrings/hashicorp.gpg"
            '\n  echo "deb [signed-by=/usr/share/keyrings/hashicorp.gpg]'
            ' https://apt.releases.hashicorp.com $(. /etc/os-release; echo $VERSION_CODENAME) main" |'
            " sudo tee /etc/apt/sources.list.d/hashicorp.list"
            "\n  sudo apt-get update && sudo apt-get install terraform"
        )
    if like & {"fedora", "rhel", "amzn"}:
        name = "fedora" if "fedora" in like and "rhel" not in like else "RHEL"
        name = "AmazonLinux" if "amzn" in like else name
        return (
            "\n  sudo wget -O /etc/yum.repos.d/hashicorp.repo"
            f" https://rpm.releases.hashicorp.com/{name}/hashicorp.repo"
            "\n  sudo dnf install terraform"
        )
    return ""


def find_terraform() -> tuple[str, str]:
    """Return the path of terraform and its platform, or say what is missing."""
    binary = shutil.which(os.environ.get("TERRAFORM") or "terraform")
    oldest = ".".join(map(str, OLDEST_TERRAFORM))
    where = "https://developer.hashicorp.com/terraform/install"
    if binary is None:
        raise UsageError(
            f"There is no terraform on this machine: install {oldest} or later, {where}"
            f"{how_to_install()}"
        )
    said = subprocess.run(
        [binary, "version", "-json"],
        env={
            **{name: os.environ[name] for name in os.environ if not name.startswith("TF_")},
            "TF_CLI_CONFIG_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
        },
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        version = json.loads(said.stdout)
        number = version["terraform_version"]
        new_enough = tuple(map(int, re.findall(r"\d+", number)[:2])) >= OLDEST_TERRAFORM
    except (ValueError, KeyError):
        raise UsageError(f"{binary} does not say its version: install {oldest}, {where}") from None
    if not new_enough:
        raise UsageError(f"{binary} is Terraform {number}: install {oldest} or later, {where}")
    return binary, version["platform"]
