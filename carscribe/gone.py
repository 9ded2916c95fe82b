"""What `make down` has removed, asked of the API itself and not of Terraform's memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from carscribe.terraform import State

Made = tuple[str, str]
"""A type of resource, as Terraform names it, and its id."""

_NOUNS = {
    "aws_ebs_volume": "volume",
    "aws_eip": "address",
    "aws_iam_instance_profile": "instance profile",
    "aws_iam_role": "role",
    "aws_instance": "instance",
    "aws_key_pair": "key pair",
    "aws_s3_bucket": "bucket",
    "aws_sqs_queue": "queue",
    "aws_subnet": "subnet",
    "aws_vpc": "network",
}


def made(state: State) -> list[Made]:
    """Return what a state holds that costs money, keeps data or opens a door."""
    return [(kind, attributes["id"]) for kind in _NOUNS for attributes in state.of_type(kind)]


def still_there(session: Any, resources: Iterable[Made]) -> list[Made]:
    """Return those of them that the API still knows."""
    ask = _questions(session)
    return [(kind, name) for kind, name in resources if _is_there(ask[kind], name)]


def sentence(resources: Iterable[Made]) -> str:
    """Say what they are: ``2 instances, 1 volume``."""
    counted = Counter(_NOUNS[kind] for kind, _ in resources)
    return ", ".join(
        f"{number} {_plural(noun) if number > 1 else noun}"
        for noun, number in sorted(counted.items())
    )


def _plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith("ss") else f"{noun}s"


def _is_there(ask: Callable[[str], Any], name: str) -> bool:
    try:
        return bool(ask(name))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in {"404", "NoSuchBucket", "NoSuchEntity"} or any(
            word in code for word in ("NotFound", "NonExistentQueue", "QueueDoesNotExist")
        ):
            return False
        raise


def _questions(session: Any) -> dict[str, Callable[[str], Any]]:
    ec2, iam = session.client("ec2"), session.client("iam")
    s3, sqs = session.client("s3"), session.client("sqs")

    def instances(name: str) -> Iterator[str]:
        for reservation in ec2.describe_instances(InstanceIds=[name])["Reservations"]:
            for instance in reservation["Instances"]:
                if instance["State"]["Name"] != "terminated":
                    yield name

    return {
        "aws_ebs_volume": lambda name: ec2.describe_volumes(VolumeIds=[name])["Volumes"],
        "aws_eip": lambda name: ec2.describe_addresses(AllocationIds=[name])["Addresses"],
        "aws_iam_instance_profile": lambda name: iam.get_instance_profile(InstanceProfileName=name),
        "aws_iam_role": lambda name: iam.get_role(RoleName=name),
        "aws_instance": lambda name: list(instances(name)),
        "aws_key_pair": lambda name: ec2.describe_key_pairs(KeyNames=[name])["KeyPairs"],
        "aws_s3_bucket": lambda name: s3.head_bucket(Bucket=name),
        "aws_sqs_queue": lambda name: sqs.get_queue_attributes(QueueUrl=name),
        "aws_subnet": lambda name: ec2.describe_subnets(SubnetIds=[name])["Subnets"],
        "aws_vpc": lambda name: ec2.describe_vpcs(VpcIds=[name])["Vpcs"],
    }
