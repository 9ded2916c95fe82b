"""What is said before anything is made: what is missing, and what it will cost.

    python -m carscribe.preflight [--target aws|local] [--lab] [--images DIR] [-- TERRAFORM ARGUMENTS]

This is `make doctor`, and the first thing that `make up` does. Nothing is made.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from carscribe import cost, doctor
from carscribe.credentials import CredentialsError, check_credentials
from carscribe.deployment import (
    BUILD,
    CHECKOUT,
    EXIT_NOT_CONFIGURED,
    TARGETS,
    DeploymentError,
    target_that_is_up,
)
from carscribe.provision import DEFAULT_REGION, Deployment, given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LAB_KEY = "~/.ssh/labsuser.pem"  # as in learner-lab.tfvars
INSTANCE_TYPE = "t3.micro"  # as in variables.tf
RESULT_VOLUME_GIB = "1"  # as in variables.tf


class Wanted:
    """What the variables ask for.

    Args:
        deployment: whose variables.
        extra: arguments for Terraform.
    """

    def __init__(self, deployment: Deployment, extra: list[str]) -> None:
        self._deployment, self._extra = deployment, extra

    def __getitem__(self, name: str) -> str:
        value = given(self._deployment, self._extra, name) or ""
        return "" if value == "null" else value.strip('"')


def look(target: str, *, lab: bool, images: Path | None, extra: list[str]) -> bool:
    """Say what is missing and what it will cost; return whether this is a Learner Lab.

    Raises:
        DeploymentError: something is missing; each thing has been said.
    """
    if target == "local":
        _show([*doctor.machine(), _local_hosts()])
        print("It costs nothing: no AWS account is used.", flush=True)
        return False
    if not lab and _found_in_lab():
        print("These are the credentials of an AWS Academy Learner Lab: going on as with LAB=1.")
        lab = True
    wanted = Wanted(Deployment(target, BUILD / target, lab=lab), extra)
    _show(_findings(wanted, lab=lab))
    region = wanted["region"] or DEFAULT_REGION
    volume = float(wanted["result_volume_size_gib"] or RESULT_VOLUME_GIB)
    print(cost.an_hour(region, wanted["instance_type"] or INSTANCE_TYPE, volume))
    print(cost.a_run(_count(images, wanted)), flush=True)
    return lab


def _findings(wanted: Wanted, *, lab: bool) -> Iterator[doctor.Finding]:
    yield from doctor.machine()
    if lab or wanted["existing_key_pair"]:
        yield doctor.private_key(Path(wanted["ssh_private_key_file"] or LAB_KEY).expanduser())
    session = boto3.session.Session(region_name=wanted["region"] or DEFAULT_REGION)
    yield from doctor.Aws(session, lab=lab).findings()


def _show(findings: Iterable[doctor.Finding]) -> None:
    shown = []
    for finding in findings:
        print(finding, flush=True)
        shown.append(finding)
    crosses = sum(not finding.well for finding in shown)
    if crosses:
        raise DeploymentError(
            f"{crosses} of {len(shown)} need your attention, see the lines with a ✗; "
            "nothing was made."
        )


def _found_in_lab() -> bool:
    try:
        return doctor.in_lab(check_credentials())
    except CredentialsError:
        return False  # the doctor says why


def _local_hosts() -> doctor.Finding:
    """Ask the local hosts' own look at this machine."""
    asked = subprocess.run(
        [sys.executable, "-m", "emulator", "check"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        return doctor.Finding("local hosts", asked.stderr.strip() or "they cannot be asked for")
    return doctor.Finding(asked.stdout.strip())


def _count(images: Path | None, wanted: Wanted) -> int | None:
    if images is None and wanted["existing_bucket"]:
        return None
    folder = images or CHECKOUT / "terraform" / (wanted["images_dir"] or "../images")
    if not folder.expanduser().is_dir():
        raise DeploymentError(
            f"{folder} is no folder: say `make up IMAGES=DIR` with the folder of your images."
        )
    return cost.images_in(folder.expanduser())


def main() -> int:
    """Look, and make nothing."""
    parser = argparse.ArgumentParser(prog="doctor", description="Say what is missing.")
    parser.add_argument("--target", choices=["", *TARGETS], default="")
    parser.add_argument("--lab", action="store_true", help="in an AWS Academy Learner Lab")
    parser.add_argument("--images", type=Path)
    options, extra = parser.parse_known_args()
    extra = [argument for argument in extra if argument != "--"]
    try:
        target = options.target or target_that_is_up() or "aws"
        look(target, lab=options.lab, images=options.images, extra=extra)
    except DeploymentError as problem:
        print(problem, file=sys.stderr)
        return EXIT_NOT_CONFIGURED
    return 0


if __name__ == "__main__":
    sys.exit(main())
