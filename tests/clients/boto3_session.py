"""A program that uses S3, SQS and Rekognition with whatever boto3 runs it; it ends where one errs.

`python boto3_session.py` takes everything from the environment and prints the
version of boto3 and the protocol in which it speaks with SQS.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError

BODY = "a<b>&\"' \r\n\t ü🚗"
NUMBER: Any = {"DataType": "Number", "StringValue": "1"}
BYTES: Any = {"DataType": "Binary", "BinaryValue": b"\x00\xff"}
JPEG = b"\xff\xd8\xff\xd9"  # the least that is not: Rekognition shall say so


def same(found: object, wanted: object) -> None:
    """End the program unless both are the same."""
    if found != wanted:
        raise SystemExit(f"expected {wanted!r}, found {found!r}")


def error_of(call: Any, **request: Any) -> str:
    """Make a call that is refused; return the error's code."""
    try:
        call(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    raise SystemExit(f"{call.__name__} was not refused")


def use_s3(s3: Any) -> None:
    """Put, list, get and delete an object with an odd key."""
    s3.create_bucket(Bucket="clients")
    s3.put_object(Bucket="clients", Key="ü +1.jpg", Body=b"data")
    same([o["Key"] for o in s3.list_objects_v2(Bucket="clients")["Contents"]], ["ü +1.jpg"])
    same(s3.get_object(Bucket="clients", Key="ü +1.jpg")["Body"].read(), b"data")
    same(error_of(s3.get_object, Bucket="clients", Key="no"), "NoSuchKey")
    s3.delete_object(Bucket="clients", Key="ü +1.jpg")


def use_a_queue(sqs: Any) -> None:
    """Make a queue with a dead-letter queue, and do with messages all that can be done."""
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    redrive = {"deadLetterTargetArn": asked["Attributes"]["QueueArn"], "maxReceiveCount": 2}
    attributes = {"VisibilityTimeout": "30", "RedrivePolicy": json.dumps(redrive)}
    queue = sqs.create_queue(QueueName="q", Attributes=attributes, tags={"a": "b"})["QueueUrl"]
    same(sqs.get_queue_url(QueueName="q")["QueueUrl"], queue)
    same(sqs.list_queue_tags(QueueUrl=queue)["Tags"], {"a": "b"})
    same(sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"], [queue])
    same(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"), None)
    sent = sqs.send_message(
        QueueUrl=queue, MessageBody=BODY, MessageAttributes={"n": NUMBER, "b": BYTES}
    )
    entries = [{"Id": "good", "MessageBody": "x"}, {"Id": "bad", "MessageBody": "\x01"}]
    batch = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    same([entry["Id"] for entry in batch["Successful"]], ["good"])
    same([entry["Code"] for entry in batch["Failed"]], ["InvalidMessageContents"])
    names = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, **names)["Messages"]
    same([message["Body"] for message in got], [BODY, "x"])
    same(got[0]["MessageAttributes"], {"n": NUMBER, "b": BYTES})
    for name in ("MD5OfMessageAttributes", "MessageId"):
        same(got[0][name], sent[name])
    same(got[0]["Attributes"]["ApproximateReceiveCount"], "1")
    handles = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got)]
    again = [{**handles[0], "VisibilityTimeout": 0}]
    changed = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=again)
    same([entry["Id"] for entry in changed["Successful"]], ["0"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=got[1]["ReceiptHandle"])
    for count in (1, 0):  # the second receive of two, and then the dead letter
        messages = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0).get("Messages", [])
        same(len(messages), count)
    [letter] = sqs.receive_message(QueueUrl=dead, AttributeNames=["All"])["Messages"]
    same(letter["Body"], BODY)
    gone = "AWS.SimpleQueueService.NonExistentQueue"
    same(error_of(sqs.receive_message, QueueUrl=f"{queue}x"), gone)
    same(error_of(sqs.delete_message, QueueUrl=queue, ReceiptHandle="x"), "ReceiptHandleIsInvalid")
    sqs.purge_queue(QueueUrl=queue)
    sqs.delete_queue(QueueUrl=queue)
    same(sqs.list_queues()["QueueUrls"], [dead])


def use_a_fifo_queue(sqs: Any) -> None:
    """Send twice what is taken once, and receive it in order."""
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    queue = sqs.create_queue(QueueName="q.fifo", Attributes=attributes)["QueueUrl"]
    for body in ("1", "2", "1", "3"):
        sent = sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId="g")
        same(len(sent["SequenceNumber"]), 20)
    got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    same([message["Body"] for message in got], ["1", "2", "3"])


def main() -> None:
    """Use all of it."""
    make: Any = boto3.client
    s3, sqs, rekognition = (make(name) for name in ("s3", "sqs", "rekognition"))
    use_s3(s3)
    use_a_queue(sqs)
    use_a_fifo_queue(sqs)
    code = error_of(rekognition.detect_labels, Image={"Bytes": JPEG})
    same(code, "InvalidImageFormatException")
    protocol = sqs.meta.service_model.metadata["protocol"]
    sys.stdout.write(f"{boto3.__version__} {protocol}\n")


if __name__ == "__main__":
    main()
