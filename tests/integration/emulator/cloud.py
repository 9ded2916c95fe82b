"""Roles, profiles and instances, made as Terraform makes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.config import Config

if TYPE_CHECKING:
    from tests.emulator import Emulator

ACCOUNT = "123456789012"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def allow(*statements: tuple[str, str]) -> str:
    """Write a policy of actions and the resources they are allowed on."""
    found = [{"Effect": "Allow", "Action": a, "Resource": r} for a, r in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": found})


def make_role(emulator: Emulator, name: str, policy: str) -> str:
    """Make a role with one inline policy; return its ARN."""
    iam = emulator.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    return str(role["Role"]["Arn"])


def assume(emulator: Emulator, arn: str, **options: Any) -> dict[str, Any]:
    """Take a role on, for as short a time as a test likes; return how a client signs as it."""
    sts = emulator.client("sts", config=Config(parameter_validation=False))
    answer = sts.assume_role(RoleArn=arn, RoleSessionName="test", **options)
    made = answer["Credentials"]
    return {
        "key": made["AccessKeyId"],
        "secret": made["SecretAccessKey"],
        "token": made["SessionToken"],
    }


def make_instance(emulator: Emulator, role_name: str) -> dict[str, Any]:
    """Make a key pair, a profile of the role, and an instance with both; describe it."""
    iam, ec2 = emulator.client("iam"), emulator.client("ec2")
    iam.create_instance_profile(InstanceProfileName=role_name)
    iam.add_role_to_instance_profile(InstanceProfileName=role_name, RoleName=role_name)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEaf2eHYtZ8bsWyiz1vdFPpZ0DtWoBBXcqxsTB5yKqPi"
    ec2.import_key_pair(KeyName=f"{role_name}-key", PublicKeyMaterial=key.encode())
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        KeyName=f"{role_name}-key",
        IamInstanceProfile={"Name": role_name},
    )["Instances"][0]
    return dict(made)
