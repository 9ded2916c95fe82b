"""Each patch of moto is needed still: where one of these fails, moto does it itself now."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# In a process of its own, for this one has the patches.
PROGRAM = """
import json
import re
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance
from moto.ec2.responses.instances import InstanceResponse
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.s3.urls import url_paths
from moto.ssm.models import ssm_backends
from moto.sts.models import sts_backends

found = {}
sts = sts_backends[DEFAULT_ACCOUNT_ID]["aws"]
found["identities: the root is the root"] = sts.get_caller_identity("x", "us-east-1")[1].endswith(
    ":root"
)
ec2 = ec2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]
found["machines: Debian's AMI"] = any(ami.owner_id == "136693071363" for ami in ec2.amis.values())
try:
    name = "/aws/service/debian/release/12/latest/amd64"
    found["machines: Debian's parameter"] = bool(
        ssm_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].get_parameter(name)
    )
except Exception:
    found["machines: Debian's parameter"] = False
try:
    InstanceResponse._validate_block_device_mapping(
        {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True}}
    )
    found["machines: a root volume without a size"] = True
except Exception:
    found["machines: a root volume without a size"] = False
subnet = ec2.create_subnet(ec2.create_vpc("10.99.0.0/16").id, "10.99.1.0/24")
made = ec2.run_instances(
    next(iter(ec2.amis)), 1, None, ["default"], subnet_id=subnet.id, is_instance_type_default=True
).instances[0]
interfaces = len(ec2.enis)
made.terminate()
found["machines: an interface goes with its instance"] = len(ec2.enis) < interfaces
made.reboot()
found["reboots: a count of reboots"] = any("reboot" in name for name in vars(made))
found["paths: a key with a newline"] = any(
    re.fullmatch(path.replace("{0}", ""), "/bucket/a\\nb") for path in url_paths if "key" in path
)
denied = {
    "Effect": "Deny", "Action": "s3:*", "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
found["policies: a statement whose condition does not hold says nothing"] = (
    IAMPolicyStatement(denied).is_action_permitted("s3:GetObject", "*") is PermissionResult.NEUTRAL
)
allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/a.b"}
found["policies: a dot is a dot"] = (
    IAMPolicyStatement(allowed).is_action_permitted("s3:GetObject", "arn:aws:s3:::b/a-b")
    is PermissionResult.NEUTRAL
)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def done_by_moto() -> dict[str, bool]:
    """What moto does without any patch."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    "patch",
    [
        "identities: the root is the root",
        "machines: Debian's AMI",
        "machines: Debian's parameter",
        "machines: a root volume without a size",
        "machines: an interface goes with its instance",
        "paths: a key with a newline",
        "policies: a statement whose condition does not hold says nothing",
        "policies: a dot is a dot",
        "reboots: a count of reboots",
    ],
)
def test_moto_needs_it_still(done_by_moto: dict[str, bool], patch: str) -> None:
    """Take the patch away when this fails."""
    assert done_by_moto[patch] is False


def test_a_start_does_not_wait_for_ec2() -> None:
    """What takes a second to import, and who asks for no host never needs, is not imported."""
    program = "import sys, emulator.server as s; s.moto_patches.apply(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert "moto.iam.models" in done.stdout.split()
    assert "moto.ec2.models" not in done.stdout.split()
