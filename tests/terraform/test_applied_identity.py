"""Each host's own credentials do what its worker does, and nothing else."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.conftest import World

pytestmark = pytest.mark.timeout(600)  # the first one waits for all applies

Clients = dict[str, Any]


def clients_on(world: World, name: str, host: str) -> Clients:
    """Return clients with the credentials that the host's metadata service gives it.

    It is asked from loopback, where an address is an instance's only if it is said to be.
    """
    address = world[name].outputs["hosts"][host]["address"]
    [found] = world.emulator.client("ec2").describe_addresses(PublicIps=[address])["Addresses"]
    addresses = {"addresses": {address: found["InstanceId"]}}
    world.emulator.call("POST", "_carscribe/metadata", addresses)
    url = urlsplit(world.emulator.url)
    where = "/latest/meta-data/iam/security-credentials/"

    def ask(method: str, path: str, headers: dict[str, str]) -> str:
        connection = http.client.HTTPConnection(
            url.hostname or "", url.port, source_address=(address, 0), timeout=10
        )
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200, path
        return answer.read().decode()

    token = ask("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    header = {"X-aws-ec2-metadata-token": token}
    given = json.loads(ask("GET", where + ask("GET", where, header), header))
    return {
        service: world.emulator.client(
            service, key=given["AccessKeyId"], secret=given["SecretAccessKey"], token=given["Token"]
        )
        for service in ("s3", "sqs", "rekognition", "iam", "ec2")
    }


def code_of(call: Callable[[], Any]) -> str:
    """Return the code of a call's error, or "ok"."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def refused(call: Callable[[], Any]) -> bool:
    """Say whether a call is refused for want of a permission."""
    return code_of(call) in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def detect(clients: Clients, operation: str, bucket: str, key: str) -> Callable[[], Any]:
    """Return a call of Rekognition on an object."""
    image = {"S3Object": {"Bucket": bucket, "Name": key}}
    return lambda: getattr(clients["rekognition"], operation)(Image=image)


def assert_images_are_read_only(clients: Clients, bucket: str) -> None:
    """Both workers list and get, find a missing key missing, and change nothing."""
    s3 = clients["s3"]
    assert code_of(lambda: s3.list_objects_v2(Bucket=bucket)) == "ok"
    assert code_of(lambda: s3.get_object(Bucket=bucket, Key="1.jpg")) == "ok"
    assert code_of(lambda: s3.head_object(Bucket=bucket, Key="missing.jpg")) == "404"
    assert code_of(lambda: s3.get_object(Bucket=bucket, Key="missing.jpg")) == "NoSuchKey"
    assert refused(lambda: s3.put_object(Bucket=bucket, Key="new.jpg", Body=b""))
    assert refused(lambda: s3.delete_object(Bucket=bucket, Key="1.jpg"))
    assert refused(lambda: s3.list_objects_v2(Bucket="my-photos"))
    assert refused(lambda: s3.get_object(Bucket="my-photos", Key="photos/2024/1.jpg"))
    assert refused(clients["iam"].list_roles)
    assert refused(clients["ec2"].describe_instances)


def others(world: World) -> list[str]:
    """Return queues that are not the first pair's: its dead letters, the second's, a stranger's."""
    outputs = world["own"].outputs
    return [
        outputs["dead_letter_queue_url"],
        outputs["queue_urls"]["2"],
        world["lab"].outputs["queue_url"],
    ]


