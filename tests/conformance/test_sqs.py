"""SQS against its API reference, its developer guide, and botocore's model of it."""

from __future__ import annotations

import hashlib
import json
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.conftest import ANSWERS, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.account import Account

PREFIX = "AWS.SimpleQueueService"
FIFO = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
STRING = {"DataType": "String", "StringValue": "x"}
MEBIBYTE = 1_048_576


@pytest.fixture(scope="module")
def queue(account: Account) -> Iterator[str]:
    """A queue for what is refused, and leaves no message."""
    url = account.make_queue()
    yield url
    account.delete_queue(url)


@pytest.fixture(scope="module")
def fifo_queue(account: Account) -> Iterator[str]:
    """The same of a FIFO queue that is told each deduplication id."""
    url = account.make_queue(FifoQueue="true")
    yield url
    account.delete_queue(url)


@pytest.fixture
def quick(make_queue: Callable[..., str]) -> str:
    """A queue whose messages are hidden for a second."""
    return make_queue(VisibilityTimeout="1")


def receive(sqs: Any, url: str, count: int, **options: Any) -> list[dict[str, Any]]:
    """Receive so many messages: a short poll of AWS does not ask all of its servers."""
    options = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 3, **options}
    found: list[dict[str, Any]] = []
    while len(found) < count:
        messages = sqs.receive_message(QueueUrl=url, **options).get("Messages")
        assert messages, f"{len(found)} of {count} came"
        found += messages
    return found


def receive_no_more(sqs: Any, url: str) -> bool:
    """Say whether nothing is found: on AWS by a long poll, which asks all of its servers."""
    return "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2 * bool(ANSWERS))


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    """Return what the messages say."""
    return [message["Body"] for message in messages]


def entries(*texts: str, **more: str) -> list[dict[str, str]]:
    """Make the entries of a batch."""
    return [{"Id": str(n), "MessageBody": text, **more} for n, text in enumerate(texts)]


def shown(sqs: Any, url: str, *names: str) -> dict[str, str]:
    """Return attributes of a queue."""
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names or ["All"]))
    return dict(asked["Attributes"])


# --- queues ------------------------------------------------------------------------
def test_a_new_queue_shows_its_documented_defaults(sqs: Any, queue: str, fifo_queue: str) -> None:
    """Those of a standard queue, and nothing of what it was not given."""
    found = shown(sqs, queue)
    assert found.pop("CreatedTimestamp") == found.pop("LastModifiedTimestamp")
    name = queue.rpartition("/")[2]
    assert found.pop("QueueArn").endswith(f":{name}")
    assert found == {
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    }
    own = {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "false",
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
    }
    assert shown(sqs, fifo_queue, *own) == own


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("DelaySeconds", 0, 900),
        ("MaximumMessageSize", 1_024, MEBIBYTE),
        ("MessageRetentionPeriod", 60, 1_209_600),
        ("ReceiveMessageWaitTimeSeconds", 0, 20),
        ("VisibilityTimeout", 0, 43_200),
        ("KmsDataKeyReusePeriodSeconds", 60, 86_400),
    ],
)
def test_an_attribute_has_its_documented_range(
    sqs: Any, make_queue: Callable[..., str], name: str, least: int, most: int
) -> None:
    """Both ends are taken; one beyond, and what is no number, is not."""
    url = make_queue()
    for value in (least, most):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(value)})
    for wrong in (least - 1, most + 1, "x", "", "1.5"):
        asked = {"QueueUrl": url, "Attributes": {name: str(wrong)}}
        assert refusal(sqs.set_queue_attributes, **asked)[0] == "InvalidAttributeValue"


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Visibility": "1"}, "InvalidAttributeName"),
        ({"QueueArn": "x"}, "InvalidAttributeName"),
        ({"Policy": "{"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": '{"maxReceiveCount":5}'}, "InvalidAttributeValue"),
        (
            {"RedrivePolicy": '{"deadLetterTargetArn":"x","maxReceiveCount":"²"}'},
            "InvalidAttributeValue",
        ),
        ({"SqsManagedSseEnabled": "yes"}, "InvalidAttributeValue"),
        ({"FifoQueue": "true"}, "InvalidAttributeValue"),
    ],
)
def test_a_wrong_attribute_is_refused(
    sqs: Any, queue: str, attributes: dict[str, str], code: str
) -> None:
    """Its name or its form."""
    asked = {"QueueUrl": queue, "Attributes": attributes}
    assert refusal(sqs.set_queue_attributes, **asked)[0] == code


