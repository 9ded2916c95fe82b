"""Terraform, as the operator's commands call it: its environment, variables and state.

Each target has a state and a data folder in build/TARGET. Variables come from
terraform/TARGET.tfvars if it is there (with --lab: before that learner-lab.tfvars),
from TF_VAR_..., and from ARGUMENTS, which Terraform gets as they are; what they
come to, Terraform says itself (`values`). AWS is found through the environment alone.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carscribe import CHECKOUT, bucket, provider
from carscribe.credentials import check_credentials, session_of_the_user
from carscribe.deployment import BUILD, write_whole
from carscribe.inputs import UsageError, own_network, temporary_folder
from carscribe.state import State, StateError, errors, reason
from carscribe.tool import find_terraform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from carscribe.folder import Picture
    from carscribe.steps import Steps

CONFIGURATION = CHECKOUT / "terraform"
KEY = BUILD / "ssh" / "id_ed25519"
LOCK_FILE = CONFIGURATION / ".terraform.lock.hcl"
BACKEND_OVERRIDE = CONFIGURATION / "backend_override.tf"
ASKED_FOR = (
    "ami_id",
    "existing_bucket",
    "existing_instance_profile",
    "existing_key_pair",
    "image_prefix",
    "images_dir",
    "instance_type",
    "inventory_file",
    "name",
    "pairs",
    "region",
    "result_volume_size_gib",
    "ssh_private_key_file",
    "ssh_public_key_file",
)
"""The variables that are read outside of Terraform."""
ASKED_OF_LOCALS = ("rekognition_rates_elsewhere", "subnet_cidr", "tags")
"""What is made of variables, and read outside of Terraform."""
DECLARATIONS = ("variables.tf", "locals.tf")
NO_KEYS = ["-var=ssh_private_key_file=variables.tf", "-var=existing_key_pair=none"]
"""Variables with which no key is asked for: only a name and a region are."""
CONSOLE, CONSOLE_SECONDS_MAX = ".console-", 600
"""The folder that the console is asked in, and what no question takes."""
UNKNOWN = "(known after apply)"
"""What Terraform's console says of a variable that has no value."""
KEPT = ("TF_VAR_", "TF_TOKEN_", "TF_PLUGIN_CACHE_", "TF_CLI_CONFIG_FILE")
"""What of the user's TF_... is used: variables, and where providers come from (provider.py)."""


INPUTS: dict[str, type | tuple[type, ...]] = {
    "bucket": (str, type(None)),
    "given": list,
    "images": (str, type(None)),
    "lab": bool,
    "name": str,
    "quota": (dict, type(None)),
    "region": str,
    "since": (int, float),
}
"""What an apply of this release keeps, and of what type it is."""
WAIT_FOR_LOCK = "-lock-timeout=180s"
"""A Terraform whose command was killed goes on to its end, and is waited for."""
LAB_BUCKET = "-var=lab_bucket="
VARIABLES = ("-var=", "-var-file=")
"""How an argument begins that gives a variable."""


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
    def state_file(self) -> Path:
        """Terraform's state, unless backend_override.tf keeps it elsewhere."""
        return self.state / "terraform.tfstate"

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
        names = [*(["learner-lab"] if self.lab else []), self.target]
        files = [CONFIGURATION / f"{name}.tfvars" for name in names]
        return [file for file in files if file.is_file()]


def place(named: object) -> Path:
    """Return where a path leads that is the value of a variable."""
    return (CONFIGURATION / Path(str(named)).expanduser()).resolve()


