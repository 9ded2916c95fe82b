"""What docs/operator-policy.json allows, and what was asked of the emulator.

The table is from the Service Authorization Reference: an operation asks for the
action of its own name but where S3's API and its actions go by other names.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = Path(__file__).resolve().parents[1] / "docs" / "operator-policy.json"

ACTIONS = {
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "s3:DeleteBucketPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:DeleteBucketTagging": "s3:PutBucketTagging",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketAccelerate": "s3:GetAccelerateConfiguration",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycle": "s3:GetLifecycleConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:UploadPart": "s3:PutObject",
}
SERVICES = {"servicequotasv20190624": "servicequotas"}
FREE = {"sts:GetCallerIdentity"}
"""What needs no permission (STS API Reference)."""


def action_of(operation: str) -> str:
    """Return the action that an operation, as the emulator names it, asks for."""
    service, _, name = operation.partition(".")
    action = f"{SERVICES.get(service, service)}:{name}"
    return ACTIONS.get(action, action)


def allowed() -> set[str]:
    """Return the actions of the policy, as they are written there."""
    statements: list[dict[str, Any]] = json.loads(FILE.read_text())["Statement"]
    return {
        action
        for one in statements
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }


def refused(operations: Iterable[str]) -> set[str]:
    """Return what the policy would refuse of what was asked for."""
    asked = {action_of(one) for one in operations} - FREE
    return {one for one in asked if not any(fnmatchcase(one, known) for known in allowed())}


def unused(operations: Iterable[str]) -> set[str]:
    """Return what of the policy nothing that was asked for needs."""
    asked = {action_of(one) for one in operations}
    return {known for known in allowed() if not any(fnmatchcase(one, known) for one in asked)}


def names(counts: Iterable[str]) -> set[str]:
    """Return the operations among the emulator's counts: what has a service and a name."""
    return {one for one in counts if re.fullmatch(r"\w+\.[A-Z]\w+", one)}
