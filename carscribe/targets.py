"""AWS, or this machine: all that differs between the two, and the only place that knows which."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from carscribe import CHECKOUT, capacity, cost, doctor, provision, quota
from carscribe.credentials import CredentialsError, check_credentials, session_of_the_user
from carscribe.deployment import DeploymentError, target_that_is_up
from emulator.hosts import server
from emulator.hosts.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from carscribe.steps import Steps

OF_AN_ACCOUNT = (
    "AWS_",
    "TF_VAR_ami_id",
    "TF_VAR_existing_",
    "TF_VAR_kms_key_arns",
    "TF_VAR_permissions_boundary",
    "TF_VAR_region",
    "TF_VAR_tags",
)
"""How variables of the environment begin that speak of an account on AWS, or of a place in it."""
LOOPBACK = "127.0.0.1,localhost"


class Target(Protocol):
    """Where a deployment is made."""

    name: str
    is_paid: bool
    """Whether it has accounts and takes money."""
    is_lasting: bool
    """Whether it keeps what nobody knows of any more."""

    def check_credentials(self) -> None:
        """Let nobody go on whom it would refuse.

        Raises:
            CredentialsError: says why, and what to do.
        """

    def surroundings(self) -> dict[str, str]:
        """Return the environment of programs that ask it nothing."""

    def environment(self) -> dict[str, str]:
        """Return the environment in which AWS's tools find it."""

    def session(self, region: str | None = None) -> boto3.session.Session:
        """Return what makes clients for it."""

    def answers(self) -> bool:
        """Tell whether there is anything that could have made something."""

    def preflight(self, values: Mapping[str, Any], *, lab: bool) -> Iterator[doctor.Finding]:
        """Look at what it needs; nothing is made."""

    def price(self, values: Mapping[str, Any]) -> str:
        """Say what an hour costs."""

    def unseen(self) -> int:
        """Return of how many pictures nobody could say what is in them."""

    def quota(self, region: str) -> quota.Quota:
        """Return how many calls Rekognition takes."""

    def before_apply(self, steps: Steps, images: Path | None) -> None:
        """Make what Terraform needs."""

    def after_apply(self, steps: Steps) -> None:
        """Make what Terraform cannot."""

    def after_destroy(self, steps: Steps) -> None:
        """Remove what these two have made."""


class Aws:
    """AWS, with the account and region that the user's environment names."""

    name = "aws"
    is_paid = is_lasting = True

    def check_credentials(self) -> None:
        """Ask AWS who it is."""
        check_credentials()

    def surroundings(self) -> dict[str, str]:
        """Return the user's own."""
        return dict(os.environ)

    def environment(self) -> dict[str, str]:
        """Return the user's own."""
        return dict(os.environ)

    def session(self, region: str | None = None) -> boto3.session.Session:
        """Return a session with the user's credentials."""
        return session_of_the_user(region)

    def answers(self) -> bool:
        """AWS is there."""
        return True

    def preflight(self, values: Mapping[str, Any], *, lab: bool) -> Iterator[doctor.Finding]:
        """Look at this machine, the private key, and what AWS says."""
        yield from doctor.machine()
        if lab or values["existing_key_pair"]:
            yield doctor.private_key(provision.place(values["ssh_private_key_file"]))
        try:
            session = self.session(str(values["region"]))
        except (BotoCoreError, CredentialsError):
            yield doctor.credentials()
        else:
            yield from doctor.Aws(
                session,
                lab=lab,
                name=str(values["name"]),
                bucket=values["existing_bucket"],
                profile=values["existing_instance_profile"],
                instance_type=str(values["instance_type"]),
                elsewhere=values["rekognition_rates_elsewhere"],
                ami_id=values["ami_id"],
                ami_parameters=values["ami_parameters"],
                tags=values["tags"],
            ).findings()
            if int(values["pairs"]) > 1:
                yield from capacity.findings(session, values, lab=lab)

    def price(self, values: Mapping[str, Any]) -> str:
        """Say what AWS takes."""
        return cost.an_hour(
            str(values["region"]),
            str(values["instance_type"]),
            float(values["result_volume_size_gib"]),
            int(values["pairs"]),
        )

    def unseen(self) -> int:
        """None: Rekognition looks at all."""
        return 0

    def quota(self, region: str) -> quota.Quota:
        """Return the account's."""
        return quota.read(self.session(region), region)

    def before_apply(self, steps: Steps, images: Path | None) -> None:
        """Nothing: AWS is there."""

    def after_apply(self, steps: Steps) -> None:
        """Nothing: EC2 boots the hosts."""

    def after_destroy(self, steps: Steps) -> None:
        """Nothing."""