class Terraform:
    """The terraform on this machine, for one deployment."""

    def __init__(self, deployment: Deployment, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self.deployment = deployment
        self.interrupted = False
        self.binary, self.platform = find_terraform()
        self.environment = {
            **{name: environ[name] for name in environ if name not in diverting(environ)},
            "TF_DATA_DIR": str(deployment.data),
            "TF_CLI_CONFIG_FILE": str(self._cli_configuration()),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
            "TMPDIR": str(temporary_folder()),
        }
        self.colour = [] if sys.stdout.isatty() else ["-no-color"]

    def _cli_configuration(self) -> Path:
        own = provider.user_configuration()
        if own is not None and provider.user_has_mirror():
            return own
        if not provider.is_written(self.deployment.cli_configuration):
            provider.write_configuration(self.deployment.cli_configuration, None)
        return self.deployment.cli_configuration

    def find_provider(self) -> None:
        """Write down where the provider comes from; the registry's copies are shared."""
        version = provider.locked_version(LOCK_FILE)
        folder = provider.mirror(version, self.platform)
        if provider.user_has_mirror() and folder is None:
            return
        provider.write_configuration(self.deployment.cli_configuration, folder)
        self.environment["TF_CLI_CONFIG_FILE"] = str(self.deployment.cli_configuration)
        if folder is None and "TF_PLUGIN_CACHE_DIR" not in self.environment:
            cache = BUILD / "terraform" / "providers"
            cache.mkdir(parents=True, exist_ok=True)
            self.environment["TF_PLUGIN_CACHE_DIR"] = str(cache)

    def run(
        self, command: str, *arguments: str, capture: bool = False, steps: Steps | None = None
    ) -> tuple[int, str]:
        """Run one command; captured output comes back as text, and so does that of a step.

        Terraform ends in order when it is interrupted, and has to be left the
        time: killed between an answer of AWS and its state, it forgets what it
        made. So it is in a process group of its own, which nothing that ends or
        kills ours reaches, and hears of an interruption from here.
        """
        captured = subprocess.PIPE if capture else None
        with subprocess.Popen(
            [self.binary, f"-chdir={CONFIGURATION}", *command.split(), *arguments],
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL if steps else None,
            stdout=steps.output if steps else captured,
            stderr=subprocess.STDOUT if steps or capture else None,
            process_group=0,
        ) as process:

            def end(number: int, _: object) -> None:
                self.interrupted = True
                process.send_signal(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

            numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            before = [signal.signal(number, end) for number in numbers]
            try:
                said = "".join(steps.listen(process)) if steps else process.communicate()[0]
            finally:
                for number, handler in zip(numbers, before, strict=True):
                    signal.signal(number, handler)
        return process.returncode, said or ""

    def initialize(self, *, backend: bool = True) -> None:
        """Run `terraform init` if anything it depends on is another than the last time.

        Raises:
            StateError: the backend was changed under a state that is not empty.
            UsageError: it failed.
        """
        stamp = self.deployment.data / ("initialized" if backend else "initialized-for-tests")
        depends_on = [LOCK_FILE.read_text(), (CONFIGURATION / "terraform.tf").read_text()]
        wanted = "\n".join([backend_text(), *depends_on])
        if stamp.exists() and stamp.read_text() == wanted and self._has_provider():
            return
        if backend:
            self._refuse_another_backend(stamp)
        self.find_provider()
        self.deployment.data.mkdir(parents=True, exist_ok=True)
        arguments = ["-lockfile=readonly", "-no-color"]
        arguments += ["-reconfigure", *self._backend()] if backend else ["-backend=false"]
        code, said = self.run("init", *arguments, capture=True)
        if self.interrupted:
            raise KeyboardInterrupt
        if code != 0:
            raise UsageError(f"terraform init failed:\n{said.strip()}")
        stamp.write_text(wanted)

    def _refuse_another_backend(self, stamp: Path) -> None:
        """A backend that was changed has a state of its own, in which nothing was made yet."""
        now = backend_text()
        written = stamp.read_text() if stamp.exists() else ""
        before = written.partition("\n")[0]
        if not written:
            # The data folder is gone: a state in a file is all that can tell.
            changed = bool(now) and self.deployment.state_file.exists()
        else:
            changed = before != now and self.deployment.inputs.exists()
        if changed:
            raise StateError(
                "terraform/backend_override.tf is another than when this deployment was made "
                f"({'there is one' if now else 'there is none'} now), and the state is not where "
                "it names: put the file back as it was, or move the state with "
                "'terraform init -migrate-state'."
            )

    def _has_provider(self) -> bool:
        return any((self.deployment.data / "providers").glob("*/hashicorp/aws/*/*/*"))

    def _backend(self) -> list[str]:
        if not BACKEND_OVERRIDE.exists():
            state = os.path.relpath(self.deployment.state_file, CONFIGURATION)
            return [f"-backend-config=path={state}"]
        if self.deployment.target == "local":
            raise UsageError(
                "terraform/backend_override.tf keeps the state in S3, which the local target "
                "has not: move the file away while you use TARGET=local."
            )
        return []

    def known(self) -> State:
        """Return what the state knows; nothing was ever made if there is none.

        Raises:
            StateError: there may be one, and it cannot be read.
        """
        done = subprocess.run(
            [self.binary, f"-chdir={CONFIGURATION}", "state", "pull"],
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise StateError(reason(done.stderr))
        try:
            return State(json.loads(done.stdout.strip() or "{}"))
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            raise StateError(f"it is not what Terraform writes ({problem!r})") from None


def diverting(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the user's own TF_... that would lead Terraform elsewhere."""
    return [name for name in environ if name.startswith("TF_") and not name.startswith(KEPT)]


def backend_text() -> str:
    """Return what moves the state elsewhere, in one line; empty for the file in build/."""
    if not BACKEND_OVERRIDE.exists():
        return ""
    return json.dumps(BACKEND_OVERRIDE.read_text())


def values(terraform: Terraform, extra: Sequence[str]) -> dict[str, Any]:
    """Return what the variables come to, as Terraform itself says it.

    Its console is asked in a folder with copies of the declarations, which needs
    neither a provider nor a state. The folder lies beside terraform/, so that
    paths lead where they lead from there. The key of a deployment exists by then.

    Returns:
        ASKED_FOR and ASKED_OF_LOCALS by name, ``ami_parameters`` by architecture,
        ``rekognition_rate_per_second`` and whether it ``..._is_given``, and
        ``ssh_ingress_cidrs`` where networks are given.

    Raises:
        UsageError: a variable is refused, in the words of its validation.
    """
    for left in CHECKOUT.glob(f"{CONSOLE}*"):  # by a command that was killed
        if time.time() - left.stat().st_mtime > CONSOLE_SECONDS_MAX:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=CONSOLE, dir=CHECKOUT) as folder:
        for file in CONFIGURATION.iterdir():
            if file.name in DECLARATIONS or ".tfvars" in file.name:
                shutil.copy(file, folder)
            elif ".tf" not in file.name and file.name != ".terraform.lock.hcl":
                Path(folder, file.name).symlink_to(file)  # for paths that lead into it
        command = [
            *(terraform.binary, f"-chdir={folder}", "console", "-no-color"),
            *(f"-var-file={file}" for file in terraform.deployment.variable_files),
            *(word for word in extra if word.startswith(VARIABLES)),
        ]

        def asked(expression: str) -> str:
            """Return the last line: of an unknown value the console says so in words."""
            done = subprocess.run(
                command,
                input=f"jsonencode({expression})\n",
                env={**terraform.environment, "TF_DATA_DIR": folder},
                capture_output=True,
                text=True,
                check=False,
            )
            # It ends with 0 and prints the value also where a validation refuses it.
            if done.returncode or "Error: " in done.stderr or not done.stdout.strip():
                said = errors(done.stderr) or errors(done.stdout)
                raise UsageError("\n".join(said) or f"{terraform.binary} console says nothing.")
            return done.stdout.splitlines()[-1]

        pairs = [f"{name} = var.{name}" for name in ASKED_FOR]
        rate = "rekognition_rate_per_second"
        pairs += [f"{rate} = local.{rate}", f"{rate}_is_given = var.{rate} != null"]
        pairs += [f"{name} = local.{name}" for name in ASKED_OF_LOCALS]
        system = "local.operating_systems[var.operating_system]"
        pairs.append(f"ami_parameters = try({system}.ami_parameters, {{}})")
        found: dict[str, Any] = json.loads(json.loads(asked(f"{{{', '.join(pairs)}}}")))
        networks = asked("var.ssh_ingress_cidrs")
    if networks != UNKNOWN:
        found["ssh_ingress_cidrs"] = json.loads(json.loads(networks))
    return found


def arguments_for(terraform: Terraform, found: Mapping[str, Any]) -> list[str]:
    """Return the arguments that give Terraform its variables, beside those of the caller."""
    arguments = [f"-var-file={file}" for file in terraform.deployment.variable_files]
    if "ssh_ingress_cidrs" not in found:
        arguments.append(f"-var=ssh_ingress_cidrs={json.dumps([own_network()])}")
    return arguments


def stage(pictures: Sequence[Picture], folder: Path) -> None:
    """Make a folder of links to pictures, in place of the one that was there."""
    shutil.rmtree(folder, ignore_errors=True)
    for picture in pictures:
        link = folder / picture.key
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(picture.path.resolve())


def refuse_another_region(
    known: State, before: Mapping[str, Any], found: Mapping[str, Any]
) -> None:
    """Terraform would lose sight of what it made in the first region, and make all again."""
    made_in, wanted = known.outputs.get("region") if known.resources else None, found["region"]
    if not made_in and before.get("bucket"):
        made_in = before.get("region")
    if made_in and made_in != wanted:
        raise UsageError(
            f"This deployment is in {made_in}, and region is {wanted} now: say 'make down' first, "
            f"or set region back to {made_in}."
        )


def lab_bucket(
    deployment: Deployment, known: State, before: Mapping[str, Any], found: Mapping[str, Any]
) -> str | None:
    """Return the bucket that is made before Terraform is asked; None where it makes its own, or none.

    A lab does not let its provider read a bucket that it has made (variables.tf). The
    name is chosen before the bucket is made, and remembered, so it is never made twice.
    """
    if not deployment.lab or found["existing_bucket"] or known.of_type("aws_s3_bucket"):
        return None
    remembered = [*known.buckets_beside, *filter(None, [before.get("bucket")])]
    return str(remembered[0]) if remembered else bucket.new_name(str(found["name"]))


def refuse_another_account(deployment: Deployment, known: State) -> None:
    """With another account's credentials Terraform would find nothing there, and forget all it made.

    Raises:
        UsageError: names both accounts.
    """
    if deployment.target != "aws" or not (made_in := known.accounts()):
        return
    account = check_credentials().split(":")[4]
    if account not in made_in:
        raise UsageError(
            f"This deployment is in account {' and '.join(sorted(made_in))}, and your credentials "
            f"are those of account {account}: nothing was done. Take the first one's (AWS_PROFILE, "
            "or what you have pasted), and say it again."
        )


def prepared(terraform: Terraform, extra: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the arguments of a plan or apply, and what later commands are to know of it.

    Raises:
        UsageError: a variable is refused, or the state is another account's or region's, or
            unreadable.
    """
    found = values(terraform, extra)
    known, before = terraform.known(), made_with(terraform.deployment)
    refuse_another_account(terraform.deployment, known)
    refuse_another_region(known, before, found)
    images = lab_bucket(terraform.deployment, known, before, found)
    arguments = [*arguments_for(terraform, found), *extra]
    if (kept := before.get("quota")) and not found["rekognition_rate_per_second_is_given"]:
        arguments.append(f"-var=rekognition_rate_per_second={kept['calls_per_second']:g}")
    if images:
        arguments.append(f"{LAB_BUCKET}{images}")
    return arguments, {
        "arguments": arguments,
        "bucket": images or before.get("bucket"),
        "environment": {k: v for k, v in terraform.environment.items() if k.startswith("TF_VAR_")},
        "given": [word for word in extra if word.startswith(VARIABLES)],
        "lab": terraform.deployment.lab,
        "name": found["name"],
        "region": found["region"],
        "quota": kept,
        "since": before.get("since") or time.time(),
        "tags": found["tags"],
    }


def plan_or_apply(terraform: Terraform, command: str, extra: Sequence[str]) -> int:
    """Run plan or apply with this deployment's variables, and remember them.

    Raises:
        UsageError: a variable is refused, or the state is another account's or region's, or
            unreadable.
    """
    arguments, inputs = prepared(terraform, extra)
    if command == "apply":
        begin_apply(terraform.deployment, inputs)
        arguments.append("-auto-approve")
    return terraform.run(command, *terraform.colour, *arguments)[0]


def begin_apply(deployment: Deployment, inputs: Mapping[str, Any]) -> None:
    """Remember what an apply is given, and make what it needs.

    Raises:
        DeploymentError: AWS does not let the bucket be made.
    """
    write_whole(deployment.inputs, json.dumps(inputs, indent=1))
    name, region = inputs["bucket"], inputs["region"]
    if f"{LAB_BUCKET}{name}" in inputs["arguments"]:
        bucket.make_for_images(session_of_the_user(region), name, region, inputs["tags"])


class Plan:
    """A plan that was made and is to be carried out.

    Args:
        terraform: of the deployment.
        extra: arguments beside those of its files of variables.
        steps: of the command, whose log has what is said.

    Raises:
        UsageError: a variable is refused, or the state is another account's or region's, or
            unreadable.
    """

    def __init__(self, terraform: Terraform, extra: Sequence[str], steps: Steps) -> None:
        self._terraform, self._steps = terraform, steps
        for left in terraform.deployment.state.glob("plan-*"):  # by a command that was killed
            left.unlink(missing_ok=True)
        # Terraform outlives it, and writes its plan when it has the state's lock.
        self._file = terraform.deployment.state / f"plan-{secrets.token_hex(4)}"
        arguments, self._inputs = prepared(terraform, extra)
        self.code, self.said = terraform.run(
            "plan", "-no-color", WAIT_FOR_LOCK, f"-out={self._file}", *arguments, steps=steps
        )
        self._changes: list[dict[str, Any]] = []
        if self.code == 0:
            shown = terraform.run("show", "-json", "-no-color", str(self._file), capture=True)[1]
            # Warnings of the provider may stand before it.
            self._changes = json.loads(shown[shown.index("{") :]).get("resource_changes", [])

    def removed(self, kind: str, attribute: str) -> set[str]:
        """Return an attribute of each resource of a type that would be removed or made anew."""
        return {
            str(one["change"]["before"].get(attribute))
            for one in self._changes
            if one["type"] == kind and "delete" in one["change"]["actions"]
        }

    def made_anew(self, kind: str, attribute: str) -> set[str]:
        """Return an attribute of each resource of a type that would be removed and made again."""
        return {
            str(one["change"]["before"].get(attribute))
            for one in self._changes
            if one["type"] == kind and {"create", "delete"} <= set(one["change"]["actions"])
        }

    def broken_off(self, kind: str) -> set[str]:
        """Return the ids of what is made again because an apply ended while it was being made."""
        return {
            str(one["change"]["before"].get("id"))
            for one in self._changes
            if one["type"] == kind and one.get("action_reason") == "replace_because_tainted"
        }

    def made(self, kind: str, attribute: str) -> set[str]:
        """Return an attribute of each resource of a type that would be made."""
        return {
            str(one["change"]["after"].get(attribute))
            for one in self._changes
            if one["type"] == kind and one["change"]["actions"] == ["create"]
        }

    def apply(self, **remember: Any) -> tuple[int, str]:
        """Carry it out, and let later commands know what it was made with.

        Raises:
            DeploymentError: AWS does not let the bucket be made that it needs.
        """
        try:
            begin_apply(self._terraform.deployment, {**self._inputs, **remember})
            return self._terraform.run(
                "apply", "-no-color", WAIT_FOR_LOCK, str(self._file), steps=self._steps
            )
        finally:
            self._file.unlink(missing_ok=True)


def made_with(deployment: Deployment) -> dict[str, Any]:
    """Return what the last apply was given; nothing if that is not known.

    Returns:
        ``arguments`` and ``environment``; of an apply of this release also ``bucket`` (that
        was made before Terraform was asked, in a Learner Lab), ``given`` (the
        caller's own variables), ``images`` (their folder), ``lab``, ``name``, ``quota`` (of
        Rekognition, as it was read), ``region`` and ``since`` (of the first apply, in seconds
        of Unix time).
    """
    try:
        inputs = json.loads(deployment.inputs.read_text())
        arguments = [str(one) for one in inputs["arguments"]]
        environment = {str(name): str(value) for name, value in inputs["environment"].items()}
        if any(
            not isinstance(inputs[name], kind) for name, kind in INPUTS.items() if name in inputs
        ):
            raise TypeError
    except FileNotFoundError:
        return {"arguments": [], "environment": {}}
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise UsageError(
            f"{deployment.inputs} is damaged, which says what this deployment was made with: "
            "delete it, and give the same variables again."
        ) from None
    return {**inputs, "arguments": arguments, "environment": environment}
