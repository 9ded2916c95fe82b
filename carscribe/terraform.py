"""Terraform as the Makefile calls it: environment and arguments, nothing of its own.

    python -m carscribe.terraform COMMAND --target aws|local [--lab] [-- ARGUMENTS]

Each target has a state and a data folder in build/TARGET. Variables come from
terraform/TARGET.tfvars if it is there (with --lab: learner-lab.tfvars), from
TF_VAR_..., and from ARGUMENTS, which Terraform gets as they are. AWS is found
through the environment alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carscribe import terraform_provider
from carscribe.leftovers import KINDS, leftovers
from carscribe.terraform_credentials import CredentialsError, check_credentials
from carscribe.terraform_inputs import UsageError, joined, make_key, own_network
from emulator.secret import private_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT = Path(__file__).resolve().parents[1]
CONFIGURATION = CHECKOUT / "terraform"
BUILD = CHECKOUT / "build"
KEY = BUILD / "ssh" / "id_ed25519"
LOCK_FILE = CONFIGURATION / ".terraform.lock.hcl"
BACKEND_OVERRIDE = CONFIGURATION / "backend_override.tf"
OLDEST_TERRAFORM = (1, 11)
EXIT_LEFTOVERS = 1
LEFTOVERS_SECONDS = 60  # a deleted queue is listed for up to a minute
LEFTOVERS_POLL_SECONDS = 5
EXIT_NO_PERMISSION = 77
EXIT_NOT_CONFIGURED = 78
DEFAULT_NAME = "carscribe"  # as in variables.tf
DEFAULT_REGION = "us-east-1"  # as in variables.tf


@dataclass(frozen=True)
class Deployment:
    """Where a target's state is, and the variables that it gets."""

    target: str
    state: Path
    lab: bool = False

    @property
    def data(self) -> Path:
        """Terraform's own folder: the provider, and which backend is used."""
        return self.state / "terraform-data"

    @property
    def cli_configuration(self) -> Path:
        """Where Terraform is told to find its provider."""
        return self.state / "terraform.tfrc"

    @property
    def inputs(self) -> Path:
        """The variables of the last apply, for the destroy."""
        return self.state / "inputs.json"

    @property
    def variable_files(self) -> list[Path]:
        """The files of variables, the strongest last."""
        files = [CONFIGURATION / f"{self.target}.tfvars"]
        if self.lab:
            files.append(CONFIGURATION / "learner-lab.tfvars")
        return [file for file in files if file.is_file()]


class Terraform:
    """The terraform on this machine, for one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.binary, self.platform = find_terraform()
        self.environment = {
            **os.environ,
            "TF_DATA_DIR": str(deployment.data),
            "TF_CLI_CONFIG_FILE": str(self._cli_configuration()),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }
        self.colour = [] if sys.stdout.isatty() else ["-no-color"]

    def _cli_configuration(self) -> Path:
        own = terraform_provider.user_configuration()
        if own is not None and terraform_provider.user_has_mirror():
            return own
        if not self.deployment.cli_configuration.exists():
            terraform_provider.write_configuration(self.deployment.cli_configuration, None)
        return self.deployment.cli_configuration

    def find_provider(self) -> None:
        """Write down where the provider comes from; the registry's copies are shared."""
        version = terraform_provider.locked_version(LOCK_FILE)
        folder = terraform_provider.mirror(version, self.platform)
        if terraform_provider.user_has_mirror() and folder is None:
            return
        terraform_provider.write_configuration(self.deployment.cli_configuration, folder)
        self.environment["TF_CLI_CONFIG_FILE"] = str(self.deployment.cli_configuration)
        if folder is None and "TF_PLUGIN_CACHE_DIR" not in self.environment:
            cache = BUILD / "terraform" / "providers"
            cache.mkdir(parents=True, exist_ok=True)
            self.environment["TF_PLUGIN_CACHE_DIR"] = str(cache)

    def run(self, command: str, *arguments: str, capture: bool = False) -> tuple[int, str]:
        """Run one command; captured output comes back as text.

        Terraform ends in order when it is interrupted, and has to be left the
        time: a terminal tells it of Ctrl-C itself, of SIGTERM it hears from here.
        """
        with subprocess.Popen(
            [self.binary, f"-chdir={CONFIGURATION}", *command.split(), *arguments],
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE if capture else None,
            stderr=subprocess.STDOUT if capture else None,
        ) as process:
            before = [
                signal.signal(signal.SIGINT, lambda *_: None),
                signal.signal(signal.SIGTERM, lambda *_: process.terminate()),
            ]
            try:
                said = process.communicate()[0]
            finally:
                signal.signal(signal.SIGINT, before[0])
                signal.signal(signal.SIGTERM, before[1])
        return process.returncode, said or ""

    def initialize(self, *, backend: bool = True) -> None:
        """Run `terraform init` if anything it depends on is newer than the last time."""
        stamp = self.deployment.data / ("initialized" if backend else "initialized-for-tests")
        sources = [LOCK_FILE, CONFIGURATION / "terraform.tf", BACKEND_OVERRIDE]
        newest = max(file.stat().st_mtime for file in sources if file.exists())
        if stamp.exists() and stamp.stat().st_mtime > newest and self._has_provider():
            return
        self.find_provider()
        self.deployment.data.mkdir(parents=True, exist_ok=True)
        arguments = ["-lockfile=readonly", "-no-color"]
        arguments += ["-reconfigure", *self._backend()] if backend else ["-backend=false"]
        code, said = self.run("init", *arguments, capture=True)
        if code != 0:
            raise UsageError(f"terraform init failed:\n{said.strip()}")
        stamp.touch()

    def _has_provider(self) -> bool:
        return any((self.deployment.data / "providers").glob("*/hashicorp/aws/*/*/*"))

    def _backend(self) -> list[str]:
        if not BACKEND_OVERRIDE.exists():
            state = self.deployment.state / "terraform.tfstate"
            return [f"-backend-config=path={os.path.relpath(state, CONFIGURATION)}"]
        if self.deployment.target == "local":
            raise UsageError(
                "terraform/backend_override.tf keeps the state in S3, which the local target "
                "has not: move the file away while you use TARGET=local."
            )
        return []

    def known(self) -> State:
        """Return what the state knows."""
        code, said = self.run("state pull", capture=True)
        if code != 0 or not said.strip():
            return State({})
        return State(json.loads(said))


