"""Policies are evaluated as AWS does, where moto does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from emulator.moto_patches import policies
from emulator.moto_patches.policies import condition_keys, conditions_hold, matches

BUCKET = "arn:aws:s3:::photos"


@pytest.fixture(autouse=True)
def _patched() -> None:
    policies.patch()


def evaluate(action: str, resource: str, **statement: Any) -> PermissionResult:
    """Ask a policy of one statement."""
    full = {"Effect": "Allow", "Action": "*", "Resource": "*", **statement}
    full = {name: value for name, value in full.items() if value is not None}
    document = json.dumps({"Version": "2012-10-17", "Statement": [full]})
    return IAMPolicy(document).is_action_permitted(action, resource)


def test_a_denial_of_plain_http_locks_nobody_out() -> None:
    """The emulator counts as reached over TLS, so the statement does not apply."""
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    result = evaluate(
        "s3:GetObject", f"{BUCKET}/1.jpg", Effect="Deny", Principal="*", Condition=plain
    )
    assert result == PermissionResult.NEUTRAL
    tls = {"Bool": {"aws:SecureTransport": "true"}}
    result = evaluate(
        "s3:GetObject", f"{BUCKET}/1.jpg", Effect="Deny", Principal="*", Condition=tls
    )
    assert result == PermissionResult.DENIED


def test_an_allowance_whose_condition_fails_denies_nothing() -> None:
    """A statement that does not apply says nothing; moto took it for a denial."""
    condition = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    token = condition_keys.set({"aws:requestedregion": "us-east-1"})
    try:
        assert evaluate("s3:GetObject", BUCKET, Condition=condition) == PermissionResult.NEUTRAL
    finally:
        condition_keys.reset(token)


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("arn:aws:s3:::photos/*", f"{BUCKET}/a/b.jpg", True),
        ("arn:aws:s3:::photos/*", f"{BUCKET}", False),
        ("arn:aws:s3:::photos/a.jpg", f"{BUCKET}/axjpg", False),
        ("arn:aws:s3:::photos/?.jpg", f"{BUCKET}/1.jpg", True),
        ("arn:aws:s3:::photos/?.jpg", f"{BUCKET}/10.jpg", False),
        ("arn:aws:s3:::photos/a+(b).jpg", f"{BUCKET}/a+(b).jpg", True),
        ("arn:aws:s3:::photos/*", f"{BUCKET}/a\nb", True),
    ],
)
def test_patterns_know_two_wildcards_only(pattern: str, value: str, *, expected: bool) -> None:
    """`*` and `?` are wildcards, everything else is itself; moto read regular expressions."""
    assert matches(pattern, value) is expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Action": "S3:getobject"}, PermissionResult.PERMITTED),
        ({"Action": ["s3:PutObject", "s3:Get*"]}, PermissionResult.PERMITTED),
        ({"Action": "s3:GetObjectVersion"}, PermissionResult.NEUTRAL),
        ({"Action": None, "NotAction": "s3:*"}, PermissionResult.NEUTRAL),
        ({"Action": None, "NotAction": "sqs:*"}, PermissionResult.PERMITTED),
        ({"Resource": None, "NotResource": f"{BUCKET}/*"}, PermissionResult.NEUTRAL),
        ({"Resource": f"{BUCKET}/2.jpg"}, PermissionResult.NEUTRAL),
        ({"Effect": "Deny"}, PermissionResult.DENIED),
        ({"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::1:root"}}, PermissionResult.NEUTRAL),
        ({"Effect": "Deny", "Principal": {"AWS": ["*"]}}, PermissionResult.DENIED),
        ({"Effect": "Deny", "Principal": {"Service": "x"}}, PermissionResult.NEUTRAL),
    ],
)
def test_a_statement_applies_by_all_its_elements(
    statement: dict[str, Any], expected: PermissionResult
) -> None:
    """Action in any case, resource exactly, principals only where they are meant."""
    assert evaluate("s3:GetObject", f"{BUCKET}/1.jpg", **statement) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"StringEquals": {"s3:prefix": "a/"}}, True),
        ({"StringEquals": {"s3:prefix": ["b/", "a/"]}}, True),
        ({"StringNotEquals": {"s3:prefix": "a/"}}, False),
        ({"StringLike": {"S3:Prefix": "a*"}}, True),
        ({"StringNotLike": {"s3:prefix": "b*"}}, True),
        ({"StringEqualsIgnoreCase": {"s3:prefix": "A/"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"StringEquals": {"aws:Missing": "x"}}, False),
        ({"StringNotEquals": {"aws:Missing": "x"}}, True),
        ({"StringEqualsIfExists": {"aws:Missing": "x"}}, True),
        ({"Null": {"aws:Missing": "true"}}, True),
        ({"Null": {"s3:prefix": "true"}}, False),
        ({"ForAnyValue:StringEquals": {"s3:prefix": "a/"}}, True),
        ({"Bool": {"aws:SecureTransport": True}}, True),
        ({"NoSuchOperator": {"s3:prefix": "a/"}}, False),
        ({"StringEquals": {"s3:prefix": "a/"}, "Bool": {"aws:SecureTransport": "false"}}, False),
    ],
)
def test_conditions_hold_as_documented(condition: dict[str, Any], *, expected: bool) -> None:
    """All operators of a block must hold; several values are alternatives."""
    keys = {"s3:prefix": "a/", "aws:sourceip": "10.1.2.3", "aws:securetransport": "true"}
    assert conditions_hold(condition, keys) is expected