class EmulatorSession(boto3.session.Session):
    """A session that reaches the emulator and nothing else, whatever the user's files say.

    Args:
        environment: that of the emulator.
        region: where to look.
    """

    def __init__(self, environment: Mapping[str, str], region: str | None) -> None:
        nothing = (None, None, None, None)
        core = botocore.session.Session(
            session_vars={
                "profile": nothing,
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
                "ca_bundle": nothing,
            }
        )
        super().__init__(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=region or environment["AWS_REGION"],
            botocore_session=core,
        )
        self._endpoint = environment["AWS_ENDPOINT_URL"]

    def client(self, *names: Any, **given: Any) -> Any:
        """Make a client of the emulator; no proxy stands between it and this machine."""
        config = Config(proxies={}).merge(given.pop("config", None) or Config())
        make: Any = super().client
        return make(*names, **{"endpoint_url": self._endpoint, **given}, config=config)


class Local:
    """This machine: an emulator of AWS, and a container for each host."""

    name = "local"
    is_paid = is_lasting = False

    def check_credentials(self) -> None:
        """Nothing: they are in build/."""

    def environment(self) -> dict[str, str]:
        """Return the emulator's.

        Raises:
            DeploymentError: it does not run.
        """
        said = self._emulator("env")
        if said.returncode:
            raise DeploymentError(said.stderr.strip())
        pairs = (line.split("=", 1) for line in said.stdout.splitlines())
        return {**self.surroundings(), **dict(pairs)}

    def session(self, region: str | None = None) -> boto3.session.Session:
        """Return a session with the emulator."""
        return EmulatorSession(self.environment(), region)

    def answers(self) -> bool:
        """Tell whether the emulator runs; what it knew goes with it."""
        return self._emulator("env").returncode == 0

    def preflight(
        self,
        values: Mapping[str, Any],
        *,
        lab: bool,  # noqa: ARG002 # AWS asks for it
    ) -> Iterator[doctor.Finding]:
        """Look at this machine, and whether it can carry hosts."""
        yield from doctor.machine()
        if (region := values["region"]) != server.REGION:
            yield doctor.Finding(
                "region",
                f"it is {region}, and the local hosts are in {server.REGION}: leave it out",
            )
        asked = self._emulator("check", "--subnet", str(values["subnet_cidr"]))
        if asked.returncode:
            yield doctor.Finding("local hosts", asked.stderr.strip() or "they cannot be asked for")
        else:
            yield doctor.Finding(asked.stdout.strip())

    def price(self, values: Mapping[str, Any]) -> str:  # noqa: ARG002 # AWS asks for them
        """Say that nobody takes anything."""
        return "It costs nothing: no AWS account is used."

    def unseen(self) -> int:
        """Ask the emulator for how many it had no recorded answer and no recognizer."""
        deployment = Deployment.here()
        url = server.address(deployment)
        if url is None:
            return 0
        return int(server.call(deployment, url, "GET", "recognizer")["unseen"])

    def quota(self, region: str) -> quota.Quota:
        """Return the documented one, which the emulator keeps to."""
        return quota.documented(region)

    def before_apply(self, steps: Steps, images: Path | None) -> None:
        """Install what the hosts need, and start the emulator, which applies the roles' policies."""
        steps.say("The emulator of AWS")
        steps.run(sys.executable, "-m", "emulator", "install", env=self.surroundings())
        served = ["--enforce-iam", *(["--images", str(images)] if images else [])]
        start = [sys.executable, "-m", "emulator", "serve-start", "--"]
        steps.run(*start, *served, env=self.surroundings())

    def after_apply(self, steps: Steps) -> None:
        """Boot the hosts."""
        steps.say("The hosts boot")
        steps.run(sys.executable, "-m", "emulator", "up", env=self.surroundings())

    def after_destroy(self, steps: Steps) -> None:
        """Remove hosts and emulator."""
        steps.say("Removing the hosts and the emulator")
        steps.run(sys.executable, "-m", "emulator", "down", env=self.surroundings())

    def surroundings(self) -> dict[str, str]:
        """Return the user's environment without what leads to AWS, or to it by a proxy."""
        kept = {name: os.environ[name] for name in os.environ if not name.startswith(OF_AN_ACCOUNT)}
        spared = ",".join(filter(None, [os.environ.get("NO_PROXY"), LOOPBACK]))
        return {**kept, "NO_PROXY": spared, "no_proxy": spared}

    def _emulator(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "emulator", *words],
            cwd=CHECKOUT,
            env=self.surroundings(),
            capture_output=True,
            text=True,
            check=False,
        )


def of(name: str) -> Target:
    """Return the target of this name."""
    return Local() if name == Local.name else Aws()


def present(wanted: str = "") -> Target:
    """Return the target that was asked for, or else the one that is up; AWS where none is.

    Raises:
        DeploymentError: which one is up cannot be known.
    """
    return of(wanted or target_that_is_up() or Aws.name)
