"""The name of the operation a request asks for, such as `sqs.SendMessageBatch`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from emulator.messages import Request

OF_MOTO = {"ec2", "iam", "s3", "ssm", "sts"}
SERVICES = {*OF_MOTO, "rekognition", "sqs"}
TARGET_PREFIXES = {
    "RekognitionService": "rekognition",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
}

FORM_UPLOAD = "PostObject"
# What a path alone asks for, by method: of the service, a bucket, a key.
S3_ROOT = {"GET": "ListBuckets"}
S3_BUCKET = {
    "GET": "ListObjects",
    "HEAD": "HeadBucket",
    "PUT": "CreateBucket",
    "DELETE": "DeleteBucket",
    "POST": FORM_UPLOAD,
}
S3_KEY = {
    "GET": "GetObject",
    "HEAD": "HeadObject",
    "PUT": "PutObject",
    "DELETE": "DeleteObject",
    "POST": FORM_UPLOAD,
}
# Query parameters that only refine an operation: they name no other one.
S3_REFINEMENTS = {"versionId", "x-id", "partNumber", "prefix", "delimiter", "marker", "max-keys"}
S3_VERBS = {"GET": "Get", "PUT": "Put", "DELETE": "Delete", "POST": "Post", "HEAD": "Head"}
# Subresources that moto passes over: it would answer with the bucket or the object itself, or
# write or delete that.
S3_PASSED_OVER = {
    "abac": "BucketAbac",
    "analytics": "BucketAnalyticsConfiguration",
    "annotation": "ObjectAnnotation",
    "intelligent-tiering": "BucketIntelligentTieringConfiguration",
    "metadataAnnotationTable": "BucketMetadataAnnotationTableConfiguration",
    "metadataConfiguration": "BucketMetadataConfiguration",
    "metadataInventoryTable": "BucketMetadataInventoryTableConfiguration",
    "metadataJournalTable": "BucketMetadataJournalTableConfiguration",
    "metadataTable": "BucketMetadataTableConfiguration",
    "metrics": "BucketMetricsConfiguration",
    "torrent": "ObjectTorrent",
}
S3_NAMED = {"renameObject": "RenameObject", "session": "CreateSession"}
S3_NOT_HERE = {
    FORM_UPLOAD,
    *S3_NAMED.values(),
    *(f"{verb}{name}" for verb in S3_VERBS.values() for name in S3_PASSED_OVER.values()),
    # Of these moto knows the subresource, for another method or for a bucket.
    "GetObjectRetention",
    "PutBucketRequestPayment",
    "PutObjectEncryption",
}


def service_of(request: Request) -> str:
    """Name the service that a request asks; its head says that."""
    target, signed_for = request.headers.get("x-amz-target"), request.credential[3:4]
    if target:
        return _of_target(target, *signed_for).partition(".")[0]
    return signed_for[0].lower() if signed_for else "s3"


def is_form_upload(request: Request) -> bool:
    """Say whether it is S3's upload from a form, whose signature is one of the form's fields."""
    if request.credential or not request.header("Content-Type").startswith("multipart/form-data"):
        return False
    return operation_of(request) == f"s3.{FORM_UPLOAD}"


def operation_of(request: Request) -> str:
    """Name a request `service.Operation`."""
    target = request.headers.get("x-amz-target")
    if target:
        return _of_target(target, *request.credential[3:4])
    service = service_of(request)
    if service == "s3":
        return f"s3.{_s3_operation(request)}"
    form = request.query
    if b"Action=" in request.body:
        form = parse_qs(request.body.decode("utf-8", "replace"))
    return f"{service}.{form.get('Action', [request.method])[0]}"


@lru_cache(maxsize=256)
def _of_target(target: str, signed_for: str = "") -> str:
    """Name the operation of a JSON protocol; of a service that is not here it is signed for that."""
    prefix, _, operation = target.partition(".")
    name = prefix.partition("_")[0]  # what follows is a version
    service = TARGET_PREFIXES.get(name, name.lower())
    if signed_for and not SERVICES & {service, signed_for}:
        service = signed_for
    return f"{service}.{operation}"


def _s3_operation(request: Request) -> str:  # noqa: PLR0911 # a table of cases
    method, query = request.method, request.query
    bucket, _, key = request.path.lstrip("/").partition("/")
    if not bucket:
        return S3_ROOT.get(method, method)
    if "list-type" in query:
        return "ListObjectsV2"
    if "delete" in query and method == "POST":
        return "DeleteObjects"
    if "uploads" in query:
        return "CreateMultipartUpload" if method == "POST" else "ListMultipartUploads"
    if "uploadId" in query:
        by_method = {
            "PUT": "UploadPart",
            "POST": "CompleteMultipartUpload",
            "DELETE": "AbortMultipartUpload",
            "GET": "ListParts",
        }
        return by_method.get(method, method)
    if "versions" in query:
        return "ListObjectVersions"
    if key and method == "PUT" and request.header("x-amz-copy-source"):
        return "CopyObject"
    for name, values in query.items():
        if name not in S3_REFINEMENTS and values == [""] and method in S3_VERBS:
            subject = "Object" if key else "Bucket"
            called = S3_PASSED_OVER.get(name, f"{subject}{name[:1].upper()}{name[1:]}")
            return S3_NAMED.get(name, f"{S3_VERBS[method]}{called}")
    return (S3_KEY if key else S3_BUCKET).get(method, method)
