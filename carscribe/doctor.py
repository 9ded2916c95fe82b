"""What is missing on this machine and on AWS: the findings of `make doctor`.

Each line is a tick, or a cross with what to do. Nothing is made, changed or
paid for: permissions are asked for with EC2's DryRun, IAM's policy simulator,
and calls that are refused for their content.
"""

from __future__ import annotations

import platform
import shutil
import stat
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from carscribe import leftovers, quota
from carscribe.advice import advice
from carscribe.credentials import CredentialsError, check_credentials
from carscribe.inputs import UsageError
from carscribe.tool import find_terraform
from carscribe_common.errors import error_code_of
from carscribe_common.probes import NO_IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import boto3

OLDEST_PYTHON = (3, 11)

LAB_REGIONS = ("us-east-1", "us-west-2")
LAB_ROLE = "voclabs"
"""Who a Learner Lab's credentials belong to: assumed-role/voclabs/user..."""

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

AMI_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
NEWEST_AMI = f"resolve:ssm:{AMI_PARAMETER}"
"""What EC2 resolves itself (EC2 User Guide, "Reference AMIs using Systems Manager parameters")."""

NO_DEFAULT_VPC = frozenset({"MissingInput", "VPCIdNotSpecified"})
"""What EC2 answers where it looks for a default VPC and finds none: `make up` makes a VPC of its own."""

