"""What the emulator does not have says so, with its name and the page that tells what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator import ROOT_KEY
from tests.integration.emulator.test_door import fetch
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


@pytest.mark.parametrize("key", [ROOT_KEY, "stranger"])
@pytest.mark.parametrize(
    ("service", "call", "path"),
    [
        ("lambda", "list_functions", "lambda.GET /2015-03-31/functions"),
        ("eks", "list_clusters", "eks.GET /clusters"),
        ("batch", "describe_job_queues", "batch.POST /v1/describejobqueues"),
    ],
)
def test_of_a_service_that_speaks_rest_it_is_the_path(
    emulator: Emulator, service: str, call: str, path: str, key: str
) -> None:
    """In JSON with the error's name in a header, where SDKs look for it; so is any refusal."""
    with pytest.raises(ClientError) as caught:
        getattr(emulator.client(service, key=key), call)()
    error = caught.value.response["Error"]
    if key == ROOT_KEY:
        assert error["Code"] == "NotImplemented"
        assert f"has no {path}: what it has stands in docs/emulator.md." in error["Message"]
    else:
        assert error["Code"] == "InvalidClientTokenId"
        assert "token included in the request is invalid" in error["Message"]


@pytest.mark.parametrize("key", ["1.jpg", "${filename}"])
def test_an_upload_from_a_form_is_named(emulator: Emulator, key: str) -> None:
    """Its signature stands in the form, so that it looks like a request without any."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    form = s3.generate_presigned_post(BUCKET, key)
    parts = {**form["fields"], "file": "picture"}
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts.items()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    status, said, _ = fetch(form["url"], "POST", f"{body}--x--\r\n".encode(), headers)
    assert status == 501
    assert b"<Code>NotImplemented</Code>" in said
    assert b"has no s3.PostObject: what it has stands in docs/emulator.md." in said
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)


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
