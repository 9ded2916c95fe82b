"""`make backend`: Terraform's state in a bucket, and two checkouts that share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator import Emulator, start
from tests.terraform.checkout import Checkout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "the-states"
OVERRIDE = "terraform/backend_override.tf"
KEY_PAIR = (
    *("carscribe", "terraform", "apply", "-target=aws_key_pair.operator"),
    '-var=ssh_ingress_cidrs=["203.0.113.7/32"]',
)


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Emulator]:
    """An account with nothing in it."""
    with start(tmp_path / "aws") as emulator:
        yield emulator


@pytest.fixture
def checkout(aws: Emulator, tmp_path: Path) -> Checkout:
    """A checkout in which nothing was made."""
    return Checkout.copied(tmp_path / "one", aws)


def keep_state(checkout: Checkout, bucket: str = BUCKET) -> tuple[int, str]:
    """Call `make backend`'s program."""
    return checkout.python("carscribe", "backend", "--bucket", bucket)


def test_two_checkouts_share_a_deployment(
    aws: Emulator, checkout: Checkout, tmp_path: Path
) -> None:
    """What one has made the other sees, removes, and leaves nothing of for the first."""
    other = Checkout.copied(tmp_path / "two", aws)
    for one in (checkout, other):
        (one.root / "terraform" / "aws.tfvars").write_text('name = "team"\n')
    code, said = keep_state(checkout)
    assert code == 0, said
    assert f"Terraform's state is in s3://{BUCKET} from now on" in said
    s3 = aws.client("s3")
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    blocked = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    code, said = checkout.python(*KEY_PAIR)
    assert code == 0, said
    assert not checkout.state.exists()
    assert s3.head_object(Bucket=BUCKET, Key="team/terraform.tfstate")

    code, said = keep_state(other)
    assert code == 0, said
    assert (other.root / OVERRIDE).read_text() == (checkout.root / OVERRIDE).read_text()
    code, said = keep_state(other, "another")
    assert code == 78, said
    assert f"{OVERRIDE} keeps the state elsewhere already" in said
    [key] = checkout.keys()
    assert key.startswith("team-")
    code, said = other.down()
    assert code == 0, said
    assert "Removed: 1 key pair." in said
    assert "of 'team'" in said
    assert checkout.keys() == []
    code, said = checkout.down()
    assert code == 0, said
    assert "Removed" not in said
    assert s3.head_bucket(Bucket=BUCKET), "the bucket is the team's"


def test_a_state_that_holds_something_is_not_left(checkout: Checkout) -> None:
    """What is up would be lost from sight: it is refused, and nothing is made."""
    code, said = checkout.python(*KEY_PAIR)
    assert code == 0, said
    code, said = keep_state(checkout)
    assert code == 78, said
    assert "build/aws/terraform.tfstate holds 1 kinds of resources, and is not moved" in said
    assert not (checkout.root / OVERRIDE).exists()
    assert checkout.emulator.client("s3").list_buckets()["Buckets"] == []


def test_a_bucket_that_is_refused(checkout: Checkout) -> None:
    """What AWS says, with what to do about it, and no file that names the bucket."""
    checkout.emulator.enforce_iam()
    iam = checkout.emulator.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    code, said = checkout.python(
        *("carscribe", "backend", "--bucket", BUCKET),
        AWS_ACCESS_KEY_ID=key["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"],
    )
    assert code == 78, said
    assert f"The bucket {BUCKET} cannot be used: " in said
    assert "Traceback" not in said
    assert not (checkout.root / OVERRIDE).exists()
