"""Deployments on one emulator, made side by side: nearly all of an apply is waiting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = {"photos/2024/1.jpg": b"one", "photos/2025/2.jpg": b"two"}
SECONDS = 540
DENIED_IN_A_LAB = "s3:GetBucketObjectLockConfiguration"


@dataclass
class Deployment:
    """One state, the variables that make it, and who does."""

    name: str
    folder: Path
    emulator: Emulator
    variables: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    caller: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def inventory(self) -> Path:
        """The Ansible inventory."""
        return self.folder / "inventory.yml"

    def command(self, command: str, *arguments: str) -> list[str]:
        """Return the command line, as the Makefile would write it."""
        known = {
            "name": self.name,
            "inventory_file": str(self.inventory),
            "known_hosts_file": str(self.folder / "known_hosts"),
            "ssh_public_key_file": str(self.folder.parent / "key.pub"),
            "ssh_private_key_file": str(self.folder.parent / "key"),
            **self.variables,
        }
        given = [f"-var={name}={value}" for name, value in known.items()]
        head = [sys.executable, "-m", "carscribe", "terraform", command, "--target", "local"]
        tail = given if command in {"plan", "apply"} else []
        return [*head, *self.options, "--state-dir", str(self.folder), *tail, *arguments]

    def start(self, command: str, *arguments: str) -> None:
        """Begin a command; what it says goes to a file, which is never full."""
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self.command(command, *arguments),
                cwd=ROOT,
                env=environment(self.emulator, **self.caller),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> int:
        """Wait for its end; what it said is in `said`."""
        assert self.process is not None
        return self.process.wait(SECONDS)

    @property
    def said(self) -> str:
        """What the last command said."""
        return self.log.read_text()

    @property
    def log(self) -> Path:
        """Where it is said."""
        return self.folder / "log.txt"

    def run(self, command: str, *arguments: str) -> int:
        """Run a command to its end."""
        self.start(command, *arguments)
        return self.wait()

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """Terraform's outputs after the apply."""
        assert self.run("output", "-json") == 0, self.said
        return {name: output["value"] for name, output in json.loads(self.said).items()}


def environment(emulator: Emulator, **more: str) -> dict[str, str]:
    """Return what a shell has on a machine that talks to the emulator."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "TF_VAR_"))}
    return {**kept, **emulator.env, **more}


def prepare_account(emulator: Emulator) -> str:
    """Make what a Learner Lab and an organization have already; return the subnet."""
    iam, s3, ec2 = (emulator.client(service) for service in ("iam", "s3", "ec2"))
    iam.create_role(RoleName="LabRole", AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName="LabInstanceProfile")
    iam.add_role_to_instance_profile(InstanceProfileName="LabInstanceProfile", RoleName="LabRole")
    ec2.create_key_pair(KeyName="vockey")
    s3.create_bucket(Bucket="my-photos")
    for key, body in PHOTOS.items():
        s3.put_object(Bucket="my-photos", Key=key, Body=body)
    vpc = ec2.create_vpc(CidrBlock="192.168.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="192.168.7.0/24")["Subnet"]
    return str(subnet["SubnetId"])


def all_but(*actions: str) -> str:
    """Return a policy that allows everything but these actions."""
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    denied = {"Effect": "Deny", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed, denied]})


def in_a_lab(emulator: Emulator) -> dict[str, str]:
    """Return the credentials of a Learner Lab's user, who may not ask for a bucket's lock."""
    iam, sts = emulator.client("iam"), emulator.client("sts")
    iam.create_role(RoleName="voclabs", AssumeRolePolicyDocument="{}")
    policy = all_but(DENIED_IN_A_LAB)
    iam.put_role_policy(RoleName="voclabs", PolicyName="p", PolicyDocument=policy)
    credentials = sts.assume_role(
        RoleArn="arn:aws:iam::123456789012:role/voclabs", RoleSessionName="user123=me"
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def everything(emulator: Emulator) -> dict[str, set[str]]:
    """Ask the emulator for every kind of resource that the configuration can make."""
    ec2, iam, s3, sqs = (emulator.client(service) for service in ("ec2", "iam", "s3", "sqs"))
    instances = [
        instance
        for reservation in ec2.describe_instances()["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] != "terminated"
    ]
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    tables = ec2.describe_route_tables()["RouteTables"]
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    there = [endpoint for endpoint in endpoints if endpoint["State"].lower() != "deleted"]
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    return {
        "instances": {instance["InstanceId"] for instance in instances},
        "volumes": _ids(ec2.describe_volumes()["Volumes"], "VolumeId"),
        "addresses": _ids(ec2.describe_addresses()["Addresses"], "AllocationId"),
        "interfaces": _ids(
            ec2.describe_network_interfaces()["NetworkInterfaces"], "NetworkInterfaceId"
        ),
        "key pairs": _ids(ec2.describe_key_pairs()["KeyPairs"], "KeyName"),
        "vpcs": _ids(ec2.describe_vpcs()["Vpcs"], "VpcId"),
        "subnets": _ids(ec2.describe_subnets()["Subnets"], "SubnetId"),
        "gateways": _ids(ec2.describe_internet_gateways()["InternetGateways"], "InternetGatewayId"),
        "route tables": _ids(tables, "RouteTableId"),
        "routes": {str(route) for table in tables for route in table["Routes"]},
        "endpoints": _ids(there, "VpcEndpointId"),
        "security groups": _ids(ec2.describe_security_groups()["SecurityGroups"], "GroupId"),
        "security group rules": _ids(rules, "SecurityGroupRuleId"),
        "roles": set(roles),
        "role policies": {
            f"{role}/{policy}"
            for role in roles
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
        },
        "instance profiles": _ids(
            iam.list_instance_profiles()["InstanceProfiles"], "InstanceProfileName"
        ),
        "buckets": set(buckets),
        "objects": {
            f"{bucket}/{found['Key']} {found['ETag']}"
            for bucket in buckets
            for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        },
        "queues": set(sqs.list_queues().get("QueueUrls", [])),
    }


def _ids(found: list[dict[str, Any]], name: str) -> set[str]:
    return {str(one[name]) for one in found}