def test_high_throughput_needs_the_scope_of_a_group(
    sqs: Any, make_queue: Callable[..., str]
) -> None:
    """`perMessageGroupId` "is allowed only when the value for DeduplicationScope is messageGroup"."""
    url = make_queue(FifoQueue="true")
    per_group = {"FifoThroughputLimit": "perMessageGroupId"}
    code, _ = refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes=per_group)
    assert code == "InvalidAttributeValue"
    both = {**per_group, "DeduplicationScope": "messageGroup"}
    assert shown(sqs, make_queue(FifoQueue="true", **both), *both) == both


@pytest.mark.parametrize("name", ["x" * 81, "a.b", "a.fifo", "ü", "", "a b"])
def test_a_name_that_is_none(sqs: Any, name: str) -> None:
    """Up to 80 letters, digits, hyphens and underscores; `.fifo` is for the other kind."""
    code, _ = refusal(sqs.create_queue, QueueName=name)
    assert code in {"InvalidParameterValue", "MissingParameter"}


@pytest.mark.parametrize("ending", ["", ".fifo"])
def test_the_longest_name(account: Account, sqs: Any, ending: str) -> None:
    """Of 80 characters, all kinds of them."""
    name = f"{account.name()}_Az09-".ljust(80 - len(ending), "x") + ending
    attributes = {"FifoQueue": "true"} if ending else {}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    account.delete_queue(url)
    assert url.rpartition("/")[2] == name


@pytest.mark.parametrize("name", ["a", ".fifo", "x" * 76 + ".fifo"])
def test_a_fifo_name_that_is_none(sqs: Any, name: str) -> None:
    """It ends with `.fifo`, which counts towards the 80."""
    asked = {"QueueName": name, "Attributes": {"FifoQueue": "true"}}
    assert refusal(sqs.create_queue, **asked)[0] == "InvalidParameterValue"


def test_a_queue_is_made_once(account: Account, sqs: Any) -> None:
    """Again with the same attributes it is the same queue, with others it is an error."""
    url = account.make_queue(VisibilityTimeout="7")
    name = url.rpartition("/")[2]
    same = {"QueueName": name, "Attributes": {"VisibilityTimeout": "7"}}
    assert sqs.create_queue(**same)["QueueUrl"] == url
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    other = {"QueueName": name, "Attributes": {"VisibilityTimeout": "8"}}
    assert refusal(sqs.create_queue, **other)[0] == "QueueAlreadyExists"
    account.delete_queue(url)
    code, _ = refusal(sqs.create_queue, **same)
    assert code == f"{PREFIX}.QueueDeletedRecently"


@pytest.mark.parametrize("size", [0, 1_001])
def test_a_page_of_queues_has_its_limits(sqs: Any, queue: str, size: int) -> None:
    """From 1 to 1,000, of both lists."""
    for call, of in (
        (sqs.list_queues, {}),
        (sqs.list_dead_letter_source_queues, {"QueueUrl": queue}),
    ):
        assert refusal(call, MaxResults=size, **of)[0] == "InvalidParameterValue"


