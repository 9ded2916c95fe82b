"""Policies, enforced for S3, SQS and Rekognition alike."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.emulator.cloud import ACCOUNT, allow, assume, make_role
from tests.samples import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator import Emulator

FIRST = {"S3Object": {"Bucket": BUCKET, "Name": "1.jpg"}}
OBJECTS, LISTING = f"arn:aws:s3:::{BUCKET}/*", f"arn:aws:s3:::{BUCKET}"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:indexes"
ODD_KEY = "a b+c%41#/ü🚗.jpg"


def refused(call: Callable[..., Any], **request: Any) -> str:
    """Make a call that is refused; return the error's name."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def queue(emulator: Emulator) -> str:
    """A queue."""
    return str(emulator.client("sqs").create_queue(QueueName="indexes")["QueueUrl"])


@pytest.mark.usefixtures("image")
def test_what_is_allowed_works_under_enforcement(emulator: Emulator, queue: str) -> None:
    """Actions and resources of worker A and B, each allowed by its own statement."""
    policy = allow(
        ("rekognition:DetectLabels", "*"),
        ("s3:GetObject", OBJECTS),
        ("s3:PutObject", OBJECTS),
        ("s3:ListBucket", LISTING),
        ("sqs:SendMessage", QUEUE),
    )
    emulator.enforce_iam()
    who = assume(emulator, make_role(emulator, "worker-a", policy))
    s3, sqs = emulator.client("s3", **who), emulator.client("sqs", **who)
    assert emulator.client("rekognition", **who).detect_labels(Image=FIRST)["Labels"]
    s3.put_object(Bucket=BUCKET, Key=ODD_KEY, Body=b"x")
    assert s3.get_object(Bucket=BUCKET, Key=ODD_KEY)["Body"].read() == b"x"
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["1.jpg", ODD_KEY]
    s3.head_bucket(Bucket=BUCKET)
    sqs.send_message(QueueUrl=queue, MessageBody="1.jpg")
    entries = [{"Id": "0", "MessageBody": "1.jpg"}]
    assert sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]


@pytest.mark.usefixtures("image")
def test_what_is_not_allowed_is_denied(emulator: Emulator, queue: str) -> None:
    """Every service denies by the name that it has for it."""
    emulator.enforce_iam()
    who = assume(emulator, make_role(emulator, "nobody", allow(("ec2:DescribeTags", "*"))))
    rekognition, s3 = emulator.client("rekognition", **who), emulator.client("s3", **who)
    sqs = emulator.client("sqs", **who)
    assert refused(rekognition.detect_labels, Image=FIRST) == "AccessDeniedException"
    assert refused(rekognition.detect_text, Image={"Bytes": b"x"}) == "AccessDeniedException"
    assert refused(s3.get_object, Bucket=BUCKET, Key="1.jpg") == "AccessDenied"
    assert refused(s3.list_objects_v2, Bucket=BUCKET) == "AccessDenied"
    assert refused(s3.head_object, Bucket=BUCKET, Key="1.jpg") == "403"
    assert refused(sqs.receive_message, QueueUrl=queue) == "AccessDenied"
    assert refused(s3.head_bucket, Bucket=BUCKET) == "403"


@pytest.mark.usefixtures("image")
def test_rekognition_reads_the_object_in_the_callers_name(emulator: Emulator) -> None:
    """Without s3:GetObject on that very object it is an invalid object, not a denial."""
    emulator.enforce_iam()
    others = allow(("rekognition:*", "*"), ("s3:GetObject", f"arn:aws:s3:::{BUCKET}/2.jpg"))
    who = assume(emulator, make_role(emulator, "worker-a", others))
    call = emulator.client("rekognition", **who).detect_labels
    assert refused(call, Image=FIRST) == "InvalidS3ObjectException"


def test_rekognition_needs_no_s3_for_bytes(emulator: Emulator, image: bytes) -> None:
    """The permission for the operation is all that bytes need."""
    emulator.enforce_iam()
    who = assume(emulator, make_role(emulator, "worker-b", allow(("rekognition:DetectText", "*"))))
    client = emulator.client("rekognition", **who)
    assert client.detect_text(Image={"Bytes": image})["TextDetections"]
    assert refused(client.detect_labels, Image={"Bytes": image}) == "AccessDeniedException"


def test_rekognition_is_allowed_in_the_regions_that_are_named(
    emulator: Emulator, image: bytes
) -> None:
    """As the workers' policies name them: a call signed for another region is denied."""
    condition = {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}
    statement = {"Effect": "Allow", "Action": "rekognition:DetectText", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
    emulator.enforce_iam()
    who = assume(emulator, make_role(emulator, "worker-b", json.dumps(policy)))
    for region in ("us-east-1", "eu-west-1"):
        client = emulator.client("rekognition", region=region, **who)
        assert client.detect_text(Image={"Bytes": image})["TextDetections"]
    client = emulator.client("rekognition", region="us-west-2", **who)
    assert refused(client.detect_text, Image={"Bytes": image}) == "AccessDeniedException"


def bucket_policy(effect: str, condition: dict[str, Any] | None = None) -> str:
    """Write a bucket policy for everybody and all objects."""
    text = allow(("s3:*", OBJECTS)).replace('"Allow"', f'"{effect}", "Principal": "*"')
    if condition is None:
        return text
    head, _, tail = text.rpartition("}]")
    return f'{head}, "Condition": {condition}'.replace("'", '"') + f"}}]{tail}"


@pytest.mark.parametrize("enforced", [False, True])
@pytest.mark.usefixtures("image")
def test_a_bucket_policy_against_plain_http_locks_nobody_out(
    emulator: Emulator, *, enforced: bool
) -> None:
    """The usual denial of requests without TLS does not apply to the emulator's clients."""
    policy = bucket_policy("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    s3 = emulator.client("s3")
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)
    emulator.enforce_iam(enforced=enforced)
    assert s3.get_object(Bucket=BUCKET, Key="1.jpg")["Body"].read()
    assert emulator.client("rekognition").detect_labels(Image=FIRST)["Labels"]


@pytest.mark.usefixtures("image")
def test_a_bucket_policy_that_denies_holds_for_rekognition_too(emulator: Emulator) -> None:
    """An explicit denial by the bucket makes its objects invalid ones."""
    emulator.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=bucket_policy("Deny"))
    call = emulator.client("rekognition").detect_labels
    assert refused(call, Image=FIRST) == "InvalidS3ObjectException"


