"""A Learner Lab's bucket: made before Terraform is asked, never twice, and removed by `make down`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from carscribe import bucket
from tests.emulator import Emulator, start
from tests.terraform.checkout import ROOT, Checkout
from tests.terraform.deployments import DENIED_IN_A_LAB, all_but, in_a_lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UPLOADED = '-target=aws_s3_object.image["1.jpg"]'
NETWORKS = {"TF_VAR_ssh_ingress_cidrs": '["203.0.113.7/32"]'}


class Lab:
    """A checkout of somebody in a lab, and what the account has.

    Args:
        checkout: where the commands are said.
        caller: the lab's credentials.
    """

    def __init__(self, checkout: Checkout, caller: dict[str, str]) -> None:
        self.checkout, self.caller = checkout, caller
        self.s3: Any = checkout.emulator.client("s3")

    def apply(self, checkout: Checkout | None = None) -> tuple[int, str]:
        """Make as much as has to do with the bucket."""
        words = ("terraform", "apply", "--lab", UPLOADED)
        return (checkout or self.checkout).python("carscribe", *words, **self.caller, **NETWORKS)

    def made(self) -> str:
        """Make it; return the bucket's name."""
        code, said = self.apply()
        assert code == 0, said
        [name] = self.buckets()
        return name

    def down(self, *words: str, checkout: Checkout | None = None) -> tuple[int, str]:
        """Say `make down`."""
        return (checkout or self.checkout).python("carscribe", "down", *words, **self.caller)

    def buckets(self) -> list[str]:
        """Return the buckets of images that there are."""
        names = [str(one["Name"]) for one in self.s3.list_buckets()["Buckets"]]
        return [name for name in names if "-images-" in name]

    def deny(self, *actions: str) -> None:
        """Let the lab's user do all but this."""
        policy = all_but(DENIED_IN_A_LAB, *actions)
        self.checkout.emulator.client("iam").put_role_policy(
            RoleName="voclabs", PolicyName="p", PolicyDocument=policy
        )


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An AWS that no other test forgets."""
    with start(tmp_path_factory.mktemp("aws")) as emulator:
        yield emulator


@pytest.fixture
def lab(aws: Emulator, tmp_path: Path) -> Lab:
    """A lab in which nothing was made."""
    aws.reset()
    caller = in_a_lab(aws)
    aws.enforce_iam()
    return Lab(Checkout.copied(tmp_path / "checkout", aws), caller)


def test_up_after_a_kill_goes_on_with_the_bucket_and_down_removes_it(lab: Lab) -> None:
    """What the user put there is asked about; where it is gone it is said from AWS's own answer."""
    name = lab.made()
    lab.checkout.state.unlink()  # as if killed before Terraform had written a word
    assert lab.made() == name
    lab.s3.put_object(Bucket=name, Key="mine.jpg", Body=b"mine")
    code, said = lab.down()
    assert code == 78, said
    assert f"The bucket {name} holds objects that `make up` did not upload (mine.jpg)" in said
    assert lab.buckets() == [name]
    code, said = lab.down("--yes")
    assert code == 0, said
    assert "Removed: 1 bucket." in said
    assert "Gone: in us-east-1" in said
    assert lab.buckets() == []
    assert "aws/inputs.json" not in lab.checkout.files()


def test_down_that_is_killed_or_refused_goes_on(lab: Lab) -> None:
    """The bucket is removed last, and stays known until AWS has taken the removal."""
    name = lab.made()
    lab.deny("s3:ListBucketVersions")
    code, said = lab.down()
    assert code == 78, said
    assert f"The bucket {name} cannot be removed: " in said
    assert "Gone" not in said
    assert lab.buckets() == [name]
    code, said = lab.checkout.python("carscribe", "status", **lab.caller)
    assert "build/aws" in said, said
    lab.deny()
    code, said = lab.down()
    assert code == 0, said
    assert "Removed: 1 bucket." in said
    assert lab.buckets() == []


def test_the_name_is_remembered_before_the_bucket_is_made(lab: Lab) -> None:
    """Whatever ends the making, the next `up` makes that one, and `down` looks for it."""
    lab.deny("s3:PutBucketTagging")
    code, said = lab.apply()
    assert code == 78, said
    assert " for the images cannot be made: " in said
    [name] = lab.buckets()
    code, said = lab.checkout.python(
        "carscribe", "terraform", "plan", "--lab", **lab.caller, **NETWORKS
    )
    assert f'"{name}"' in said
    lab.deny()
    assert lab.made() == name
    assert {"Key": "Deployment", "Value": "carscribe"} in lab.s3.get_bucket_tagging(Bucket=name)[
        "TagSet"
    ]
    lab.checkout.state.unlink()
    lab.s3.delete_object(Bucket=name, Key="1.jpg")
    lab.s3.delete_bucket(Bucket=name)
    code, said = lab.down()
    assert code == 0, said
    assert "Removed" not in said


