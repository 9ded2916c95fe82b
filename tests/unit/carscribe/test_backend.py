"""What is no bucket for Terraform's state, and what stands in the file that names it."""

from __future__ import annotations

import pytest

from carscribe import backend, provision, targets
from carscribe.deployment import DeploymentError


@pytest.mark.parametrize("bucket", ["", "My-States", "s3://states", "a" * 64, "ab", "-ab", "a\nb"])
def test_what_is_no_bucket_is_refused(bucket: str) -> None:
    """One sentence says what a name is, before anything is looked at."""
    with pytest.raises(
        DeploymentError, match=r"^BUCKET is .*: name a bucket for Terraform's state"
    ):
        backend.keep_in(targets.Aws(), bucket)


def test_the_file_is_the_example_with_other_names() -> None:
    """All else, the lock above all, stays as the example has it."""
    example = backend.EXAMPLE.read_text()
    same = backend.text_of("my-terraform-states", "carscribe/terraform.tfstate", "us-east-1")
    assert same == example
    text = backend.text_of("ours", "team/terraform.tfstate", "eu-west-1")
    changed = [line.split() for line in text.splitlines() if line not in example.splitlines()]
    assert changed == [
        ["bucket", "=", '"ours"'],
        ["key", "=", '"team/terraform.tfstate"'],
        ["region", "=", '"eu-west-1"'],
    ]
    assert provision.BACKEND_OVERRIDE.name == "backend_override.tf"