def test_tags_are_added_and_taken_away(sqs: Any, make_queue: Callable[..., str]) -> None:
    """A later value takes the place of an earlier one."""
    url = make_queue()
    sqs.tag_queue(QueueUrl=url, Tags={"a": "1", "c": "3"})
    sqs.tag_queue(QueueUrl=url, Tags={"a": "2", "b": ""})
    sqs.untag_queue(QueueUrl=url, TagKeys=["c", "none"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "2", "b": ""}


def test_a_queue_that_is_not_there_has_both_names(sqs: Any, queue: str) -> None:
    """The error is known by its newer name, and by the older one that Terraform waits for."""
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
        sqs.receive_message(QueueUrl=f"{queue}-none")
    answer = caught.value.response
    assert answer["Error"]["Code"] == f"{PREFIX}.NonExistentQueue"
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-query-error"] == f"{PREFIX}.NonExistentQueue;Sender"


def test_a_purge_is_refused_within_a_minute(sqs: Any, make_queue: Callable[..., str]) -> None:
    """And the first takes all messages."""
    url = make_queue()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.purge_queue(QueueUrl=url)
    code, text = refusal(sqs.purge_queue, QueueUrl=url)
    assert code == f"{PREFIX}.PurgeQueueInProgress"
    assert url.rpartition("/")[2] in text
    assert "60 seconds" in text


# --- messages ----------------------------------------------------------------------
def test_digests_are_as_documented(sqs: Any, make_queue: Callable[..., str]) -> None:
    """Of the body, and of attributes by name, each part with its length before it."""
    url = make_queue()
    attributes = {
        "n": {"DataType": "Number", "StringValue": "1"},
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    digest = hashlib.md5(usedforsecurity=False)
    for name, kind, mark, value in (
        (b"b", b"Binary", b"\x02", b"\x00\xff"),
        (b"n", b"Number", b"\x01", b"1"),
    ):
        for part in (name, kind):
            digest.update(struct.pack(">I", len(part)) + part)
        digest.update(mark + struct.pack(">I", len(value)) + value)
    sent = sqs.send_message(QueueUrl=url, MessageBody="ü", MessageAttributes=attributes)
    of_body = hashlib.md5("ü".encode(), usedforsecurity=False).hexdigest()
    assert sent["MD5OfMessageBody"] == of_body
    assert sent["MD5OfMessageAttributes"] == digest.hexdigest()
    [message] = receive(sqs, url, 1, MessageAttributeNames=["All"])
    assert message["MD5OfBody"] == of_body
    assert message["MD5OfMessageAttributes"] == digest.hexdigest()
    assert message["MessageAttributes"] == attributes


@pytest.mark.parametrize("body", ["a\tb\nc\rd", " ", "\ud7ff", "\ue000", "\ufffd", "🚗.jpg"])
def test_the_characters_of_xml_are_carried(
    sqs: Any, make_queue: Callable[..., str], body: str
) -> None:
    """What XML 1.0 allows arrives unchanged, at the bounds of every range."""
    url = make_queue()
    sqs.send_message(QueueUrl=url, MessageBody=body)
    assert bodies(receive(sqs, url, 1)) == [body]


@pytest.mark.parametrize("body", ["a\x00b", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_other_characters_are_refused(sqs: Any, make_queue: Callable[..., str], body: str) -> None:
    """In a body and in an attribute; in a batch that entry alone; nothing of it is queued."""
    url = make_queue()
    code = "InvalidMessageContents"
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody=body)[0] == code
    attributes = {"n": {**STRING, "StringValue": body}}
    asked = {"QueueUrl": url, "MessageBody": "x", "MessageAttributes": attributes}
    assert refusal(sqs.send_message, **asked)[0] in {code, "InvalidParameterValue"}
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries("1.jpg", body, "2.jpg"))
    assert sorted(entry["Id"] for entry in answer["Successful"]) == ["0", "2"]
    assert [(e["Id"], e["Code"], e["SenderFault"]) for e in answer["Failed"]] == [("1", code, True)]
    assert sorted(bodies(receive(sqs, url, 2))) == ["1.jpg", "2.jpg"]


@pytest.mark.parametrize(
    ("size", "attributes", "good"),
    [
        (1_024, {}, True),
        (1_025, {}, False),
        # 4 + 6 + 14 bytes of name, type and value.
        (1_000, {"name": {**STRING, "StringValue": "x" * 14}}, True),
        (1_000, {"name": {**STRING, "StringValue": "x" * 15}}, False),
    ],
)
def test_the_size_of_a_message_counts_body_and_attributes(
    sqs: Any, make_queue: Callable[..., str], size: int, attributes: dict[str, Any], good: bool
) -> None:
    """In bytes, not in characters, up to the queue's own limit."""
    url = make_queue(MaximumMessageSize="1024")
    for body in ("x" * size, "ü" * (size // 2) + "x" * (size % 2)):
        sent = {"QueueUrl": url, "MessageBody": body, "MessageAttributes": attributes}
        if good:
            assert sqs.send_message(**sent)["MessageId"]
        else:
            code, text = refusal(sqs.send_message, **sent)
            assert code == "InvalidParameterValue"
            assert "must be shorter than 1024 bytes" in text


def test_a_message_and_a_batch_are_a_mebibyte_at_most(
    sqs: Any, make_queue: Callable[..., str]
) -> None:
    """Of a batch the sum counts."""
    url = make_queue()
    assert sqs.send_message(QueueUrl=url, MessageBody="x" * MEBIBYTE)["MessageId"]
    asked = {"QueueUrl": url, "MessageBody": "x" * (MEBIBYTE + 1)}
    assert refusal(sqs.send_message, **asked)[0] == "InvalidParameterValue"
    half = "x" * (MEBIBYTE // 2)
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries(half, half))
    assert len(sent["Successful"]) == 2
    code, _ = refusal(sqs.send_message_batch, QueueUrl=url, Entries=entries(half, f"{half}x"))
    assert code == f"{PREFIX}.BatchRequestTooLong"


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([str(n) for n in range(11)], "TooManyEntriesInBatchRequest"),
        (["1", "1"], "BatchEntryIdsNotDistinct"),
        (["a b"], "InvalidBatchEntryId"),
        (["x" * 81], "InvalidBatchEntryId"),
    ],
)
@pytest.mark.parametrize(
    "call", ["send_message_batch", "delete_message_batch", "change_message_visibility_batch"]
)
def test_a_batch_that_is_none_is_refused_as_a_whole(
    sqs: Any, queue: str, call: str, ids: list[str], code: str
) -> None:
    """Each of the three operations says the same."""
    fields: dict[str, Any] = {"MessageBody": "x"}
    if call != "send_message_batch":
        fields = {"ReceiptHandle": "x"}
    if call == "change_message_visibility_batch":
        fields["VisibilityTimeout"] = 1
    asked = {"QueueUrl": queue, "Entries": [{"Id": n, **fields} for n in ids]}
    assert refusal(getattr(sqs, call), **asked)[0] == f"{PREFIX}.{code}"


def test_an_entry_fails_by_itself(sqs: Any, make_queue: Callable[..., str]) -> None:
    """The others are carried out, and the answer names each."""
    url = make_queue()
    batch: list[dict[str, Any]] = [
        {"Id": "good", "MessageBody": "1"},
        {"Id": "empty", "MessageBody": ""},
        {"Id": "late", "MessageBody": "2", "DelaySeconds": 901},
    ]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=batch)
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert {entry["Id"]: entry["Code"] for entry in answer["Failed"]} == {
        "empty": "MissingParameter",
        "late": "InvalidParameterValue",
    }
    assert all(entry["SenderFault"] for entry in answer["Failed"])


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("n" * 257, STRING),
        ("AWS.x", STRING),
        ("amazon.x", STRING),
        ("a..b", STRING),
        (".a", STRING),
        ("a.", STRING),
        ("a b", STRING),
        ("n", {**STRING, "StringValue": ""}),
        ("n", {"DataType": "String"}),
        ("n", {**STRING, "DataType": "Text"}),
        ("n", {"DataType": "Number", "StringValue": "one"}),
    ],
)
def test_an_attribute_of_a_message_that_is_none(
    sqs: Any, queue: str, name: str, attribute: dict[str, Any]
) -> None:
    """Developer guide, "Message attribute components"."""
    asked = {"QueueUrl": queue, "MessageBody": "x", "MessageAttributes": {name: attribute}}
    assert refusal(sqs.send_message, **asked)[0] == "InvalidParameterValue"