def test_what_terraform_has_made_and_may_not_read_goes_as_well(lab: Lab) -> None:
    """Without LAB=1, and up to 1.0 with it, an `up` fails there; after `down` it goes on."""
    words = ("-target=aws_s3_bucket.images", "-var=bucket_force_destroy=true")
    code, said = lab.checkout.python(
        "carscribe", "terraform", "apply", *words, **lab.caller, **NETWORKS
    )
    assert code == 1, said
    assert "GetObjectLockConfiguration" in said
    code, said = lab.down()
    assert code == 0, said
    assert lab.buckets() == []
    assert lab.made()


def test_a_fresh_clone_names_the_bucket_and_what_removes_it(lab: Lab) -> None:
    """Where build/ is lost nothing is removed that nobody remembers."""
    name = lab.made()
    shutil.rmtree(lab.checkout.root / "build")
    code, said = lab.down()
    assert code == 1, said
    assert f"  bucket {name}  aws s3 rb --force s3://{name}" in said.splitlines()
    assert lab.buckets() == [name]


def test_a_checkout_that_shares_the_state_shares_the_bucket(lab: Lab, tmp_path: Path) -> None:
    """It goes on with the same, and removes it."""
    other = Checkout.copied(tmp_path / "other", lab.checkout.emulator)
    for one in (lab.checkout, other):
        code, said = one.python("carscribe", "backend", "--bucket", "the-states", **lab.caller)
        assert code == 0, said
    name = lab.made()
    code, said = lab.apply(other)
    assert code == 0, said
    assert lab.buckets() == [name]
    (other.root / "build" / "aws" / "inputs.json").unlink()
    code, said = lab.down(checkout=other)
    assert code == 0, said
    assert "Removed: 1 bucket." in said
    assert lab.buckets() == []


def test_a_plan_makes_nothing_and_up_makes_the_bucket(lab: Lab, tmp_path: Path) -> None:
    """The plan shows the images in a bucket that is not there yet; a lab is found by itself."""
    iam, ec2 = (lab.checkout.emulator.client(service) for service in ("iam", "ec2"))
    iam.create_role(RoleName="LabRole", AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName="LabInstanceProfile")
    ec2.create_key_pair(KeyName="vockey")
    shutil.copy(ROOT / "terraform" / "learner-lab.tfvars", lab.checkout.root / "terraform")
    key = tmp_path / ".ssh" / "labsuser.pem"
    key.parent.mkdir()
    key.touch(mode=0o600)
    environment = {**lab.caller, **NETWORKS, "HOME": str(tmp_path)}
    code, said = lab.checkout.python("carscribe", "plan", "--lab", **environment)
    assert code == 0, said
    assert 'aws_s3_object.image["1.jpg"] will be created' in said
    assert "aws_s3_bucket.images" not in said
    assert lab.buckets() == []
    code, said = lab.checkout.python("carscribe", "up", "--", UPLOADED, **environment)
    assert "has no hosts yet" in said.splitlines()[-1], said  # they were not asked for
    [name] = lab.buckets()
    assert [one["Key"] for one in lab.s3.list_objects_v2(Bucket=name)["Contents"]] == ["1.jpg"]
    code, said = lab.down()
    assert code == 0, said
    assert lab.buckets() == []


@pytest.mark.parametrize(("region", "place"), [("us-east-1", None), ("us-west-2", "us-west-2")])
def test_the_bucket_is_in_the_deployment_s_region(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, region: str, place: str | None
) -> None:
    """Of us-east-1 S3 wants no word; a second making leaves the bucket as it is."""
    for name, value in {**lab.checkout.emulator.env, **lab.caller}.items():
        monkeypatch.setenv(name, value)
    name = bucket.new_name("cars")
    for _ in range(2):
        bucket.make_for_images(boto3.session.Session(), name, region, {"Deployment": "cars"})
    assert lab.s3.get_bucket_location(Bucket=name)["LocationConstraint"] == place
    assert bucket.remove(boto3.session.Session(), name)
    assert not bucket.remove(boto3.session.Session(), name)