OWNER_ONLY = 0o077


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, and what to do if it is not well.

    Attributes:
        what: what was found.
        advice: what to do; empty if all is well.
        is_said: it is said also where only what is missing is: whose account it is.
    """

    what: str
    advice: str = ""
    is_said: bool = False

    @property
    def well(self) -> bool:
        """Whether nothing need be done."""
        return not self.advice

    def __str__(self) -> str:
        return f"✓ {self.what}" if self.well else f"✗ {self.what}: {self.advice}"


def machine() -> Iterator[Finding]:
    """Look at what this machine has."""
    python = platform.python_version()
    if sys.version_info >= OLDEST_PYTHON:
        yield Finding(f"Python {python}")
    else:
        yield Finding(f"Python {python}", "install Python 3.11 or later")
    try:
        yield Finding(f"Terraform, {find_terraform()[0]}")
    except UsageError as problem:
        yield Finding("Terraform", str(problem))
    for program in ("ssh", "ssh-keygen"):
        if shutil.which(program):
            yield Finding(program)
        else:
            yield Finding(program, "install OpenSSH's client (Debian: openssh-client)")


def private_key(path: Path) -> Finding:
    """Look at the downloaded private key of an existing key pair."""
    what = f"private key {path}"
    try:
        mode = path.stat().st_mode
    except OSError:
        return Finding(
            what, "it is not there; press 'Download PEM' under 'AWS Details' and move it there"
        )
    if stat.S_IMODE(mode) & OWNER_ONLY:
        return Finding(what, f"others may read it, so ssh refuses it; say 'chmod 600 {path}'")
    return Finding(what)


def in_lab(arn: str) -> bool:
    """Tell whether these are the credentials of a Learner Lab."""
    return f"/{LAB_ROLE}/" in arn


def credentials() -> Finding:
    """Return who is asking, or what is wrong with the credentials."""
    try:
        return Finding(check_credentials())
    except CredentialsError as problem:
        return Finding("AWS credentials", str(problem))


class Aws:
    """What AWS says to these credentials.

    Args:
        session: with the credentials and the region to look at.
        lab: this is to be a Learner Lab.
        name: of the deployment, the beginning of all names.
        bucket: the bucket that exists already, so that none is made.
        profile: the instance profile that exists already, so that no IAM resource is made.
        instance_type: of the hosts.
        elsewhere: the other regions in which Rekognition is asked.
    """

    def __init__(
        self,
        session: boto3.session.Session,
        *,
        lab: bool,
        name: str = "carscribe",
        bucket: str | None = None,
        profile: str | None = None,
        instance_type: str = "t3.micro",
        elsewhere: Iterable[str] = (),
    ) -> None:
        self._session = session
        self._name = name
        self._bucket = bucket
        self._profile = profile
        self._instance_type = instance_type
        self._elsewhere = sorted(elsewhere)
        self._lab = lab
        self._region = str(session.region_name)
        self._arn = ""

    def findings(self) -> Iterator[Finding]:
        """Look at everything; end at the first thing without which nothing else can be asked."""
        who = credentials()
        if not who.well:
            yield who
            return
        self._arn = who.what
        yield self._identity()
        yield from self._laboratory()
        known = self._session.get_available_regions("rekognition")
        if self._region not in known:
            yield Finding(
                f"region {self._region}", f"it has no Rekognition; use one of {', '.join(known)}"
            )
            return
        yield Finding(f"region {self._region}")
        for region in (self._region, *self._elsewhere):
            yield from self._rekognition(region)
        yield from self._permissions()

    def _client(self, service: str, region: str = "") -> Any:
        config = Config(
            connect_timeout=10, read_timeout=10, retries={"mode": "standard", "max_attempts": 2}
        )
        make: Callable[..., Any] = self._session.client
        return make(service, region_name=region or self._region, config=config)

    def _identity(self) -> Finding:
        credentials = self._session.get_credentials()
        expires = getattr(credentials, "_expiry_time", None)
        if expires is not None:
            until = f", until {expires:%Y-%m-%d %H:%M} UTC"
        elif credentials is not None and credentials.token:
            until = ", temporary: they end with your session"
        else:
            until = ""
        return Finding(f"AWS credentials of {self._arn}{until}", is_said=True)

    def _laboratory(self) -> Iterator[Finding]:
        if not in_lab(self._arn):
            return
        if not self._lab:
            yield Finding("AWS Academy Learner Lab", "use LAB=1: it allows no IAM role to be made")
        elif self._region not in LAB_REGIONS:
            yield Finding(
                f"AWS Academy Learner Lab in {self._region}",
                f"it allows {' and '.join(LAB_REGIONS)} only; leave region at us-east-1",
            )
        else:
            yield Finding("AWS Academy Learner Lab")

    def _rekognition(self, region: str) -> Iterator[Finding]:
        client = self._client("rekognition", region)
        place = "" if region == self._region else f" in {region}"
        calls = {"DetectLabels": client.detect_labels, "DetectText": client.detect_text}
        for operation, call in calls.items():
            code = _code(partial(call, Image={"Bytes": NO_IMAGE}))
            if code == "InvalidImageFormatException":
                yield Finding(f"rekognition:{operation}{place}")
            elif self._lab and code in DENIED:
                # The hosts have another role, LabRole; `make up` asks there.
                yield Finding(
                    f"rekognition:{operation}{place} is not yours; LabRole's is checked on up"
                )
            else:
                yield Finding(f"rekognition:{operation}{place}", _refusal(self._arn, code))
        here = place or " here"
        yield Finding(f"Rekognition's quota{here}: {quota.read(self._session, region)}")

    def _permissions(self) -> Iterator[Finding]:
        ec2 = self._client("ec2")
        dry_runs: dict[str, Callable[[], object]] = {
            "ec2:AllocateAddress": lambda: ec2.allocate_address(
                Domain="vpc", TagSpecifications=self._tags("elastic-ip"), DryRun=True
            ),
            "ec2:CreateVolume": lambda: ec2.create_volume(
                AvailabilityZone=self._zone(ec2),
                Encrypted=True,
                Size=1,
                TagSpecifications=self._tags("volume"),
                VolumeType="gp3",
                DryRun=True,
            ),
            "ec2:DescribeInstances": lambda: ec2.describe_instances(DryRun=True),
        }
        for action, call in dry_runs.items():
            code = _code(call)
            well = code == "DryRunOperation"
            yield Finding(action, "" if well else _refusal(self._arn, code))
        yield self._instances(ec2)
        if not self._lab:
            yield from self._simulated()

    def _tags(self, kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": leftovers.tags(self._name)}]

    def _zone(self, ec2: Any) -> str:
        """Return a zone that the account has: us-west-1 and others show each but some of theirs."""
        ordinary = {"Name": "opt-in-status", "Values": ["opt-in-not-required"]}
        try:
            answer = ec2.describe_availability_zones(Filters=[ordinary])
            return str(answer["AvailabilityZones"][0]["ZoneName"])
        except (BotoCoreError, ClientError, LookupError, ResponseParserError):
            return f"{self._region}a"

    def _instances(self, ec2: Any) -> Finding:
        """Ask EC2 itself about the hosts: with a profile that includes the right to pass its role."""
        profile = {"IamInstanceProfile": {"Name": self._profile}} if self._profile else {}
        what = f"ec2:RunInstances{f' with {self._profile}' if self._profile else ''}"
        run = partial(
            ec2.run_instances,
            ImageId=NEWEST_AMI,
            InstanceType=self._instance_type,
            MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            MinCount=1,
            MaxCount=1,
            TagSpecifications=self._tags("instance"),
            DryRun=True,
            **profile,
        )
        code = _code(run)
        if code in DENIED:
            need = " (iam:PassRole of its role is needed, too)" if self._profile else ""
            return Finding(what, _refusal(self._arn, code) + need)
        if code == "DryRunOperation":
            return Finding(what)
        if code not in NO_DEFAULT_VPC and (known := advice(code)):
            return Finding(what, f"AWS answers {code}. {known}")
        return Finding(f"{what} could not be checked ({code}); up will tell", is_said=True)

    def _simulated(self) -> Iterator[Finding]:
        iam = self._client("iam")
        try:
            # Each on what `make up` makes: on all there is, a policy that names it allows nothing.
            results = [
                result
                for resource, actions in self._needed().items()
                for result in iam.simulate_principal_policy(
                    PolicySourceArn=_principal(self._arn),
                    ActionNames=list(actions),
                    ResourceArns=[resource],
                )["EvaluationResults"]
            ]
        except (ClientError, BotoCoreError, ResponseParserError):
            services = f"{'' if self._profile else 'IAM, '}S3, SQS and SSM"
            yield Finding(
                f"permissions for {services} cannot be asked for; up will tell", is_said=True
            )
            return
        for result in results:
            action = result["EvalActionName"]
            if result["EvalDecision"] == "allowed":
                yield Finding(action)
            elif unknown := result.get("MissingContextValues"):
                # Such as iam:PermissionsBoundary, which only the call itself has.
                yield Finding(
                    f"{action} could not be checked (it depends on {', '.join(unknown)}); "
                    "up will tell",
                    is_said=True,
                )
            else:
                yield Finding(action, _refusal(self._arn, "AccessDenied"))

    def _needed(self) -> dict[str, tuple[str, ...]]:
        """Return what `make up` does beside EC2, which no call can try without doing it, by resource."""
        _, partition, _, _, account, _ = self._arn.split(":", 5)
        bucket = f"arn:{partition}:s3:::{self._name}-images-0"
        needed: dict[str, tuple[str, ...]] = {
            f"arn:{partition}:sqs:{self._region}:{account}:{self._name}-indexes-0": (
                "sqs:CreateQueue",
            ),
            f"arn:{partition}:ssm:{self._region}::parameter{AMI_PARAMETER}": ("ssm:GetParameter",),
        }
        if not self._bucket:
            needed |= {bucket: ("s3:CreateBucket",), f"{bucket}/1.jpg": ("s3:PutObject",)}
        if not self._profile:
            ours, host = f"arn:{partition}:iam::{account}", f"{self._name}-worker-a-0"
            needed |= {
                f"{ours}:role/{host}": ("iam:CreateRole", "iam:PutRolePolicy"),
                f"{ours}:instance-profile/{host}": ("iam:CreateInstanceProfile",),
            }
        return needed


def _code(call: Callable[[], object]) -> str:
    try:
        call()
    except ClientError as error:
        return error_code_of(error.response)
    except (BotoCoreError, ResponseParserError) as error:
        return str(error)
    return "success"


def _refusal(arn: str, code: str) -> str:
    if code in DENIED:
        return f"{arn} may not do it; ask who manages the account for this permission"
    if known := advice(code):
        return f"AWS answers {code}. {known}"
    return f"AWS answers {code}; try again, and if it stays, look that word up in AWS's reference"


def _principal(arn: str) -> str:
    """Return the role behind an assumed role, which the policy simulator asks for."""
    partition = arn.replace(":sts:", ":iam:").split(":assumed-role/")
    if len(partition) == 1:
        return arn
    return f"{partition[0]}:role/{partition[1].split('/')[0]}"