def test_attributes_come_back_as_they_are_asked_for(
    sqs: Any, make_queue: Callable[..., str]
) -> None:
    """By name, by beginning, all, or none; ten of them, of all kinds; eleven are refused."""
    url = make_queue(VisibilityTimeout="0")
    some: dict[str, Any] = dict.fromkeys(("a.b", "a.c", "n" * 256), STRING)
    some["i"] = {"DataType": "Number.int", "StringValue": "-1.5e3"}
    some["p"] = {"DataType": "Binary.png", "BinaryValue": b"\0\1"}
    some |= {str(n): STRING for n in range(6)}
    sent = {"QueueUrl": url, "MessageBody": "x"}
    code, _ = refusal(sqs.send_message, MessageAttributes=some, **sent)
    assert code == "InvalidParameterValue"
    del some["0"]
    sqs.send_message(MessageAttributes=some, **sent)
    for asked, names in (
        (["All"], set(some)),
        ([".*"], set(some)),
        (["a.*"], {"a.b", "a.c"}),
        (["i", "none"], {"i"}),
        ([], set()),
    ):
        [message] = receive(sqs, url, 1, MessageAttributeNames=asked)
        assert message.get("MessageAttributes", {}) == {name: some[name] for name in names}
        assert ("MD5OfMessageAttributes" in message) == bool(names)