@pytest.mark.usefixtures("image")
def test_a_listing_may_be_limited_to_a_prefix(emulator: Emulator) -> None:
    """The condition key s3:prefix is that of the request."""
    statement = allow(("s3:ListBucket", LISTING))
    policy = statement.replace(
        '"Resource"', '"Condition": {"StringLike": {"s3:prefix": "cars/*"}}, "Resource"'
    )
    emulator.enforce_iam()
    s3 = emulator.client("s3", **assume(emulator, make_role(emulator, "lister", policy)))
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="cars/")["KeyCount"] == 0
    assert refused(s3.list_objects_v2, Bucket=BUCKET, Prefix="vans/") == "AccessDenied"
    assert refused(s3.list_objects_v2, Bucket=BUCKET) == "AccessDenied"


@pytest.mark.usefixtures("image")
def test_wrong_keys_and_wrong_secrets_are_told_apart(emulator: Emulator) -> None:
    """An unknown key, a wrong secret and a wrong token have Rekognition's own names."""
    emulator.enforce_iam()
    who = assume(emulator, make_role(emulator, "worker-a", allow(("*", "*"))))

    def name(**other: str) -> str:
        client = emulator.client("rekognition", **{**who, **other})
        return refused(client.detect_labels, Image=FIRST)

    assert name(key="ASIAUNKNOWNUNKNOWN22") == "UnrecognizedClientException"
    assert name(secret="wrong") == "InvalidSignatureException"
    assert name(token="wrong") == "UnrecognizedClientException"
    s3 = emulator.client("s3", **{**who, "secret": "wrong"})
    assert refused(s3.get_object, Bucket=BUCKET, Key="1.jpg") == "SignatureDoesNotMatch"


@pytest.mark.usefixtures("image")
def test_expired_credentials_are_refused_by_every_service(emulator: Emulator) -> None:
    """Temporary credentials end at their time; moto itself lets them live for ever."""
    arn = make_role(emulator, "worker-a", allow(("*", "*")))
    who = assume(emulator, arn, DurationSeconds=1)
    clients = {name: emulator.client(name, **who) for name in ("s3", "sqs", "rekognition", "iam")}
    time.sleep(1.1)
    assert refused(clients["s3"].get_object, Bucket=BUCKET, Key="1.jpg") == "ExpiredToken"
    assert refused(clients["sqs"].list_queues) == "ExpiredTokenException"
    assert refused(clients["rekognition"].detect_labels, Image=FIRST) == "ExpiredTokenException"
    assert refused(clients["iam"].list_users) == "ExpiredToken"


@pytest.mark.usefixtures("image")
def test_the_root_sets_up_while_policies_are_enforced(emulator: Emulator) -> None:
    """The key `carscribe` may do everything; a user made by it has its own policies."""
    emulator.enforce_iam()
    iam = emulator.client("iam")
    iam.create_user(UserName="reader")
    iam.put_user_policy(
        UserName="reader", PolicyName="own", PolicyDocument=allow(("s3:GetObject", OBJECTS))
    )
    made = iam.create_access_key(UserName="reader")["AccessKey"]
    s3 = emulator.client("s3", key=made["AccessKeyId"], secret=made["SecretAccessKey"])
    assert s3.get_object(Bucket=BUCKET, Key="1.jpg")["Body"].read()
    assert refused(s3.list_buckets) == "AccessDenied"


@pytest.mark.usefixtures("image")
def test_without_enforcement_everything_is_allowed(emulator: Emulator) -> None:
    """Whoever has keys may do anything until policies are enforced; a stranger may nothing."""
    iam = emulator.client("iam")
    iam.create_user(UserName="nobody")
    made = iam.create_access_key(UserName="nobody")["AccessKey"]
    s3 = emulator.client("s3", key=made["AccessKeyId"], secret=made["SecretAccessKey"])
    assert s3.get_object(Bucket=BUCKET, Key="1.jpg")["Body"].read()
    stranger = emulator.client("s3", key="AKIAUNKNOWNUNKNOWN22", secret="x")
    assert refused(stranger.get_object, Bucket=BUCKET, Key="1.jpg") == "InvalidAccessKeyId"


def test_enforcement_can_be_switched_on_from_the_start(
    start_emulator: Callable[..., Emulator],
) -> None:
    """`--enforce-iam` evaluates policies from the first request on."""
    emulator = start_emulator("--enforce-iam")
    stranger = emulator.client("s3", key="AKIAUNKNOWNUNKNOWN22", secret="x")
    assert refused(stranger.list_buckets) == "InvalidAccessKeyId"
    assert emulator.client("s3").list_buckets()["Buckets"] == []


def test_the_root_is_the_accounts_root(emulator: Emulator) -> None:
    """As AWS names it, and no user that nobody made."""
    identity = emulator.client("sts").get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
