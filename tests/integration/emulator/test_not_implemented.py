"""What the emulator does not have says so, with its name and the page that tells what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.samples import BUCKET

if TYPE_CHECKING:
    from tests.emulator import Emulator


@pytest.mark.parametrize(
    ("service", "call", "operation", "request_"),
    [
        ("sqs", "start_message_move_task", "StartMessageMoveTask", {"SourceArn": "x"}),
        ("rekognition", "detect_faces", "DetectFaces", {"Image": {"Bytes": b"x"}}),
        ("ec2", "describe_fpga_images", "DescribeFpgaImages", {}),
        (
            "iam",
            "get_context_keys_for_custom_policy",
            "GetContextKeysForCustomPolicy",
            {"PolicyInputList": ["{}"]},
        ),
        (
            "sts",
            "decode_authorization_message",
            "DecodeAuthorizationMessage",
            {"EncodedMessage": "x"},
        ),
        ("sns", "list_topics", "ListTopics", {}),
        ("dynamodb", "list_tables", "ListTables", {}),
        ("kms", "list_keys", "ListKeys", {}),
        ("stepfunctions", "list_state_machines", "ListStateMachines", {}),
    ],
)
def test_it_is_named(
    emulator: Emulator, service: str, call: str, operation: str, request_: dict[str, Any]
) -> None:
    """Of services that moto would know too: they are no part of this emulator."""
    client = emulator.client(service)
    with pytest.raises(ClientError) as caught:
        getattr(client, call)(**request_)
    error = caught.value.response["Error"]
    assert error["Code"] == "NotImplemented"
    signed_for = client.meta.service_model.signing_name
    assert f"has no {signed_for}.{operation}:" in error["Message"]
    assert "docs/emulator.md" in error["Message"]


METRICS = {"Id": "x", "MetricsConfiguration": {"Id": "x"}}


@pytest.mark.parametrize(
    ("call", "operation", "request_"),
    [
        ("rename_object", "RenameObject", {"Key": "1.jpg", "RenameSource": "2.jpg"}),
        ("get_object_torrent", "GetObjectTorrent", {"Key": "1.jpg"}),
        ("get_object_retention", "GetObjectRetention", {"Key": "1.jpg"}),
        ("create_session", "CreateSession", {}),
        ("put_bucket_metrics_configuration", "PutBucketMetricsConfiguration", METRICS),
        (
            "delete_bucket_analytics_configuration",
            "DeleteBucketAnalyticsConfiguration",
            {"Id": "x"},
        ),
    ],
)
def test_what_is_asked_of_an_object_or_a_bucket_leaves_it_as_it_is(
    emulator: Emulator, call: str, operation: str, request_: dict[str, Any]
) -> None:
    """The object or the bucket itself is neither returned nor written nor deleted in its place."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    if "Key" in request_:
        s3.put_object(Bucket=BUCKET, Key=request_["Key"], Body=b"picture")
    with pytest.raises(ClientError) as caught:
        getattr(s3, call)(Bucket=BUCKET, **request_)
    error = caught.value.response["Error"]
    assert error["Code"] == "NotImplemented"
    assert f"has no s3.{operation}:" in error["Message"]
    s3.head_bucket(Bucket=BUCKET)
    if "Key" in request_:
        found = s3.get_object(Bucket=BUCKET, Key=request_["Key"])
        assert found["Body"].read() == b"picture"
