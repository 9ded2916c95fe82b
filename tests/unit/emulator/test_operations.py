"""Every request has the name of its operation."""

from __future__ import annotations

import pytest

from emulator.messages import Request
from emulator.operations import operation_of

SIGNED = "AWS4-HMAC-SHA256 Credential=carscribe/20260101/us-east-1/{}/aws4_request, Signature=0"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET /", "ListBuckets"),
        ("GET /bucket", "ListObjects"),
        ("GET /bucket?list-type=2&prefix=", "ListObjectsV2"),
        ("GET /bucket?versions", "ListObjectVersions"),
        ("GET /bucket?policy", "GetBucketPolicy"),
        ("PUT /bucket?lifecycle", "PutBucketLifecycle"),
        ("HEAD /bucket", "HeadBucket"),
        ("PUT /bucket", "CreateBucket"),
        ("DELETE /bucket", "DeleteBucket"),
        ("POST /bucket?delete", "DeleteObjects"),
        ("GET /bucket/a/b.jpg", "GetObject"),
        ("GET /bucket/b.jpg?versionId=1", "GetObject"),
        ("GET /bucket/b.jpg?tagging", "GetObjectTagging"),
        ("HEAD /bucket/b.jpg", "HeadObject"),
        ("PUT /bucket/b.jpg", "PutObject"),
        ("DELETE /bucket/b.jpg", "DeleteObject"),
        ("POST /bucket/b.jpg?uploads", "CreateMultipartUpload"),
        ("PUT /bucket/b.jpg?partNumber=1&uploadId=x", "UploadPart"),
        ("POST /bucket/b.jpg?uploadId=x", "CompleteMultipartUpload"),
    ],
)
def test_s3_is_named_by_method_and_path(line: str, expected: str) -> None:
    """S3 has no name of the operation in its request: it is found as S3 finds it."""
    method, _, target = line.partition(" ")
    request = Request(method, target, [("Authorization", SIGNED.format("s3"))])
    assert operation_of(request) == f"s3.{expected}"


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"X-Amz-Target": "RekognitionService.DetectText"}, b"{}", "rekognition.DetectText"),
        ({"X-Amz-Target": "AmazonSQS.SendMessageBatch"}, b"{}", "sqs.SendMessageBatch"),
        (
            {"Authorization": SIGNED.format("ec2")},
            b"Action=DescribeInstances&Version=2016-11-15",
            "ec2.DescribeInstances",
        ),
    ],
)
def test_other_services_name_it_themselves(
    headers: dict[str, str], body: bytes, expected: str
) -> None:
    """The JSON protocols have it in a header, the query protocol in the body."""
    assert operation_of(Request("POST", "/", list(headers.items()), body)) == expected