class State:
    """A state as Terraform writes it: outputs, and the resources it has made."""

    def __init__(self, written: dict[str, Any]) -> None:
        self.outputs = {name: out["value"] for name, out in written.get("outputs", {}).items()}
        self.resources = [one for one in written.get("resources", []) if one["mode"] == "managed"]

    def of_type(self, name: str) -> list[dict[str, Any]]:
        """Return the attributes of each resource of a type."""
        return [
            instance["attributes"]
            for resource in self.resources
            if resource["type"] == name
            for instance in resource["instances"]
        ]


def find_terraform() -> tuple[str, str]:
    """Return the path of terraform and its platform, or say what is missing."""
    binary = shutil.which(os.environ.get("TERRAFORM") or "terraform")
    oldest = ".".join(map(str, OLDEST_TERRAFORM))
    where = "https://developer.hashicorp.com/terraform/install"
    if binary is None:
        raise UsageError(
            f"There is no terraform on this machine: install {oldest} or later, {where}"
        )
    said = subprocess.run(
        [binary, "version", "-json"],
        env={**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"},
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


def given(deployment: Deployment, extra: Sequence[str], name: str) -> str | None:
    """Return what a variable is given, as it is written, where the strongest word is."""
    value = os.environ.get(f"TF_VAR_{name}")
    for file in deployment.variable_files:
        lines = re.findall(rf"^\s*{name}\s*=\s*(.*?)\s*(?:#.*)?$", file.read_text(), re.MULTILINE)
        value = lines[-1] if lines else value
    for argument in extra:
        if argument.startswith(f"-var={name}="):
            value = argument.removeprefix(f"-var={name}=")
    return value


def variables(deployment: Deployment, extra: Sequence[str]) -> list[str]:
    """Return the arguments that give Terraform its variables."""
    arguments = [f"-var-file={file}" for file in deployment.variable_files]
    if given(deployment, extra, "ssh_ingress_cidrs") is None:
        arguments.append(f"-var=ssh_ingress_cidrs={json.dumps([own_network()])}")
    return arguments


def refuse_another_region(terraform: Terraform, extra: Sequence[str]) -> None:
    """Terraform would lose sight of what it made in the first region, and make all again."""
    known = terraform.known()
    made_in = known.outputs.get("region")
    wanted = (given(terraform.deployment, extra, "region") or DEFAULT_REGION).strip('"')
    if made_in and known.resources and made_in != wanted:
        raise UsageError(
            f"This deployment is in {made_in}, and region is {wanted} now: say 'make down' first, "
            f"or set region back to {made_in}."
        )


def plan_or_apply(terraform: Terraform, command: str, extra: Sequence[str]) -> int:
    """Run plan or apply with this deployment's variables, and remember them."""
    deployment = terraform.deployment
    refuse_another_region(terraform, extra)
    arguments = variables(deployment, extra)
    if command == "apply":
        environment = {k: v for k, v in os.environ.items() if k.startswith("TF_VAR_")}
        inputs = {"arguments": [*arguments, *extra], "environment": environment}
        deployment.inputs.write_text(json.dumps(inputs, indent=1))
        arguments.append("-auto-approve")
    return terraform.run(command, *terraform.colour, *arguments, *extra)[0]


def destroy(terraform: Terraform, extra: Sequence[str]) -> int:
    """Destroy all that the state knows, with the variables it was made with.

    Files that those variables name may be gone by now, so what a destroy does
    not need is given again. If a refresh is not possible any more, it is left
    out.
    """
    known = terraform.known()
    inputs: dict[str, Any] = {"arguments": [], "environment": {}}
    if terraform.deployment.inputs.exists():
        inputs = json.loads(terraform.deployment.inputs.read_text())
    for name in [name for name in terraform.environment if name.startswith("TF_VAR_")]:
        del terraform.environment[name]
    terraform.environment.update(inputs["environment"])
    arguments = [a for a in inputs["arguments"] if a.startswith(("-var=", "-var-file="))]
    arguments += [
        f"-var=ssh_private_key_file={KEY}",
        f"-var=ssh_public_key_file={KEY}.pub",
        '-var=ssh_ingress_cidrs=["127.0.0.1/32"]',
        "-var=bucket_force_destroy=true",
    ]
    if "region" in known.outputs:
        arguments.append(f"-var=region={known.outputs['region']}")
    if not known.resources:
        return say_what_is_left(terraform.deployment, arguments)
    options = [*terraform.colour, "-auto-approve"]
    if not all(bucket["force_destroy"] for bucket in known.of_type("aws_s3_bucket")):
        terraform.run("apply", *options, "-target=aws_s3_bucket.images", *arguments, capture=True)
    code, _ = terraform.run("destroy", *options, *arguments, *extra)
    if code != 0:
        print("Once more, from what the state knows alone.", file=sys.stderr)
        code, _ = terraform.run("destroy", *options, "-refresh=false", *arguments, *extra)
    return code or say_what_is_left(terraform.deployment, arguments)


def say_what_is_left(deployment: Deployment, arguments: Sequence[str]) -> int:
    """Ask AWS itself, and fail if something with this deployment's name stays there."""
    name, region = (
        (given(deployment, arguments, variable) or default).strip('"')
        for variable, default in (("name", DEFAULT_NAME), ("region", DEFAULT_REGION))
    )
    passing = deployment.target == "local"  # the stand-in, and all that it knows
    end = time.monotonic() + (0 if passing else LEFTOVERS_SECONDS)
    while (left := leftovers(name, region)) and time.monotonic() < end:
        time.sleep(LEFTOVERS_POLL_SECONDS)
    if not left:
        print(f"Gone: in {region} there is no {', '.join(KINDS[:-1])} or {KINDS[-1]} of '{name}'.")
        return 0
    if passing:
        print(f"Terraform does not know of {', '.join(left)}: gone when the stand-in ends.")
        return 0
    lines = [
        f"Terraform knows of nothing more, but in {region} AWS still has of '{name}':",
        *(f"  {line}" for line in left),
        "Delete these by hand, unless another deployment of yours has the same name.",
    ]
    print("\n".join(lines), file=sys.stderr)
    return EXIT_LEFTOVERS


def check(terraform: Terraform, extra: Sequence[str]) -> int:
    """Run everything that needs neither AWS nor the stand-in."""
    for command in ("fmt -check -recursive -diff", "validate", "test"):
        options = terraform.colour if command != "fmt -check -recursive -diff" else []
        code, _ = terraform.run(command, *options, *(extra if command == "test" else []))
        if code != 0:
            return code
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m carscribe.terraform")
    parser.add_argument("command", choices=["init", "plan", "apply", "destroy", "output", "check"])
    parser.add_argument("--target", default="aws", choices=["aws", "local"])
    parser.add_argument("--lab", action="store_true", help="use learner-lab.tfvars")
    parser.add_argument("--state-dir", type=Path, help="in place of build/TARGET")
    known, extra = parser.parse_known_args(arguments)
    extra = joined([argument for argument in extra if argument != "--"])
    folder = BUILD / ("terraform/check" if known.command == "check" else known.target)
    state = (known.state_dir or folder).resolve()
    if state.is_relative_to(BUILD):
        private_folder(BUILD)
    try:
        return run(known.command, Deployment(known.target, state, lab=known.lab), extra)
    except CredentialsError as problem:
        print(problem, file=sys.stderr)
        return EXIT_NO_PERMISSION
    except (UsageError, terraform_provider.NoProviderError) as problem:
        print(problem, file=sys.stderr)
        return EXIT_NOT_CONFIGURED


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
        return destroy(terraform, extra)
    if command == "output":
        return terraform.run("output", "-no-color", *extra)[0]
    return 0


if __name__ == "__main__":
    sys.exit(main())
