"""What AWS has of a deployment, found by its tags and names and not by Terraform's state.

A state can be lost, and an apply that is cut short can leave what its state
does not know: a request was on its way when Terraform stopped waiting for the
answer. Another checkout's deployment is found the same way.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jmespath  # type: ignore[import-untyped] # comes with botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    import boto3

PROJECT = "carscribe"
"""The value of the tag Project, as in providers.tf."""

SETTLE_SECONDS = 60.0
"""A deleted queue is listed for up to a minute (SQS, DeleteQueue)."""
POLL_SECONDS = 5.0

_SUFFIX = r"-(?:images|(?:indexes|dead-letter|worker-[ab])(?:-\d\d?)?)-"
_ANY = re.compile(rf"(?P<deployment>[a-z][a-z0-9-]{{0,19}}){_SUFFIX}\d{{18}}[\da-f]{{8}}")
"""A name_prefix of ours, and what Terraform's provider appends to it: the time, and a count in hexadecimal."""


@dataclass(frozen=True)
class Kind:
    """A kind of resource, and how to ask for it.

    Attributes:
        name: in words.
        service: whose client; EC2 is asked by tag, of the others the names are told apart here.
        operation: the call.
        found: JMESPath of the resources that are there; of the names, where there are no tags.
        id: which of a resource's values names it; empty where it is its name.
        removal: what removes it, {} being its id.
    """

    name: str
    service: str
    operation: str
    found: str
    id: str
    removal: str


WITH_VPC = "goes with its VPC"
IN_IAM = "in the IAM console: Roles, {}, Delete (it costs nothing)"
# In the order in which they are removed best.
TABLE = (
    Kind(
        "instance",
        "ec2",
        "describe_instances",
        "Reservations[].Instances[]|[?!contains(['terminated', 'shutting-down'], State.Name)]",
        "InstanceId",
        "aws ec2 terminate-instances --instance-ids {}",
    ),
    Kind(
        "volume",
        "ec2",
        "describe_volumes",
        "Volumes",
        "VolumeId",
        "aws ec2 delete-volume --volume-id {}",
    ),
    Kind(
        "Elastic IP",
        "ec2",
        "describe_addresses",
        "Addresses",
        "AllocationId",
        "aws ec2 release-address --allocation-id {}",
    ),
    Kind(
        "key pair",
        "ec2",
        "describe_key_pairs",
        "KeyPairs",
        "KeyName",
        "aws ec2 delete-key-pair --key-name {}",
    ),
    Kind("bucket", "s3", "list_buckets", "Buckets[].Name", "", "aws s3 rb --force s3://{}"),
    Kind("queue", "sqs", "list_queues", "QueueUrls", "", "aws sqs delete-queue --queue-url {}"),
    Kind(
        "endpoint",
        "ec2",
        "describe_vpc_endpoints",
        # AWS writes these in small letters, its documentation and moto in capitals, too.
        "VpcEndpoints[?!contains(['deleted', 'Deleted', 'deleting', 'Deleting'], State)]",
        "VpcEndpointId",
        WITH_VPC,
    ),
    Kind(
        "security group", "ec2", "describe_security_groups", "SecurityGroups", "GroupId", WITH_VPC
    ),
    Kind("subnet", "ec2", "describe_subnets", "Subnets", "SubnetId", WITH_VPC),
    Kind("route table", "ec2", "describe_route_tables", "RouteTables", "RouteTableId", WITH_VPC),
    Kind(
        "internet gateway",
        "ec2",
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
        WITH_VPC,
    ),
    Kind("VPC", "ec2", "describe_vpcs", "Vpcs", "VpcId", "in the VPC console: {}, Delete VPC"),
    Kind(
        "instance profile",
        "iam",
        "list_instance_profiles",
        "InstanceProfiles[].InstanceProfileName",
        "",
        "goes with its role",
    ),
    Kind("role", "iam", "list_roles", "Roles[].RoleName", "", IN_IAM),
)
KINDS = [kind.name for kind in TABLE]
FREE = frozenset({"role", "instance profile"})
"""They cost nothing, and who may not list them, as in a Learner Lab, has hardly made them."""


@dataclass(frozen=True)
class Found:
    """A resource that AWS has."""

    kind: Kind
    id: str
    deployment: str

    @property
    def removal(self) -> str:
        """What removes it."""
        return self.kind.removal.format(self.id)

    def __str__(self) -> str:
        return f"{self.kind.name} {self.id}"


