"""Fault 11: credentials that expire, and permissions that are withdrawn."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.errors import Exit
from tests.faults.harness import Trial, seeds
from tests.pipeline import DETECTED, SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.emulator import Emulator

ALL = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
NAME = "fault-worker"


def allow(statements: list[dict[str, Any]]) -> str:
    """Return a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture
def instance(emulator: Emulator) -> str:
    """An instance with a profile, at the address that the workers call from."""
    iam, ec2 = emulator.client("iam"), emulator.client("ec2")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2"}}
    iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=allow([trust]))
    iam.put_role_policy(RoleName=NAME, PolicyName="all", PolicyDocument=allow(ALL))
    iam.create_instance_profile(InstanceProfileName=NAME)
    iam.add_role_to_instance_profile(InstanceProfileName=NAME, RoleName=NAME)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    started = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, IamInstanceProfile={"Name": NAME}
    )
    return str(started["Instances"][0]["InstanceId"])


@pytest.fixture
def user(emulator: Emulator) -> Iterator[dict[str, str]]:
    """A user who may do all, with keys; policies are enforced."""
    iam = emulator.client("iam")
    iam.create_user(UserName=NAME)
    iam.put_user_policy(UserName=NAME, PolicyName="all", PolicyDocument=allow(ALL))
    key = iam.create_access_key(UserName=NAME)["AccessKey"]
    emulator.enforce_iam()
    yield {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    emulator.enforce_iam(enforced=False)


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_credentials_that_expire(
    trial: Callable[..., Trial], emulator: Emulator, instance: str, seed: int
) -> None:
    """Credentials of 4 s, from the instance's metadata: they are renewed, by whatever way.

    botocore takes such short ones for an outage of the metadata and may keep
    them for minutes: then nothing succeeds, the worker ends with 75 after
    give_up_seconds, and its next start has new ones.
    """
    run = trial("11 credentials expire", seed, images=24)
    lifetime = {"credentials_lifetime_seconds": 4, "addresses": {"127.0.0.1": instance}}
    emulator.call("POST", "_carscribe/metadata", lifetime)
    run.environ(
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_EC2_METADATA_DISABLED",
        AWS_EC2_METADATA_SERVICE_ENDPOINT=emulator.url,
    )
    run.start_both(REKOGNITION_RATE_PER_SECOND="6", GIVE_UP_SECONDS="2")
    run.finish()
    for unit in run.units.values():
        assert set(unit.exits) <= {Exit.OK, Exit.TRANSIENT}
        assert "rekognition" in unit.logs
    run.judge()


@pytest.mark.parametrize("seed", seeds(1, 5))
@pytest.mark.parametrize("name", ["a", "b"])
def test_access_withdrawn(
    trial: Callable[..., Trial], emulator: Emulator, user: dict[str, str], name: str, seed: int
) -> None:
    """All permissions withdrawn in the middle: exit 77, no restart, no image blamed."""
    run = trial(f"11 {name.upper()} denied", seed)
    run.environ(**user)
    run.start_both(IDLE_TIMEOUT_SECONDS="6")  # and so no longer polls
    run.wait_for_log(name, DETECTED if name == "a" else SETTLED, 2)
    run.sleep(0, 0.5)
    emulator.client("iam").delete_user_policy(UserName=NAME, PolicyName="all")
    unit = run.units[name]
    assert unit.wait() == Exit.DENIED
    assert len(unit.exits) == 1, "restarted, though a restart cannot mend it"
    assert "give this role the permission" in unit.logs
    assert run.summary(name)["reason"] in unit.logs
    for other in run.units.values():
        # B may have been in a poll that was allowed still, in which nothing came.
        assert other.wait() in {Exit.OK, Exit.DENIED, Exit.INCOMPLETE}
    emulator.client("iam").put_user_policy(
        UserName=NAME, PolicyName="all", PolicyDocument=allow(ALL)
    )
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_images_forbidden(
    trial: Callable[..., Trial], emulator: Emulator, user: dict[str, str], seed: int
) -> None:
    """Only s3:GetObject withdrawn, which looks like each image's own fault: none is blamed."""
    run = trial("11 GetObject denied", seed)
    run.environ(**user)
    run.start_both()
    run.wait_for_log("a", DETECTED, 3)
    forbidden = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
    emulator.client("iam").put_user_policy(
        UserName=NAME, PolicyName="forbidden", PolicyDocument=allow([forbidden])
    )
    began = time.monotonic()
    assert run.units["a"].wait() == Exit.DENIED
    assert time.monotonic() - began < 30
    assert "s3:GetObject" in run.units["a"].logs
    assert run.summary("a")["failures"] == []
    run.units["b"].stop()
    run.note_in_flight("rekognition.DetectText")
    emulator.client("iam").delete_user_policy(UserName=NAME, PolicyName="forbidden")
    run.start_both()
    run.finish()
    run.judge()


def test_no_credentials(trial: Callable[..., Trial]) -> None:
    """Without any credentials the worker says so and is not started again."""
    run = trial("11 no credentials", 1, images=8)
    given = dict(run.pipeline.emulator.env)
    run.environ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    run.start_both()
    for unit in run.units.values():
        assert unit.wait() == Exit.DENIED
        assert "no AWS credentials were found" in unit.logs
    run.environ(**given)
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0
