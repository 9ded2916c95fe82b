"""What the emulator's EC2 API says of instances, their addresses and their volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator.hosts.errors import HostsError

if TYPE_CHECKING:
    from collections.abc import Iterable

RUNNING = frozenset({"pending", "running"})
ROOT_DEVICES = frozenset({"/dev/sda1", "/dev/xvda"})
STOPPED = frozenset({"stopping", "stopped"})


@dataclass(frozen=True)
class Volume:
    """An EBS volume that is attached to an instance."""

    id: str
    device: str  # as attached: /dev/sdf
    size_gib: int


@dataclass(frozen=True)
class Instance:
    """An instance that has not been terminated."""

    id: str
    name: str
    state: str
    address: str
    subnet_cidr: str
    elastic_address: str | None
    public_key: str | None
    volumes: tuple[Volume, ...]

    @property
    def wanted(self) -> bool:
        """Tell whether its host should be up."""
        return self.state in RUNNING

    def answers_to(self, role: str) -> bool:
        """Tell whether a person means this instance by that name."""
        return role in {self.id, self.name} or self.name.endswith(f"-{role}")


@dataclass(frozen=True)
class Snapshot:
    """What exists in the API at one moment."""

    instances: tuple[Instance, ...]
    volume_ids: frozenset[str]

    def find(self, role: str) -> Instance:
        """Return the instance of that role, name or id."""
        for instance in self.instances:
            if instance.answers_to(role):
                return instance
        known = ", ".join(sorted(instance.name for instance in self.instances)) or "none"
        raise HostsError(f"There is no host '{role}'; the hosts are: {known}.")


def states(ec2: Any) -> dict[str, str]:
    """Return the state of each instance by its id, with a single call."""
    return {item["InstanceId"]: item["State"]["Name"] for item in _instances(ec2)}


def snapshot(ec2: Any) -> Snapshot:
    """Ask the API for all that the hosts are made from."""
    subnets = {item["SubnetId"]: item["CidrBlock"] for item in ec2.describe_subnets()["Subnets"]}
    keys = {
        item["KeyName"]: item.get("PublicKey")
        for item in ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    }
    elastic = {
        item["InstanceId"]: item["PublicIp"]
        for item in ec2.describe_addresses()["Addresses"]
        if item.get("InstanceId")
    }
    sizes = {
        item["VolumeId"]: item["Size"]
        for page in ec2.get_paginator("describe_volumes").paginate()
        for item in page["Volumes"]
    }
    found = [
        Instance(
            id=item["InstanceId"],
            name=_name(item),
            state=item["State"]["Name"],
            address=item["PrivateIpAddress"],
            subnet_cidr=subnets[item["SubnetId"]],
            elastic_address=elastic.get(item["InstanceId"]),
            public_key=keys.get(item.get("KeyName", "")),
            volumes=_volumes(item, sizes),
        )
        for item in _instances(ec2)
        if item["State"]["Name"] in RUNNING | STOPPED
    ]
    return Snapshot(
        instances=tuple(sorted(found, key=lambda instance: (instance.name, instance.id))),
        volume_ids=frozenset(sizes),
    )


def _instances(ec2: Any) -> Iterable[dict[str, Any]]:
    for page in ec2.get_paginator("describe_instances").paginate():
        for reservation in page["Reservations"]:
            yield from reservation["Instances"]


def _name(item: dict[str, Any]) -> str:
    tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])}
    return tags.get("Name") or str(item["InstanceId"])


def _volumes(item: dict[str, Any], sizes: dict[str, int]) -> tuple[Volume, ...]:
    """Return the attached volumes but for the root volume, which is the container's own layer."""
    return tuple(
        Volume(
            id=mapping["Ebs"]["VolumeId"],
            device=mapping["DeviceName"],
            size_gib=sizes[mapping["Ebs"]["VolumeId"]],
        )
        for mapping in sorted(item["BlockDeviceMappings"], key=lambda entry: entry["DeviceName"])
        if mapping["DeviceName"] not in ROOT_DEVICES | {item.get("RootDeviceName")}
        and mapping["Ebs"]["VolumeId"] in sizes
    )
