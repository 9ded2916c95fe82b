"""The older protocol of SQS, which SDKs before the end of 2023 speak: forms in, XML out."""

from __future__ import annotations

import hashlib
import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest

from tests import signing

if TYPE_CHECKING:
    from tests.emulator import Emulator

SPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"
BODY = "a<b>&'\" \r\n\t ü🚗"


def ask(emulator: Emulator, path: str = "/", **form: str) -> tuple[int, ET.Element]:
    """Post a form; return the status and the document."""
    body = urlencode({"Version": "2012-11-05", **form}).encode()
    given = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    signed = signing.headers(emulator.secret, "POST", emulator.url + path, body, "sqs", given)
    connection = http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=10)
    connection.request("POST", path, body, signed)
    answer = connection.getresponse()
    found = ET.fromstring(answer.read())  # noqa: S314 # our own
    connection.close()
    return answer.status, found


def texts(found: ET.Element, *path: str) -> list[str]:
    """Return the texts of all elements at a path."""
    return [e.text or "" for e in found.findall("/".join(SPACE + part for part in path))]


@pytest.fixture
def queue(emulator: Emulator) -> str:
    """The path of a queue that is made in the same protocol."""
    form = {"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "7", "Tag.1.Key": "a"}
    status, found = ask(
        emulator, Action="CreateQueue", QueueName="q", **form, **{"Tag.1.Value": "b"}
    )
    assert status == 200
    [url] = texts(found, "CreateQueueResult", "QueueUrl")
    return urlsplit(url).path


def test_a_message_goes_through_it(emulator: Emulator, queue: str) -> None:
    """Body, attributes and both digests, which older SDKs check; the queue is named by the path."""
    attribute = "MessageAttribute.1"
    _, sent = ask(
        emulator,
        queue,
        Action="SendMessage",
        MessageBody=BODY,
        **{
            f"{attribute}.Name": "n",
            f"{attribute}.Value.DataType": "String",
            f"{attribute}.Value.StringValue": "v",
        },
    )
    md5 = hashlib.md5(BODY.encode(), usedforsecurity=False).hexdigest()
    assert texts(sent, "SendMessageResult", "MD5OfMessageBody") == [md5]
    form = {"AttributeName.1": "ApproximateReceiveCount", "MessageAttributeName.1": "All"}
    _, got = ask(emulator, queue, Action="ReceiveMessage", MaxNumberOfMessages="10", **form)
    message = ("ReceiveMessageResult", "Message")
    assert texts(got, *message, "Body") == [BODY]
    assert texts(got, *message, "MD5OfBody") == [md5]
    assert texts(got, *message, "Attribute", "Value") == ["1"]
    assert texts(got, *message, "MessageAttribute", "Value", "StringValue") == ["v"]
    assert texts(got, *message, "MD5OfMessageAttributes") == texts(
        sent, "SendMessageResult", "MD5OfMessageAttributes"
    )
    [handle] = texts(got, *message, "ReceiptHandle")
    status, done = ask(emulator, queue, Action="DeleteMessage", ReceiptHandle=handle)
    assert (status, done.tag) == (200, f"{SPACE}DeleteMessageResponse")
    assert texts(done, "ResponseMetadata", "RequestId")[0]


def test_an_empty_answer_has_its_element(emulator: Emulator, queue: str) -> None:
    """An SDK that finds no result where one belongs fails in its parser."""
    for action in ("ReceiveMessage", "GetQueueAttributes", "ListDeadLetterSourceQueues"):
        _, found = ask(emulator, queue, Action=action)
        assert found.find(f"{SPACE}{action}Result") is not None
    _, found = ask(emulator, queue, Action="PurgeQueue")
    assert [child.tag for child in found] == [f"{SPACE}ResponseMetadata"]


def test_a_batch_names_each_entry(emulator: Emulator, queue: str) -> None:
    """Those that were taken and those that were not."""
    entry = "SendMessageBatchRequestEntry"
    form = {f"{entry}.1.Id": "a", f"{entry}.1.MessageBody": "x", f"{entry}.2.Id": "b"}
    _, found = ask(
        emulator, queue, Action="SendMessageBatch", **form, **{f"{entry}.2.MessageBody": ""}
    )
    result = "SendMessageBatchResult"
    assert texts(found, result, "SendMessageBatchResultEntry", "Id") == ["a"]
    failed = (result, "BatchResultErrorEntry")
    assert texts(found, *failed, "Id") == ["b"]
    assert texts(found, *failed, "Code") == ["MissingParameter"]
    assert texts(found, *failed, "SenderFault") == ["true"]


def test_a_queue_is_asked_about(emulator: Emulator, queue: str) -> None:
    """Attributes, tags, lists."""
    form = {"AttributeName.1": "VisibilityTimeout", "AttributeName.2": "QueueArn"}
    _, found = ask(emulator, queue, Action="GetQueueAttributes", **form)
    attribute = ("GetQueueAttributesResult", "Attribute")
    pairs = zip(texts(found, *attribute, "Name"), texts(found, *attribute, "Value"), strict=True)
    assert dict(pairs) == {
        "VisibilityTimeout": "7",
        "QueueArn": "arn:aws:sqs:us-east-1:123456789012:q",
    }
    _, found = ask(emulator, queue, Action="ListQueueTags")
    assert texts(found, "ListQueueTagsResult", "Tag", "Value") == ["b"]
    _, found = ask(emulator, Action="ListQueues", QueueNamePrefix="q")
    [url] = texts(found, "ListQueuesResult", "QueueUrl")
    assert ask(emulator, Action="DeleteQueue", QueueUrl=url)[0] == 200


def test_an_error_has_its_older_name(emulator: Emulator) -> None:
    """Of the service, of a fault, and of credentials alike."""
    form = {"Action": "SendMessage", "QueueUrl": f"{emulator.url}/123456789012/no"}
    status, found = ask(emulator, **form)
    assert status == 400
    assert texts(found, "Error", "Code") == ["AWS.SimpleQueueService.NonExistentQueue"]
    assert texts(found, "Error", "Type") == ["Sender"]
    emulator.faults({"operations": {"sqs.*": {"error_share": 1}}})
    status, found = ask(emulator, **form)
    assert (status, found.findtext("Error/Code")) == (500, "InternalError")
    emulator.faults({"operations": {"sqs.*": {"throttle_share": 1}}})
    status, found = ask(emulator, **form)
    assert (status, found.findtext("Error/Code")) == (403, "RequestThrottled")
