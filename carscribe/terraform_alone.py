"""Terraform alone, with a deployment's state and variables: `python -m carscribe terraform COMMAND`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from carscribe import removal, targets
from carscribe.credentials import check_credentials
from carscribe.deployment import BUILD, TARGETS
from carscribe.inputs import make_key
from carscribe.provision import (
    KEY,
    Deployment,
    Terraform,
    plan_or_apply,
    refuse_another_account,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def check(terraform: Terraform, extra: Sequence[str]) -> int:
    """Run everything that needs neither AWS nor the emulator."""
    for command in ("fmt -check -recursive -diff", "validate", "test"):
        options = terraform.colour if command != "fmt -check -recursive -diff" else []
        code, _ = terraform.run(command, *options, *(extra if command == "test" else []))
        if code != 0:
            return code
    return 0


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `terraform` to the command line."""
    parser = subparsers.add_parser(
        "terraform", help="Terraform alone, with its state and variables"
    )
    parser.add_argument("action", choices=["init", "plan", "apply", "destroy", "output", "check"])
    parser.add_argument("--target", default=targets.Aws.name, choices=TARGETS)
    parser.add_argument("--lab", action="store_true", help="use learner-lab.tfvars")
    parser.add_argument("--state-dir", type=Path, help="in place of build/TARGET")
    parser.set_defaults(command=carry_out)


def carry_out(options: argparse.Namespace) -> int:
    """Run one command, and return its exit code."""
    folder = BUILD / ("terraform/check" if options.action == "check" else options.target)
    state = (options.state_dir or folder).resolve()
    return run(options.action, Deployment(options.target, state, lab=options.lab), options.extra)


def run(command: str, deployment: Deployment, extra: Sequence[str]) -> int:
    """Prepare what a command needs, then run it."""
    terraform = Terraform(deployment)
    if command == "check":
        terraform.initialize(backend=False)
        return check(terraform, extra)
    if command in {"plan", "apply", "destroy"}:
        check_credentials()
        if not any("ssh_private_key_file" in argument for argument in extra):
            make_key(KEY)
    terraform.initialize()
    if command in {"plan", "apply"}:
        return plan_or_apply(terraform, command, extra)
    if command == "destroy":
        name, region = removal.named(terraform)
        known, session = terraform.known(), boto3.session.Session()
        refuse_another_account(deployment, known)
        if code := removal.destroy(terraform, extra)[0]:
            return code
        buckets = removal.remove_buckets(session, deployment, known)
        return removal.say_what_is_left(
            session,
            name,
            region,
            is_lasting=targets.of(deployment.target).is_lasting,
            removed=bool(known.resources or buckets),
        )
    if command == "output":
        return terraform.run("output", "-no-color", *extra)[0]
    return 0
