"""Buckets that carscribe makes itself: for Terraform's state, and for a Learner Lab's images."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from carscribe.advice import advised
from carscribe.deployment import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import boto3

NO_SUCH = frozenset({"404", "NoSuchBucket"})


def new_name(deployment: str) -> str:
    """Return a name that nobody has, of the form that leftovers.py finds Terraform's own by."""
    return f"{deployment}-images-{datetime.now(UTC):%Y%m%d%H%M%S}{secrets.randbelow(10**12):012}"


def make(s3: Any, bucket: str, region: str) -> tuple[str, bool]:
    """Make a bucket that nobody else can read, or take the one that is there.

    Returns:
        Its region, and whether it was made.
    """
    try:
        found = s3.head_bucket(Bucket=bucket)
        return str(found.get("BucketRegion", region)), False
    except ClientError as problem:
        if _code(problem) not in NO_SUCH:
            raise
    made: dict[str, Any] = {"Bucket": bucket}
    if region != "us-east-1":  # which S3 does not take as a constraint
        made["CreateBucketConfiguration"] = {"LocationConstraint": region}
    s3.create_bucket(**made)
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    )
    return region, True


def make_for_images(
    session: boto3.session.Session, bucket: str, region: str, tags: Mapping[str, str]
) -> None:
    """Make the bucket that Terraform puts the images into, with the tags of what it makes itself.

    Args:
        session: with the account's credentials.
        bucket: its name.
        region: where it is to be.
        tags: those of all that is made; the bucket gets a Name, too.

    Raises:
        DeploymentError: AWS does not let it.
    """
    s3: Any = session.client("s3", region_name=region)
    named = {**tags, "Name": f"{tags['Deployment']}-images"}
    with refusals_in_words(f"The bucket {bucket} for the images cannot be made"):
        make(s3, bucket, region)
        s3.put_bucket_tagging(
            Bucket=bucket, Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in named.items()]}
        )


def remove(session: boto3.session.Session, bucket: str) -> bool:
    """Remove a bucket with all that is in it; tell whether it was there.

    Raises:
        DeploymentError: it is there still.
    """
    resource: Any = session.resource("s3")
    with refusals_in_words(f"The bucket {bucket} cannot be removed"):
        try:
            kept = [
                error
                for answer in resource.Bucket(bucket).object_versions.delete()
                for error in answer.get("Errors", [])
            ]
            if not kept:
                resource.Bucket(bucket).delete()
        except ClientError as problem:
            if _code(problem) not in NO_SUCH:
                raise
            return False
    if kept:
        first = kept[0]
        raise DeploymentError(
            f"The bucket {bucket} cannot be removed: {len(kept)} of its objects stay, "
            f"{first['Key']} the first ({first['Code']}: {first.get('Message', '')})."
        )
    return True


@contextmanager
def refusals_in_words(what: str) -> Iterator[None]:
    """Say what AWS refuses, with what to do about it."""
    try:
        yield
    except (BotoCoreError, ClientError) as problem:
        raise DeploymentError(advised(f"{what}: {problem}")) from None


def _code(problem: ClientError) -> str:
    return str(problem.response.get("Error", {}).get("Code"))
