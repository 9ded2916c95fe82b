"""The instance metadata service: tokens first, then the instance's own answers."""

from __future__ import annotations

import http.client
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from emulator.metadata import Metadata
from tests import signing
from tests.emulator import Emulator, start
from tests.integration.emulator.cloud import allow, make_instance, make_role
from tests.samples import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator

TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"  # a header's name
ROLE = "worker-a"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for this file: EC2 takes a second after each reset."""
    with start(tmp_path_factory.mktemp("metadata")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def made(emulator: Emulator) -> dict[str, Any]:
    """An instance with a role that may read the bucket."""
    make_role(emulator, ROLE, allow(("s3:GetObject", f"arn:aws:s3:::{BUCKET}/*")))
    return make_instance(emulator, ROLE)


@pytest.fixture
def instance(emulator: Emulator, made: dict[str, Any]) -> dict[str, Any]:
    """The instance, which asks from 127.0.0.1."""
    emulator.enforce_iam(enforced=False)
    give_address(emulator, "127.0.0.1", made)
    return made


def give_address(emulator: Emulator, address: str, instance: dict[str, Any]) -> None:
    """Let requests from an address count as the instance's."""
    value = {"addresses": {address: instance["InstanceId"]}}
    emulator.call("POST", "_carscribe/metadata", value)


def ask(
    emulator: Emulator,
    path: str,
    method: str = "GET",
    source: str = "127.0.0.1",
    **headers: str,
) -> tuple[int, str]:
    """Ask from an address of this machine; return status and body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(
        "127.0.0.1", emulator.port, timeout=10, source_address=(source, 0)
    )
    connection.request(method, f"/latest/{path}", headers=named)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def token_of(emulator: Emulator, ttl: str = "60", source: str = "127.0.0.1") -> str:
    """Fetch a token."""
    status, token = ask(emulator, "api/token", "PUT", source, **{TTL: ttl})
    assert status == 200
    return token


def read(emulator: Emulator, path: str) -> str:
    """Read a path with a token."""
    status, body = ask(emulator, path, **{TOKEN: token_of(emulator)})
    assert status == 200, path
    return body


@pytest.mark.usefixtures("instance")
def test_nothing_is_told_without_a_token(emulator: Emulator) -> None:
    """Version 1 is off: no token, a wrong one and an expired one are 401."""
    assert ask(emulator, "meta-data/instance-id")[0] == 401
    assert ask(emulator, "meta-data/instance-id", **{TOKEN: "wrong"})[0] == 401
    token = token_of(emulator, ttl="1")
    assert ask(emulator, "meta-data/instance-id", **{TOKEN: token})[0] == 200
    time.sleep(1.05)
    assert ask(emulator, "meta-data/instance-id", **{TOKEN: token})[0] == 401


@pytest.mark.usefixtures("instance")
@pytest.mark.parametrize(
    ("ttl", "status"),
    [("1", 200), ("21600", 200), ("0", 400), ("21601", 400), ("x", 400), ("-1", 400), ("", 400)],
)
def test_a_token_lives_from_a_second_to_six_hours(
    emulator: Emulator, ttl: str, status: int
) -> None:
    """The time to live is demanded and checked."""
    assert ask(emulator, "api/token", "PUT", **{TTL: ttl})[0] == status


@pytest.mark.usefixtures("instance")
def test_a_token_is_not_given_through_a_proxy_or_by_get(emulator: Emulator) -> None:
    """X-Forwarded-For and other methods are refused."""
    headers = {TTL: "60", "X_Forwarded_For": "10.0.0.1"}
    assert ask(emulator, "api/token", "PUT", **headers)[0] == 403
    assert ask(emulator, "api/token", "GET", **{TTL: "60"})[0] == 405


def test_nobody_is_an_instance_by_an_address_of_loopback(
    emulator: Emulator, instance: dict[str, Any]
) -> None:
    """Any account of this machine can ask from an Elastic IP, which is such an address here."""
    emulator.call("POST", "_carscribe/metadata", {"addresses": {}})
    assert ask(emulator, "api/token", "PUT", **{TTL: "60"})[0] == 404
    ec2 = emulator.client("ec2")
    elastic = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=instance["InstanceId"])
    assert ask(emulator, "api/token", "PUT", elastic["PublicIp"], **{TTL: "60"})[0] == 404


@pytest.mark.parametrize(
    ("client", "server", "found"),
    [
        ("own", "10.99.1.1", True),
        ("own", "127.0.0.1", False),  # its private address, but not on the hosts' bridge
        ("own", "10.98.0.1", False),
        ("10.99.1.77", "10.99.1.1", False),
        ("10.99.1.1", "10.99.1.1", False),  # another account of this machine
    ],
)
def test_an_instance_is_known_by_its_private_address_in_its_own_subnet(
    client: str, server: str, found: bool
) -> None:
    """There nobody else of this machine can take an address."""
    ec2 = ec2_backends[DEFAULT_ACCOUNT_ID]["eu-north-1"]
    subnet = ec2.create_subnet(ec2.create_vpc("10.99.0.0/16").id, "10.99.1.0/24")
    made = ec2.run_instances(
        "ami-1",
        1,
        None,
        ["default"],
        subnet_id=subnet.id,
        is_instance_type_default=True,
    ).instances[0]
    asked = signing.request(
        "PUT",
        "/latest/api/token",
        client=made.private_ip if client == "own" else client,
        server=server,
        given={TTL: "60"},
    )
    answer = Metadata("eu-north-1").answer(asked)
    made.terminate()
    assert answer.status == (200 if found else 404)


def test_a_token_is_its_instances_alone(emulator: Emulator, instance: dict[str, Any]) -> None:
    """Another instance's token is worth nothing."""
    token = token_of(emulator)
    make_role(emulator, "worker-b", allow(("s3:GetObject", "*")))
    other = make_instance(emulator, "worker-b")
    assert other["InstanceId"] != instance["InstanceId"]
    give_address(emulator, "127.0.0.1", other)
    assert ask(emulator, "meta-data/instance-id", **{TOKEN: token})[0] == 401
    assert read(emulator, "meta-data/iam/security-credentials/") == "worker-b"