def test_worker_a_detects_labels_and_sends(world: World) -> None:
    """A's role does all that A does, and none of what B alone does, nor on another queue."""
    outputs = world["own"].outputs
    bucket, queue = outputs["bucket"], outputs["queue_url"]
    clients = clients_on(world, "own", "worker-a")
    sqs = clients["sqs"]
    assert_images_are_read_only(clients, bucket)
    assert code_of(detect(clients, "detect_labels", bucket, "1.jpg")) == "ok"
    assert refused(detect(clients, "detect_text", bucket, "1.jpg"))
    assert refused(detect(clients, "detect_labels", "my-photos", "photos/2024/1.jpg")) or (
        code_of(detect(clients, "detect_labels", "my-photos", "photos/2024/1.jpg"))
        == "InvalidS3ObjectException"
    )
    entries = [{"Id": "1", "MessageBody": "1.jpg"}]
    assert code_of(lambda: sqs.send_message(QueueUrl=queue, MessageBody="1.jpg")) == "ok"
    assert code_of(lambda: sqs.send_message_batch(QueueUrl=queue, Entries=entries)) == "ok"
    assert refused(lambda: sqs.get_queue_attributes(QueueUrl=queue))
    assert refused(lambda: sqs.receive_message(QueueUrl=queue))
    assert refused(lambda: sqs.delete_message(QueueUrl=queue, ReceiptHandle="x"))
    assert refused(
        lambda: sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle="x", VisibilityTimeout=0
        )
    )
    assert refused(lambda: sqs.purge_queue(QueueUrl=queue))
    for other in others(world):
        assert refused(lambda url=other: sqs.send_message(QueueUrl=url, MessageBody="1.jpg"))  # type: ignore[misc]


def test_worker_b_receives_and_detects_text(world: World) -> None:
    """B's role does all that B does, and none of what A alone does, nor on another queue."""
    outputs = world["own"].outputs
    bucket, queue = outputs["bucket"], outputs["queue_url"]
    clients = clients_on(world, "own", "worker-b")
    sqs = clients["sqs"]
    assert_images_are_read_only(clients, bucket)
    assert code_of(detect(clients, "detect_text", bucket, "1.jpg")) == "ok"
    assert refused(detect(clients, "detect_labels", bucket, "1.jpg"))
    world.emulator.client("sqs").send_message(QueueUrl=queue, MessageBody="1.jpg")
    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)["Messages"][0]
    handle = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
    assert code_of(lambda: sqs.change_message_visibility(**handle, VisibilityTimeout=9)) == "ok"
    entries = [
        {"Id": "1", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 9},
    ]
    assert (
        code_of(lambda: sqs.change_message_visibility_batch(QueueUrl=queue, Entries=entries))
        == "ok"
    )
    assert code_of(lambda: sqs.delete_message(**handle)) == "ok"
    assert refused(lambda: sqs.get_queue_attributes(QueueUrl=queue))
    assert refused(lambda: sqs.send_message(QueueUrl=queue, MessageBody="1.jpg"))
    assert refused(lambda: sqs.purge_queue(QueueUrl=queue))
    for other in others(world):
        assert refused(lambda url=other: sqs.receive_message(QueueUrl=url))  # type: ignore[misc]


@pytest.mark.parametrize("host", ["worker-a", "worker-b"])
def test_a_prefix_of_an_existing_bucket_is_all_that_is_read(world: World, host: str) -> None:
    """Beside the prefix nothing is listed or read; a key that is missing under it is a 404."""
    clients = clients_on(world, "given", host)
    s3 = clients["s3"]
    bucket = {"Bucket": "my-photos"}
    assert code_of(lambda: s3.list_objects_v2(**bucket, Prefix="photos/2024/")) == "ok"
    assert code_of(lambda: s3.get_object(**bucket, Key="photos/2024/1.jpg")) == "ok"
    assert code_of(lambda: s3.head_object(**bucket, Key="photos/2024/missing.jpg")) == "404"
    assert refused(lambda: s3.list_objects_v2(**bucket, Prefix="photos/2025/"))
    assert refused(lambda: s3.get_object(**bucket, Key="photos/2025/2.jpg"))


@pytest.mark.parametrize("host", ["worker-a", "worker-b"])
def test_results_are_put_under_their_prefix_alone(world: World, host: str) -> None:
    """Whole or in parts, and nothing there is read or deleted; an image is never written over."""
    s3 = clients_on(world, "given", host)["s3"]
    result = {"Bucket": "my-photos", "Key": "carscribe-results/1/a/results.jsonl"}
    image = {"Bucket": "my-photos", "Key": "photos/2024/1.jpg"}
    begun = s3.create_multipart_upload(**result)["UploadId"]
    assert code_of(lambda: s3.abort_multipart_upload(**result, UploadId=begun)) == "ok"
    assert refused(lambda: s3.get_object(**result))
    assert refused(lambda: s3.delete_object(**result))
    assert refused(lambda: s3.put_object(**image, Body=b""))
    assert refused(lambda: s3.create_multipart_upload(**image))