@dataclass
class Answer:
    """What AWS said.

    Attributes:
        account: whose; empty if AWS does not say.
        region: where it was asked.
        found: the resources, in the order in which they are removed best.
        refused: by kind, the code of AWS's refusal, or why it could not be asked.
    """

    account: str
    region: str
    found: list[Found] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def is_sure(self) -> bool:
        """Whether nothing that costs can be there beside what was found."""
        return set(self.refused) <= FREE


def ask(session: boto3.session.Session, region: str, name: str | None = None) -> Answer:
    """Ask for each kind of resource of one deployment, or of all that are ours."""
    config = Config(connect_timeout=10, read_timeout=30, retries={"total_max_attempts": 3})
    make: Any = session.client
    clients = {
        service: make(service, region_name=region, config=config)
        for service in ("sts", *sorted({kind.service for kind in TABLE}))
    }
    answer = Answer("", region)
    # The account is only said; who refuses this refuses the rest.
    with suppress(BotoCoreError, ClientError, ResponseParserError):
        answer.account = str(clients["sts"].get_caller_identity()["Account"])
    for kind in TABLE:
        try:
            answer.found.extend(_found(kind, clients[kind.service], name))
        except ClientError as problem:
            answer.refused[kind.name] = str(problem.response.get("Error", {}).get("Code"))
        except (BotoCoreError, ResponseParserError) as problem:
            answer.refused[kind.name] = str(problem)
    return answer


def ask_until_settled(session: boto3.session.Session, region: str, name: str) -> Answer:
    """Ask after a removal, for as long as AWS may still list what is removed."""
    end = time.monotonic() + SETTLE_SECONDS
    while (answer := ask(session, region, name)).found and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    return answer


def _found(kind: Kind, client: Any, name: str | None) -> list[Found]:
    given: dict[str, Any] = {}
    if kind.id:
        tags = {"Project": PROJECT} | ({"Deployment": name} if name else {})
        given["Filters"] = [{"Name": f"tag:{key}", "Values": [tags[key]]} for key in tags]
    elif kind.name == "queue" and name:
        given["QueueNamePrefix"] = f"{name}-"
    call = kind.operation
    pages = (
        client.get_paginator(call).paginate(**given)
        if client.can_paginate(call)
        else [getattr(client, call)(**given)]
    )
    found = [one for page in pages for one in jmespath.search(kind.found, page) or []]
    if kind.id:
        deployment = "Tags[?Key=='Deployment'].Value | [0]"
        return [
            Found(kind, str(one[kind.id]), str(jmespath.search(deployment, one))) for one in found
        ]
    pattern = re.compile(f"(?P<deployment>{re.escape(name)}){_SUFFIX}") if name else _ANY
    named = ((str(one), pattern.match(str(one).rpartition("/")[2])) for one in found)
    return [Found(kind, one, match["deployment"]) for one, match in named if match]


def gone(answer: Answer, name: str) -> str:
    """Say what is not there, of the kinds that AWS answered for; empty if of none."""
    answered = [kind for kind in KINDS if kind not in answer.refused]
    if answer.found or not answered:
        return ""
    kinds = " or ".join(filter(None, [", ".join(answered[:-1]), answered[-1]]))
    account = f" of account {answer.account}" if answer.account else ""
    return f"Gone: in {answer.region}{account} there is no {kinds} of '{name}'."


def refusals(answer: Answer) -> str:
    """Say what AWS did not say; empty if nothing."""
    if not answer.refused:
        return ""
    reasons: dict[str, list[str]] = {}
    for kind, why in answer.refused.items():
        reasons.setdefault(why, []).append(kind)
    told = "; ".join(f"{', '.join(kinds)} ({why})" for why, kinds in reasons.items())
    return f"AWS does not say whether these are there in {answer.region}: {told}."


def list_found(answer: Answer) -> list[str]:
    """Name what is there and what removes it, a line each; nothing if nothing is."""
    if not answer.found:
        return []
    names = sorted({one.deployment for one in answer.found})
    account = f"account {answer.account}" if answer.account else "this account"
    wide = max(len(str(one)) for one in answer.found)
    return [
        f"In {account}, {answer.region}, AWS has of the deployment {' and '.join(names)}:",
        *(f"  {one!s:{wide}}  {one.removal}" for one in answer.found),
        (
            "`make down` in the checkout that made them removes them; without it what stands "
            f"beside them does, from the top (with AWS_REGION={answer.region})."
        ),
    ]