def test_readers_find_what_they_ask(emulator: Emulator, instance: dict[str, Any]) -> None:
    """What cloud-init and the SDKs ask is answered from the instance itself."""
    assert read(emulator, "meta-data/instance-id") == instance["InstanceId"]
    assert read(emulator, "meta-data/local-ipv4") == instance["PrivateIpAddress"]
    assert read(emulator, "meta-data/instance-type") == "t3.micro"
    assert read(emulator, "meta-data/placement/region") == "us-east-1"
    zone = instance["Placement"]["AvailabilityZone"]
    assert read(emulator, "meta-data/placement/availability-zone") == zone
    assert read(emulator, "meta-data/public-keys/") == f"0={ROLE}-key"
    assert read(emulator, "meta-data/public-keys/0/openssh-key").startswith("ssh-ed25519 AAAA")
    assert (
        f":instance-profile/{ROLE}"
        in json.loads(read(emulator, "meta-data/iam/info"))["InstanceProfileArn"]
    )
    document = json.loads(read(emulator, "dynamic/instance-identity/document"))
    assert (document["instanceId"], document["region"]) == (instance["InstanceId"], "us-east-1")
    listing = read(emulator, "meta-data/").splitlines()
    assert {"instance-id", "iam/", "placement/", "public-keys/"} <= set(listing)
    token = token_of(emulator)
    assert ask(emulator, "meta-data/no-such", **{TOKEN: token})[0] == 404
    assert ask(emulator, "user-data", **{TOKEN: token})[0] == 404


@pytest.mark.usefixtures("image", "instance")
def test_botocore_finds_the_instances_role_and_its_policies_hold(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ordinary provider chain signs as the role: what it may works, the rest is denied."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", emulator.url)
    emulator.enforce_iam()
    session = boto3.session.Session(region_name="us-east-1")
    found: Any = session.get_credentials()
    assert found.method == "iam-role"
    assert found.access_key.startswith("ASIA")
    s3 = session.client("s3", endpoint_url=emulator.url)
    assert s3.get_object(Bucket=BUCKET, Key="1.jpg")["Body"].read()
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=BUCKET)


@pytest.mark.usefixtures("instance")
def test_credentials_expire_and_new_ones_are_given(emulator: Emulator) -> None:
    """Within the lifetime they stay the same; before its end there are new ones."""
    path = f"meta-data/iam/security-credentials/{ROLE}"
    emulator.call("POST", "_carscribe/metadata", {"credentials_lifetime_seconds": 2})
    first = json.loads(read(emulator, path))
    ends = datetime.strptime(first["Expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert -1 <= (ends - datetime.now(UTC)).total_seconds() <= 2
    assert json.loads(read(emulator, path))["AccessKeyId"] == first["AccessKeyId"]
    time.sleep(1.6)
    assert json.loads(read(emulator, path))["AccessKeyId"] != first["AccessKeyId"]


@pytest.mark.usefixtures("instance")
def test_an_instance_without_a_profile_has_no_credentials(emulator: Emulator) -> None:
    """There is no role to list, and the rest is answered all the same."""
    made = emulator.client("ec2").run_instances(
        ImageId=emulator.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"],
        MinCount=1,
        MaxCount=1,
    )["Instances"][0]
    give_address(emulator, "127.0.0.1", made)
    assert read(emulator, "meta-data/instance-id") == made["InstanceId"]
    token = token_of(emulator)
    assert ask(emulator, "meta-data/iam/security-credentials/", **{TOKEN: token})[0] == 404