def test_system_attributes_come_back_as_they_are_asked_for(
    sqs: Any, make_queue: Callable[..., str]
) -> None:
    """Under the older and the newer name of the parameter; a standard queue has groups, too."""
    url = make_queue(VisibilityTimeout="0")
    trace = {
        "AWSTraceHeader": {**STRING, "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}
    }
    sent = sqs.send_message(
        QueueUrl=url, MessageBody="x", MessageGroupId="tenant", MessageSystemAttributes=trace
    )
    assert sent["MD5OfMessageSystemAttributes"]
    assert "SequenceNumber" not in sent
    [message] = receive(sqs, url, 1)
    assert "Attributes" not in message
    [message] = receive(sqs, url, 1, MessageSystemAttributeNames=["All"])
    found = message["Attributes"]
    assert found["ApproximateReceiveCount"] == "2"
    assert found["MessageGroupId"] == "tenant"
    assert found["AWSTraceHeader"] == trace["AWSTraceHeader"]["StringValue"]
    assert found["SentTimestamp"] <= found["ApproximateFirstReceiveTimestamp"]
    assert found["SenderId"]
    [message] = receive(sqs, url, 1, AttributeNames=["SentTimestamp"])
    assert message["Attributes"] == {"SentTimestamp": found["SentTimestamp"]}


def test_a_standard_queue_has_no_deduplication(sqs: Any, make_queue: Callable[..., str]) -> None:
    """It "applies only to FIFO queues": a program that was written for one is told."""
    url = make_queue()
    sent = {"QueueUrl": url, "MessageBody": "x", "MessageDeduplicationId": "1"}
    code, text = refusal(sqs.send_message, **sent)
    assert (code, "not valid for this queue type" in text) == ("InvalidParameterValue", True)
    assert receive_no_more(sqs, url)


# --- receiving ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("MaxNumberOfMessages", 0),
        ("MaxNumberOfMessages", 11),
        ("WaitTimeSeconds", -1),
        ("WaitTimeSeconds", 21),
        ("VisibilityTimeout", -1),
        ("VisibilityTimeout", 43_201),
    ],
)
def test_a_receive_has_its_limits(sqs: Any, queue: str, parameter: str, value: int) -> None:
    """Beyond them it is refused, with the parameter's name."""
    code, text = refusal(sqs.receive_message, QueueUrl=queue, **{parameter: value})
    assert code == "InvalidParameterValue"
    assert f"Value {value} for parameter {parameter} is invalid" in text


def test_a_long_poll_ends_with_the_first_message(sqs: Any, make_queue: Callable[..., str]) -> None:
    """A message that is sent while somebody waits is delivered long before the wait is over."""
    url = make_queue()
    sender = threading.Timer(0.3, lambda: sqs.send_message(QueueUrl=url, MessageBody="1.jpg"))
    begun = time.monotonic()
    sender.start()
    assert bodies(receive(sqs, url, 1, WaitTimeSeconds=20)) == ["1.jpg"]
    assert 0.2 < time.monotonic() - begun < 19
    sender.join()


def test_a_message_is_delayed(sqs: Any, make_queue: Callable[..., str]) -> None:
    """It comes no earlier; until then it is counted by itself."""
    url = make_queue()
    begun = time.monotonic()
    sqs.send_message(QueueUrl=url, MessageBody="1.jpg", DelaySeconds=1)
    assert bodies(receive(sqs, url, 1, WaitTimeSeconds=10)) == ["1.jpg"]
    assert time.monotonic() - begun > 0.9


