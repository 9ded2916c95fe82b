"""What is left after a destroy: what was there before, and nothing else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import boto3
import pytest

from carscribe import removal
from carscribe.leftovers import KINDS
from tests import operator_policy
from tests.terraform.deployments import everything

if TYPE_CHECKING:
    from tests.terraform.conftest import World

pytestmark = pytest.mark.timeout(600)  # the first one waits for all applies


def test_every_kind_of_resource_is_asked_for(world: World) -> None:
    """The deployments made something of each kind that the next test looks for."""
    world.finish()
    unchanged = [kind for kind, found in world.made.items() if not found - world.before[kind]]
    assert unchanged == []


def test_an_apply_that_fails_halfway_knows_what_it_made(world: World) -> None:
    """A profile that is not there is told when the hosts are made, with all else in the state."""
    world.finish()
    failing = world.deployments["failing"]
    assert world.exit_codes["failing"] == 1
    assert "Error: creating EC2 Instance" in failing.said, failing.said
    made = [url for url in world.made["queues"] if "/failing-indexes-" in url]
    assert len(made) == 1
    assert made[0] in (failing.folder / "terraform.tfstate").read_text()
    assert not failing.inventory.exists()


def test_destroy_leaves_what_was_there_before(world: World) -> None:
    """Four destroys leave an account as it was: an existing bucket with all its objects too.

    Objects that somebody else put into a bucket of the deployment go with it,
    and a private key that is gone by now is no obstacle.
    """
    deployments = [*(world[name] for name in ("own", "lab", "given")), world.deployments["failing"]]
    s3 = world.emulator.client("s3")
    s3.put_object(Bucket=world["own"].outputs["bucket"], Key="by-hand.jpg", Body=b"by hand")
    for name in ("key", "key.pub"):
        (deployments[0].folder.parent / name).unlink()
    world.emulator.call("POST", "_carscribe/reset")
    for deployment in deployments:
        deployment.start("destroy")
    for deployment in deployments:
        assert deployment.wait() == 0, deployment.said
    world.called |= operator_policy.names(world.emulator.counts())
    for deployment in deployments:
        assert "Once more" not in deployment.said
        assert not deployment.inventory.exists()
    left = everything(world.emulator)
    assert {kind: left[kind] - world.before[kind] for kind in left} == {
        kind: set() for kind in left
    }
    assert left == world.before


def test_a_second_destroy_has_nothing_to_do(world: World) -> None:
    """Destroying what is gone is no error, and says what was looked for."""
    assert world["own"].run("destroy") == 0
    assert world["own"].said == (
        "Gone: in us-east-1 of account 123456789012 there is no instance, volume, Elastic IP, "
        "key pair, bucket, queue, endpoint, security group, subnet, route table, internet gateway, VPC, instance profile or "
        "role of 'own'.\n"
    )


def test_what_terraform_does_not_know_is_told(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A volume and a queue that an interrupted apply may leave are named, others' are not."""
    ec2, sqs = world.emulator.client("ec2"), world.emulator.client("sqs")
    volumes = [
        ec2.create_volume(
            AvailabilityZone="us-east-1a",
            Size=1,
            TagSpecifications=[
                {
                    "ResourceType": "volume",
                    "Tags": [
                        {"Key": "Project", "Value": "carscribe"},
                        {"Key": "Deployment", "Value": name},
                    ],
                }
            ],
        )["VolumeId"]
        for name in ("own", "owner")
    ]
    queues = [
        sqs.create_queue(QueueName=name)["QueueUrl"]
        for name in ("own-indexes-1", "owner-indexes-1")
    ]
    for name, value in world.emulator.env.items():
        monkeypatch.setenv(name, value)
    session = boto3.session.Session()
    look = partial(removal.say_what_is_left, session, "own", "us-east-1", removed=False)
    assert look(is_lasting=False) == 0
    assert capsys.readouterr().out == (
        f"Terraform does not know of volume {volumes[0]}, queue {queues[0]}: "
        "gone when the emulator ends.\n"
    )
    assert look(is_lasting=True) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "In account 123456789012, us-east-1, AWS has of the deployment own:"
    assert [line.split()[1] for line in said[1:-1]] == [volumes[0], queues[0]]
    assert said[1].endswith(f"  aws ec2 delete-volume --volume-id {volumes[0]}")


def test_every_kind_of_a_deployment_would_be_found(world: World) -> None:
    """While a deployment is up, it shows under each kind that is looked for."""
    world.finish()
    assert {found.kind.name for found in world.found} == set(KINDS)
    assert {found.deployment for found in world.found} == {"own"}


NO_CALL_SHOWS = {
    # Asked for with another action: tags that are set while something is made, a role
    # that a host gets, the AMI that EC2 looks up itself, and objects that are deleted
    # together by their version, which is "null" in a bucket without versions.
    "iam:PassRole",
    "iam:TagInstanceProfile",
    "iam:TagRole",
    "s3:DeleteObjectVersion",
    "s3:PutObjectTagging",
    "sqs:TagQueue",
    "ssm:GetParameters",
}
OF_OTHER_COMMANDS = {
    "ec2:ModifyVolume",  # a larger volume
    "ec2:StartInstances",  # waking.py
    "iam:SimulatePrincipalPolicy",  # doctor.py, and the four below
    "rekognition:DetectLabels",
    "rekognition:DetectText",
    "servicequotas:ListAWSDefaultServiceQuotas",
    "servicequotas:ListServiceQuotas",
}


def test_what_was_called_is_what_the_operator_may_do(world: World) -> None:
    """docs/operator-policy.json allows what up and down asked for, and nothing that nobody needs."""
    world.finish()
    assert operator_policy.refused(world.called) == set()
    allowed_beside = NO_CALL_SHOWS | OF_OTHER_COMMANDS
    assert sorted(operator_policy.unused(world.called)) == sorted(allowed_beside)
