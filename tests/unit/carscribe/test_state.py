"""What is read off Terraform's state."""

from __future__ import annotations

from typing import Any

import pytest

from carscribe.state import State, errors, reason

WRITTEN: dict[str, Any] = {
    "resources": [
        {
            "mode": "managed",
            "type": kind,
            "instances": [{"attributes": {"id": str(n)}} for n in range(number)],
        }
        for kind, number in (
            ("aws_instance", 2),
            ("aws_eip", 2),
            ("aws_route", 1),
            ("aws_s3_bucket", 1),
        )
    ]
}


def test_what_costs_or_keeps_data_is_counted() -> None:
    """Each kind is named once, in the right number; a route is not among them."""
    assert State(WRITTEN).counted() == "2 addresses, 1 bucket, 2 instances"


def test_a_bucket_that_terraform_did_not_make_is_known_by_its_settings() -> None:
    """What has settings and is no resource was made before; it counts once it is removed."""

    def state(*kinds: str) -> State:
        made = {"mode": "managed", "instances": [{"attributes": {"id": "images"}}]}
        return State({"resources": [{**made, "type": kind} for kind in kinds]})

    settings = ("aws_s3_bucket_policy", "aws_s3_bucket_public_access_block", "aws_s3_object")
    assert state(*settings).buckets_beside == {"images"}
    assert state(*settings, "aws_s3_bucket").buckets_beside == set()
    assert state("aws_s3_object").buckets_beside == set()
    assert state(*settings).counted(1) == "1 bucket"


def test_nothing_is_nothing() -> None:
    """An empty state says nothing."""
    assert not State({}).counted()


def test_a_refusal_of_ec2_is_said_without_what_nobody_can_read() -> None:
    """The action stays, and the encoded message, which is longer than all else, goes."""
    refused = (
        "creating EC2 VPC: operation error EC2: CreateVpc, https response error StatusCode: 403, "
        "RequestID: 1, api error UnauthorizedOperation: You are not authorized to perform this "
        "operation. User: arn:aws:iam::1:user/me is not authorized to perform: ec2:CreateVpc "
        "because no identity-based policy allows the ec2:CreateVpc action"
    )
    said = f"Error: {refused}. Encoded authorization failure message: {'aB3_-' * 300}\n"
    assert errors(said) == [refused]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Error: No such bucket\n\nIt is gone.\n", "No such bucket: It is gone."),
        (
            "Failed to refresh state: 2 problems:\n\n- It is no JSON.\n- It has no version.\n",
            "Failed to refresh state: 2 problems: - It is no JSON. - It has no version.",
        ),
        ("", "it gives no reason"),
    ],
)
def test_a_reason_is_what_terraform_said(said: str, why: str) -> None:
    """`terraform state pull` gives its reason without calling it an error."""
    assert reason(said) == why


def test_the_account_is_that_of_the_resources() -> None:
    """A bucket's ARN names none, and what AWS itself owns is nobody's."""
    arns = {
        "aws_key_pair": "arn:aws:ec2:us-east-1:123456789012:key-pair/carscribe",
        "aws_s3_bucket": "arn:aws:s3:::carscribe-images",
        "aws_iam_policy": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "aws_route": None,
    }
    state = State(
        {
            "resources": [
                {"mode": "managed", "type": kind, "instances": [{"attributes": {"arn": arn}}]}
                for kind, arn in arns.items()
            ]
        }
    )
    assert state.accounts() == {"123456789012"}
    assert State(WRITTEN).accounts() == set()