def test_a_message_given_back_is_received_at_once(sqs: Any, make_queue: Callable[..., str]) -> None:
    """Visibility 0 returns a message, and only its newest handle can do that."""
    url = make_queue()
    sqs.send_message(QueueUrl=url, MessageBody="1.jpg")
    first = receive(sqs, url, 1)[0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first, VisibilityTimeout=0)
    second = receive(sqs, url, 1)[0]["ReceiptHandle"]
    answer = sqs.change_message_visibility_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "new", "ReceiptHandle": second, "VisibilityTimeout": 30},
            {"Id": "none", "ReceiptHandle": "x", "VisibilityTimeout": 30},
            {"Id": "late", "ReceiptHandle": second, "VisibilityTimeout": 43_201},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["new"]
    assert {entry["Id"]: entry["Code"] for entry in answer["Failed"]} == {
        "none": "ReceiptHandleIsInvalid",
        "late": "InvalidParameterValue",
    }
    assert receive_no_more(sqs, url)


def test_a_message_cannot_be_hidden_for_more_than_twelve_hours(sqs: Any, quick: str) -> None:
    """From when it was received, not from when that is asked."""
    sqs.send_message(QueueUrl=quick, MessageBody="1.jpg")
    [message] = receive(sqs, quick, 1, VisibilityTimeout=43_200)
    time.sleep(1.1)
    change = {"QueueUrl": quick, "ReceiptHandle": message["ReceiptHandle"]}
    code, text = refusal(sqs.change_message_visibility, VisibilityTimeout=43_200, **change)
    assert code == "InvalidParameterValue"
    assert "Total VisibilityTimeout" in text
    sqs.change_message_visibility(VisibilityTimeout=43_100, **change)


def test_a_standard_queue_deletes_after_the_timeout(sqs: Any, quick: str) -> None:
    """By an old handle of the message too, and twice is once."""
    sqs.send_message(QueueUrl=quick, MessageBody="1.jpg")
    first = receive(sqs, quick, 1)[0]["ReceiptHandle"]
    receive(sqs, quick, 1, VisibilityTimeout=2)
    for _ in range(2):
        sqs.delete_message(QueueUrl=quick, ReceiptHandle=first)
    time.sleep(2.1)
    assert receive_no_more(sqs, quick)


def test_a_message_received_too_often_goes_to_the_dead_letter_queue(
    sqs: Any, make_queue: Callable[..., str]
) -> None:
    """In place of one more receive than allowed, and it says where it comes from."""
    dead = make_queue()
    arn = shown(sqs, dead, "QueueArn")["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    url = make_queue(VisibilityTimeout="0", RedrivePolicy=redrive)
    assert json.loads(shown(sqs, url)["RedrivePolicy"]) == json.loads(redrive)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sqs.send_message(QueueUrl=url, MessageBody="junk")
    for _ in range(2):
        receive(sqs, url, 1)
    assert receive_no_more(sqs, url)
    [letter] = receive(sqs, dead, 1, MessageSystemAttributeNames=["All"])
    assert letter["Body"] == "junk"
    assert letter["Attributes"]["DeadLetterQueueSourceArn"].endswith(url.rpartition("/")[2])


def test_a_dead_letter_queue_is_there_and_of_the_same_kind(
    sqs: Any, queue: str, fifo_queue: str
) -> None:
    """Developer guide, "Using dead-letter queues"."""
    arn = shown(sqs, fifo_queue, "QueueArn")["QueueArn"]
    for target in (arn, arn.replace(".fifo", "-none")):
        redrive = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 5})
        asked = {"QueueUrl": queue, "Attributes": {"RedrivePolicy": redrive}}
        assert refusal(sqs.set_queue_attributes, **asked)[0] == "InvalidParameterValue"


# --- FIFO queues ---------------------------------------------------------------------
def test_a_fifo_send_needs_a_group_and_something_to_tell_it_by(sqs: Any, fifo_queue: str) -> None:
    """An id of its own, or the queue takes the body; a delay is the queue's alone."""
    sent = {"QueueUrl": fifo_queue, "MessageBody": "x"}
    code, text = refusal(sqs.send_message, **sent)
    assert (code, "MessageGroupId" in text) == ("MissingParameter", True)
    code, text = refusal(sqs.send_message, MessageGroupId="g", **sent)
    assert (code, "ContentBasedDeduplication" in text) == ("InvalidParameterValue", True)
    told = {**sent, "MessageDeduplicationId": "1"}
    for wrong in ({"MessageGroupId": "a b"}, {"MessageGroupId": "x" * 129}):
        assert refusal(sqs.send_message, **told, **wrong)[0] == "InvalidParameterValue"
    delayed = {**told, "MessageGroupId": "g", "DelaySeconds": 1}
    assert refusal(sqs.send_message, **delayed)[0] == "InvalidParameterValue"


