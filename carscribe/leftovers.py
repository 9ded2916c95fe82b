"""What AWS still has of a deployment, found by its tags and names and not by Terraform's state.

An apply that is cut short can leave what its state does not know: a request
was on its way when Terraform stopped waiting for the answer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

GONE = {"deleted", "deleting", "shutting-down", "terminated"}
REFUSALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
IDENTITIES = {"role", "instance profile"}
"""They cost nothing, and who may not list them, as in a Learner Lab, has hardly made them."""
# Kind, operation, list in the answer, id in the list.
TAGGED = (
    ("instance", "describe_instances", "Reservations[].Instances", "InstanceId"),
    ("volume", "describe_volumes", "Volumes", "VolumeId"),
    ("Elastic IP", "describe_addresses", "Addresses", "AllocationId"),
    ("key pair", "describe_key_pairs", "KeyPairs", "KeyName"),
    ("endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("security group", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("subnet", "describe_subnets", "Subnets", "SubnetId"),
    ("route table", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("internet gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("VPC", "describe_vpcs", "Vpcs", "VpcId"),
)
KINDS = [kind for kind, *_ in TAGGED] + ["bucket", "queue", "role", "instance profile"]


class Asked(NamedTuple):
    """What AWS said.

    Attributes:
        found: one line for each resource of the deployment that is there.
        refused: by kind, the code of AWS's refusal to say.
    """

    found: list[str]
    refused: dict[str, str]


def leftovers(name: str, region: str) -> Asked:
    """Ask for each kind of resource of the deployment of this name.

    Raises:
        BotoCoreError, ClientError: AWS cannot be asked.
    """
    questions: dict[str, Callable[[], list[str]]] = {
        kind: partial(_tagged, name, region, *question) for kind, *question in TAGGED
    }
    questions["bucket"] = partial(_buckets, name, region)
    questions["queue"] = partial(_queues, name, region)
    questions["role"] = partial(_identities, name, region, "list_roles", "Roles", "RoleName")
    questions["instance profile"] = partial(
        _identities,
        name,
        region,
        "list_instance_profiles",
        "InstanceProfiles",
        "InstanceProfileName",
    )
    answer = Asked([], {})
    for kind, ask in questions.items():
        try:
            answer.found.extend(f"{kind} {one}" for one in ask())
        except ClientError as problem:
            code = str(problem.response.get("Error", {}).get("Code"))
            if code not in REFUSALS:
                raise
            answer.refused[kind] = code
    return answer


def _client(service: str, region: str) -> Any:
    make: Any = boto3.client
    return make(service, region_name=region)


def _tagged(name: str, region: str, operation: str, where: str, id_name: str) -> list[str]:
    filters = [
        {"Name": "tag:Project", "Values": ["carscribe"]},
        {"Name": "tag:Deployment", "Values": [name]},
    ]
    answer = getattr(_client("ec2", region), operation)(Filters=filters)
    return [str(one[id_name]) for one in _listed(answer, where) if _state_of(one) not in GONE]


def _listed(answer: dict[str, Any], where: str) -> list[dict[str, Any]]:
    outer, _, inner = where.partition("[].")
    if not inner:
        return list(answer[outer])
    return [one for group in answer[outer] for one in group[inner]]


def _state_of(one: dict[str, Any]) -> str:
    state = one.get("State", "")
    return str(state.get("Name") if isinstance(state, dict) else state).lower()


def _buckets(name: str, region: str) -> list[str]:
    answer = _client("s3", region).list_buckets()
    names = [str(bucket["Name"]) for bucket in answer["Buckets"]]
    return [one for one in names if one.startswith(f"{name}-images-")]


def _queues(name: str, region: str) -> list[str]:
    sqs = _client("sqs", region)
    return [
        str(url)
        for kind in ("indexes", "dead-letter")
        for url in sqs.list_queues(QueueNamePrefix=f"{name}-{kind}-").get("QueueUrls", [])
    ]


def _identities(name: str, region: str, operation: str, where: str, id_name: str) -> list[str]:
    pages = _client("iam", region).get_paginator(operation).paginate()
    names = [str(one[id_name]) for page in pages for one in page[where]]
    return [one for one in names if one.startswith(f"{name}-worker-")]