def test_a_group_keeps_its_order_and_waits_for_what_is_in_flight(
    sqs: Any, make_queue: Callable[..., str]
) -> None:
    """While one of a group is in flight the rest is held back; other groups go on."""
    url = make_queue(**FIFO)
    numbers = []
    for group, texts in {"a": ("a1", "a2", "a3"), "b": ("b1",)}.items():
        batch = entries(*texts, MessageGroupId=group)
        answer = sqs.send_message_batch(QueueUrl=url, Entries=batch)
        numbers += [entry["SequenceNumber"] for entry in answer["Successful"]]
    assert numbers == sorted(numbers, key=int)
    assert {len(number) for number in numbers} == {20}
    names = ["MessageGroupId", "SequenceNumber"]
    found = [
        receive(sqs, url, 1, MaxNumberOfMessages=1, MessageSystemAttributeNames=names)[0]
        for _ in "ab"
    ]
    assert sorted(bodies(found)) == ["a1", "b1"]
    first = next(message for message in found if message["Body"] == "a1")
    assert first["Attributes"] == {"MessageGroupId": "a", "SequenceNumber": numbers[0]}
    assert receive_no_more(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(receive(sqs, url, 2)) == ["a2", "a3"]


def test_what_comes_back_comes_before_what_is_younger(
    sqs: Any, make_queue: Callable[..., str]
) -> None:
    """A message that is given back is the group's next one again."""
    url = make_queue(**FIFO)
    sqs.send_message_batch(QueueUrl=url, Entries=entries("1", "2", "3", MessageGroupId="g"))
    [first] = receive(sqs, url, 1, MaxNumberOfMessages=1)
    handle = {"QueueUrl": url, "ReceiptHandle": first["ReceiptHandle"]}
    sqs.change_message_visibility(VisibilityTimeout=0, **handle)
    assert bodies(receive(sqs, url, 3)) == ["1", "2", "3"]


def test_a_second_message_of_one_id_is_the_first(sqs: Any, make_queue: Callable[..., str]) -> None:
    """Also after the first was deleted, and in another group: the rerun that sends nothing."""
    url = make_queue(**FIFO)
    sent = {"QueueUrl": url, "MessageBody": "1.jpg", "MessageGroupId": "g"}
    first = sqs.send_message(**sent)
    [message] = receive(sqs, url, 1)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    for group in ("g", "other"):
        again = sqs.send_message(**{**sent, "MessageGroupId": group})
        assert again["MessageId"] == first["MessageId"]
        assert again["SequenceNumber"] == first["SequenceNumber"]
    assert receive_no_more(sqs, url)


def test_deduplication_can_be_each_groups_own(sqs: Any, make_queue: Callable[..., str]) -> None:
    """`DeduplicationScope` is messageGroup: one id in two groups is two messages."""
    url = make_queue(**FIFO, DeduplicationScope="messageGroup")
    for group in ("a", "b", "a"):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId=group)
    receive(sqs, url, 2)
    assert receive_no_more(sqs, url)


def test_a_fifo_queue_does_not_delete_after_the_timeout(
    sqs: Any, make_queue: Callable[..., str]
) -> None:
    """The commonest mistake with these queues: longer at work than the message is hidden."""
    url = make_queue(**FIFO, VisibilityTimeout="1")
    sqs.send_message(QueueUrl=url, MessageBody="1.jpg", MessageGroupId="g")
    [message] = receive(sqs, url, 1)
    [again] = receive(sqs, url, 1, WaitTimeSeconds=10, VisibilityTimeout=30)
    handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    code, text = refusal(sqs.delete_message, **handle)
    assert code == "InvalidParameterValue"
    assert text.endswith("Reason: The receipt handle has expired.")
    for _ in range(2):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
