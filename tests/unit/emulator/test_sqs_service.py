"""What the API of SQS says: attributes, limits, names, batches, FIFO sends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.faults import Faults
from emulator.sqs.errors import SqsError
from emulator.sqs.service import Caller, Sqs

CALLER = Caller("us-east-1", "http://127.0.0.1:4566")
ARN = "arn:aws:sqs:us-east-1:123456789012"


class Asked:
    """The service, with a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.sqs = Sqs(Faults, lambda: self.now)

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make a call."""
        return self.sqs.call(operation, parameters, CALLER)

    def make(self, name: str, **attributes: str) -> str:
        """Make a queue; return its URL."""
        return str(self("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"])

    def fifo(self, name: str = "q.fifo", **attributes: str) -> str:
        """Make a FIFO queue that takes a body for its deduplication id."""
        given = {"FifoQueue": "true", "ContentBasedDeduplication": "true", **attributes}
        return self.make(name, **given)

    def refusal(self, operation: str, **parameters: Any) -> tuple[str, str]:
        """Make a call that is refused; return the older code and the message."""
        with pytest.raises(SqsError) as caught:
            self(operation, **parameters)
        return caught.value.query_code, caught.value.message

    def attributes(self, url: str, *names: str) -> dict[str, str]:
        """Return a queue's attributes."""
        asked = self("GetQueueAttributes", QueueUrl=url, AttributeNames=list(names or ["All"]))
        return dict(asked.get("Attributes", {}))

    def receive(self, url: str, **options: Any) -> list[dict[str, Any]]:
        """Receive up to ten messages."""
        options = {"MaxNumberOfMessages": 10, **options}
        return list(self("ReceiveMessage", QueueUrl=url, **options).get("Messages", []))


@pytest.fixture
def ask() -> Asked:
    """A service without queues."""
    return Asked()


def test_a_new_queue_shows_its_documented_defaults(ask: Asked) -> None:
    """Those of a standard queue, and nothing of what it was not given."""
    shown = ask.attributes(ask.make("q"))
    assert shown == {
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "CreatedTimestamp": "1000000",
        "DelaySeconds": "0",
        "LastModifiedTimestamp": "1000000",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "QueueArn": f"{ARN}:q",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    }
    assert (
        ask.attributes(ask.fifo()).items()
        >= {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
            "DeduplicationScope": "queue",
            "FifoThroughputLimit": "perQueue",
        }.items()
    )


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("DelaySeconds", 0, 900),
        ("MaximumMessageSize", 1_024, 1_048_576),
        ("MessageRetentionPeriod", 60, 1_209_600),
        ("ReceiveMessageWaitTimeSeconds", 0, 20),
        ("VisibilityTimeout", 0, 43_200),
        ("KmsDataKeyReusePeriodSeconds", 60, 86_400),
    ],
)
def test_an_attribute_has_its_documented_range(
    ask: Asked, name: str, least: int, most: int
) -> None:
    """Both ends are allowed, one beyond and what is no number are not, and then nothing changes."""
    url = ask.make("q", KmsMasterKeyId="alias/aws/sqs")
    for value in (least, most):
        ask("SetQueueAttributes", QueueUrl=url, Attributes={name: str(value)})
        assert ask.attributes(url, name) == {name: str(value)}
    for wrong in (least - 1, most + 1, "x", "", "1.5", "²"):
        attributes = {"Policy": "{}", name: str(wrong)}
        code, _ = ask.refusal("SetQueueAttributes", QueueUrl=url, Attributes=attributes)
        assert code == "InvalidAttributeValue"
    assert ask.attributes(url, name, "Policy") == {name: str(most)}


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Visibility": "1"}, "InvalidAttributeName"),
        ({"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
        ({"QueueArn": "x"}, "InvalidAttributeName"),
        ({"Policy": "{"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": "[]"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": '{"maxReceiveCount":5}'}, "InvalidAttributeValue"),
        ({"SqsManagedSseEnabled": "yes"}, "InvalidAttributeValue"),
        ({"FifoQueue": "true"}, "InvalidAttributeValue"),
        (
            {
                "RedrivePolicy": json.dumps(
                    {"deadLetterTargetArn": f"{ARN}:no", "maxReceiveCount": 5}
                )
            },
            "InvalidParameterValue",
        ),
        (
            {
                "RedrivePolicy": json.dumps(
                    {"deadLetterTargetArn": f"{ARN}:q", "maxReceiveCount": 0}
                )
            },
            "InvalidAttributeValue",
        ),
        (
            {
                "RedrivePolicy": json.dumps(
                    {"deadLetterTargetArn": f"{ARN}:q.fifo", "maxReceiveCount": 5}
                )
            },
            "InvalidParameterValue",
        ),
    ],
)
def test_a_wrong_attribute_is_refused_and_changes_nothing(
    ask: Asked, attributes: dict[str, str], code: str
) -> None:
    """Its name, its form, or what it points to."""
    ask.fifo()
    url = ask.make("q")
    before = ask.attributes(url)
    assert ask.refusal("SetQueueAttributes", QueueUrl=url, Attributes=attributes)[0] == code
    assert ask.attributes(url) == before


def test_an_own_key_takes_the_place_of_the_services(ask: Asked) -> None:
    """Only one of the two encrypts a queue."""
    url = ask.make("q")
    ask("SetQueueAttributes", QueueUrl=url, Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    names = ("KmsMasterKeyId", "SqsManagedSseEnabled", "KmsDataKeyReusePeriodSeconds")
    assert ask.attributes(url, *names) == {
        "KmsMasterKeyId": "alias/aws/sqs",
        "KmsDataKeyReusePeriodSeconds": "300",
        "SqsManagedSseEnabled": "false",
    }
    ask("SetQueueAttributes", QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    assert ask.attributes(url, *names) == {"SqsManagedSseEnabled": "true"}


def test_high_throughput_needs_the_scope_of_a_group(ask: Asked) -> None:
    """The two attributes belong together."""
    url = ask.fifo()
    per_group = {"FifoThroughputLimit": "perMessageGroupId"}
    code, _ = ask.refusal("SetQueueAttributes", QueueUrl=url, Attributes=per_group)
    assert code == "InvalidAttributeValue"
    both = {**per_group, "DeduplicationScope": "messageGroup"}
    ask("SetQueueAttributes", QueueUrl=url, Attributes=both)
    assert ask.attributes(url, *both) == both


@pytest.mark.parametrize(
    ("name", "fifo", "good"),
    [
        ("a", False, True),
        ("A-b_9" + "x" * 75, False, True),
        ("x" * 81, False, False),
        ("a.b", False, False),
        ("a.fifo", False, False),
        ("ü", False, False),
        ("a.fifo", True, True),
        ("x" * 75 + ".fifo", True, True),
        ("x" * 76 + ".fifo", True, False),
        ("a", True, False),
        (".fifo", True, False),
    ],
)
def test_names_of_queues(ask: Asked, name: str, fifo: bool, good: bool) -> None:
    """Up to 80 characters of a few kinds, and `.fifo` for the one kind of queue alone."""
    attributes = {"FifoQueue": "true"} if fifo else {}
    if good:
        assert ask.make(name, **attributes).endswith(f"/123456789012/{name}")
    else:
        asked = {"QueueName": name, "Attributes": attributes}
        assert ask.refusal("CreateQueue", **asked)[0] == "InvalidParameterValue"


def test_a_queue_is_made_once(ask: Asked) -> None:
    """Again with the same attributes it is the same queue, with others it is an error."""
    url = ask.make("q", VisibilityTimeout="7")
    assert ask.make("q", VisibilityTimeout="7") == url
    assert ask.make("q") == url
    code, message = ask.refusal("CreateQueue", QueueName="q", Attributes={"VisibilityTimeout": "8"})
    assert code == "QueueAlreadyExists"
    assert "VisibilityTimeout" in message


def test_a_deleted_queues_name_is_blocked_for_a_minute(ask: Asked) -> None:
    """And the queue is gone at once."""
    url = ask.make("q")
    ask("DeleteQueue", QueueUrl=url)
    gone = "AWS.SimpleQueueService.NonExistentQueue"
    assert ask.refusal("GetQueueAttributes", QueueUrl=url)[0] == gone
    assert ask.refusal("GetQueueUrl", QueueName="q")[0] == gone
    ask.now += 59.9
    code = "AWS.SimpleQueueService.QueueDeletedRecently"
    assert ask.refusal("CreateQueue", QueueName="q")[0] == code
    ask.now += 0.1
    assert ask.make("q") == url


def test_queues_are_listed_by_prefix_and_in_pages(ask: Asked) -> None:
    """Of the region alone that is asked."""
    urls = [ask.make(name) for name in ("a1", "a2", "a3", "b1")]
    assert ask("ListQueues")["QueueUrls"] == urls
    assert ask("ListQueues", QueueNamePrefix="c") == {}
    first = ask("ListQueues", QueueNamePrefix="a", MaxResults=2)
    assert first["QueueUrls"] == urls[:2]
    token = first["NextToken"]
    second = ask("ListQueues", QueueNamePrefix="a", MaxResults=2, NextToken=token)
    assert second == {"QueueUrls": [urls[2]]}
    assert ask.sqs.call("ListQueues", {}, Caller("eu-west-1", "http://x")) == {}


def test_tags_are_added_and_taken_away(ask: Asked) -> None:
    """Also those that a queue is made with."""
    url = str(ask("CreateQueue", QueueName="q", tags={"a": "1"})["QueueUrl"])
    ask("TagQueue", QueueUrl=url, Tags={"a": "2", "b": ""})
    assert ask("ListQueueTags", QueueUrl=url) == {"Tags": {"a": "2", "b": ""}}
    ask("UntagQueue", QueueUrl=url, TagKeys=["a", "b", "c"])
    assert ask("ListQueueTags", QueueUrl=url) == {}


def test_the_sources_of_a_dead_letter_queue_are_listed(ask: Asked) -> None:
    """Those whose redrive policy names it."""
    dead, url = ask.make("dead"), ask.make("q")
    assert ask("ListDeadLetterSourceQueues", QueueUrl=dead) == {}
    redrive = json.dumps({"deadLetterTargetArn": f"{ARN}:dead", "maxReceiveCount": "3"})
    ask("SetQueueAttributes", QueueUrl=url, Attributes={"RedrivePolicy": redrive})
    assert ask("ListDeadLetterSourceQueues", QueueUrl=dead) == {"queueUrls": [url]}


@pytest.mark.parametrize(
    ("extra", "good"),
    [
        ({"MessageBody": "x" * 1_024}, True),
        ({"MessageBody": "x" * 1_025}, False),
        ({"MessageBody": "ü" * 512}, True),
        ({"MessageBody": "ü" * 513}, False),
        (
            {
                "MessageBody": "x" * 1_000,
                # 4 + 6 + 14 bytes of name, type and value.
                "MessageAttributes": {"name": {"DataType": "String", "StringValue": "x" * 14}},
            },
            True,
        ),
        (
            {
                "MessageBody": "x" * 1_000,
                "MessageAttributes": {"name": {"DataType": "String", "StringValue": "x" * 15}},
            },
            False,
        ),
    ],
)
def test_the_size_of_a_message_counts_body_and_attributes(
    ask: Asked, extra: dict[str, Any], good: bool
) -> None:
    """In bytes, up to the queue's own limit."""
    url = ask.make("q", MaximumMessageSize="1024")
    if good:
        assert ask("SendMessage", QueueUrl=url, **extra)["MessageId"]
    else:
        code, message = ask.refusal("SendMessage", QueueUrl=url, **extra)
        assert code == "InvalidParameterValue"
        assert "Message must be shorter than 1024 bytes" in message


def test_a_batch_is_a_mebibyte_at_most(ask: Asked) -> None:
    """The sum counts, not each message's own limit."""
    url = ask.make("q")
    half = "x" * 524_288
    entries = [{"Id": "1", "MessageBody": half}, {"Id": "2", "MessageBody": half}]
    sent = ask("SendMessageBatch", QueueUrl=url, Entries=entries)
    assert len(sent["Successful"]) == 2
    entries[1]["MessageBody"] += "x"
    code, _ = ask.refusal("SendMessageBatch", QueueUrl=url, Entries=entries)
    assert code == "AWS.SimpleQueueService.BatchRequestTooLong"


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([str(n) for n in range(11)], "TooManyEntriesInBatchRequest"),
        (["1", "1"], "BatchEntryIdsNotDistinct"),
        (["a b"], "InvalidBatchEntryId"),
        (["x" * 81], "InvalidBatchEntryId"),
        ([""], "InvalidBatchEntryId"),
    ],
)
@pytest.mark.parametrize(
    "operation", ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"]
)
def test_a_batch_that_is_none_is_refused_as_a_whole(
    ask: Asked, operation: str, ids: list[str], code: str
) -> None:
    """Each of the three operations says the same."""
    url = ask.make("q")
    entries = [
        {"Id": n, "MessageBody": "x", "ReceiptHandle": "x", "VisibilityTimeout": 1} for n in ids
    ]
    found, _ = ask.refusal(operation, QueueUrl=url, Entries=entries)
    assert found == f"AWS.SimpleQueueService.{code}"
    assert ask.receive(url) == []


def test_an_entry_fails_by_itself(ask: Asked) -> None:
    """The others are carried out, and the answer names each."""
    url = ask.make("q")
    entries = [
        {"Id": "good", "MessageBody": "1"},
        {"Id": "empty", "MessageBody": ""},
        {"Id": "character", "MessageBody": "\0"},
        {"Id": "late", "MessageBody": "2", "DelaySeconds": 901},
    ]
    answer = ask("SendMessageBatch", QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert {entry["Id"]: entry["Code"] for entry in answer["Failed"]} == {
        "empty": "MissingParameter",
        "character": "InvalidMessageContents",
        "late": "InvalidParameterValue",
    }
    assert all(entry["SenderFault"] for entry in answer["Failed"])


@pytest.mark.parametrize(
    ("name", "attribute", "good"),
    [
        ("n", {"DataType": "String", "StringValue": "x"}, True),
        ("n", {"DataType": "Number.int", "StringValue": "-1.5e3"}, True),
        ("n", {"DataType": "Binary.png", "BinaryValue": "AAE="}, True),
        ("n" * 256, {"DataType": "String", "StringValue": "x"}, True),
        ("n" * 257, {"DataType": "String", "StringValue": "x"}, False),
        ("AWS.x", {"DataType": "String", "StringValue": "x"}, False),
        ("amazon.x", {"DataType": "String", "StringValue": "x"}, False),
        ("a..b", {"DataType": "String", "StringValue": "x"}, False),
        (".a", {"DataType": "String", "StringValue": "x"}, False),
        ("a.", {"DataType": "String", "StringValue": "x"}, False),
        ("a b", {"DataType": "String", "StringValue": "x"}, False),
        ("n", {"DataType": "String", "StringValue": ""}, False),
        ("n", {"DataType": "String"}, False),
        ("n", {"DataType": "Text", "StringValue": "x"}, False),
        ("n", {"DataType": "Number", "StringValue": "one"}, False),
        ("n", {"DataType": "Binary", "BinaryValue": "*"}, False),
    ],
)
def test_attributes_of_a_message(
    ask: Asked, name: str, attribute: dict[str, Any], good: bool
) -> None:
    """Names, types and values as documented."""
    url = ask.make("q")
    sent = {"QueueUrl": url, "MessageBody": "x", "MessageAttributes": {name: attribute}}
    if good:
        assert ask("SendMessage", **sent)["MD5OfMessageAttributes"]
        [message] = ask.receive(url, MessageAttributeNames=["All"])
        assert message["MessageAttributes"] == {name: attribute}
    else:
        assert ask.refusal("SendMessage", **sent)[0] == "InvalidParameterValue"


def test_eleven_attributes_are_too_many(ask: Asked) -> None:
    """Ten are allowed."""
    url = ask.make("q")
    some = {str(n): {"DataType": "String", "StringValue": "x"} for n in range(11)}
    sent = {"QueueUrl": url, "MessageBody": "x", "MessageAttributes": some}
    assert "[11] exceeds" in ask.refusal("SendMessage", **sent)[1]
    del some["10"]
    assert ask("SendMessage", **sent)


def test_attributes_come_back_as_they_are_asked_for(ask: Asked) -> None:
    """By name, by beginning, all, or none; the digest is of those that come."""
    url = ask.make("q", VisibilityTimeout="0")
    some = {n: {"DataType": "String", "StringValue": n} for n in ("a.b", "a.c", "d")}
    ask("SendMessage", QueueUrl=url, MessageBody="x", MessageAttributes=some)
    for asked, names in (
        (["All"], {"a.b", "a.c", "d"}),
        ([".*"], {"a.b", "a.c", "d"}),
        (["a.*"], {"a.b", "a.c"}),
        (["d", "e"], {"d"}),
        ([], set()),
    ):
        [message] = ask.receive(url, MessageAttributeNames=asked)
        assert set(message.get("MessageAttributes", {})) == names
        assert ("MD5OfMessageAttributes" in message) == bool(names)


def test_system_attributes_come_back_as_they_are_asked_for(ask: Asked) -> None:
    """Under the older and the newer name of the parameter."""
    url = ask.make("q", VisibilityTimeout="0")
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}}
    sent = {"QueueUrl": url, "MessageBody": "x", "MessageGroupId": "tenant"}
    answer = ask("SendMessage", MessageSystemAttributes=trace, **sent)
    assert answer["MD5OfMessageSystemAttributes"]
    assert "Attributes" not in ask.receive(url)[0]
    ask.now += 1.5
    [message] = ask.receive(url, MessageSystemAttributeNames=["All"])
    assert message["Attributes"] == {
        "ApproximateFirstReceiveTimestamp": "1000000000",
        "ApproximateReceiveCount": "2",
        "AWSTraceHeader": "Root=1",
        "MessageGroupId": "tenant",  # fair queues: also of a standard one
        "SenderId": "AIDAEXAMPLE",
        "SentTimestamp": "1000000000",
    }
    [message] = ask.receive(url, AttributeNames=["SentTimestamp"])
    assert message["Attributes"] == {"SentTimestamp": "1000000000"}


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("MaxNumberOfMessages", 0),
        ("MaxNumberOfMessages", 11),
        ("WaitTimeSeconds", -1),
        ("WaitTimeSeconds", 21),
        ("VisibilityTimeout", -1),
        ("VisibilityTimeout", 43_201),
        ("VisibilityTimeout", "x"),
    ],
)
def test_a_receive_has_its_limits(ask: Asked, parameter: str, value: object) -> None:
    """Beyond them it is refused, with the parameter's name."""
    url = ask.make("q")
    code, message = ask.refusal("ReceiveMessage", QueueUrl=url, **{parameter: value})
    assert code == "InvalidParameterValue"
    assert f"Value {value} for parameter {parameter} is invalid" in message


def test_a_fifo_send_needs_a_group_and_something_to_tell_it_by(ask: Asked) -> None:
    """An id of its own, or the queue takes the body."""
    url = ask.fifo(ContentBasedDeduplication="false")
    sent = {"QueueUrl": url, "MessageBody": "x"}
    code, message = ask.refusal("SendMessage", **sent)
    assert (code, "MessageGroupId" in message) == ("MissingParameter", True)
    code, message = ask.refusal("SendMessage", MessageGroupId="g", **sent)
    assert (code, "ContentBasedDeduplication" in message) == ("InvalidParameterValue", True)
    for wrong in ("ü", "a b", "x" * 129):
        assert (
            ask.refusal("SendMessage", MessageGroupId=wrong, **sent)[0] == "InvalidParameterValue"
        )
    delayed = {**sent, "MessageGroupId": "g", "MessageDeduplicationId": "1", "DelaySeconds": 1}
    assert ask.refusal("SendMessage", **delayed)[0] == "InvalidParameterValue"
    assert ask("SendMessage", **{**delayed, "DelaySeconds": 0})["SequenceNumber"]


def test_a_second_message_of_one_id_is_the_first(ask: Asked) -> None:
    """For five minutes, also after the first was deleted: the rerun that sends nothing."""
    url = ask.fifo()
    sent = {"QueueUrl": url, "MessageBody": "1.jpg", "MessageGroupId": "g"}
    first = ask("SendMessage", **sent)
    [message] = ask.receive(url)
    ask("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    ask.now += 299
    assert ask("SendMessage", **sent) == first
    assert ask("SendMessage", **{**sent, "MessageGroupId": "other"}) == first
    assert ask.receive(url) == []
    ask.now += 1
    assert ask("SendMessage", **sent)["MessageId"] != first["MessageId"]
    assert [m["Body"] for m in ask.receive(url)] == ["1.jpg"]


def test_deduplication_can_be_each_groups_own(ask: Asked) -> None:
    """`DeduplicationScope` is messageGroup: one id in two groups is two messages."""
    url = ask.fifo(DeduplicationScope="messageGroup")
    for group in ("a", "b", "a"):
        sent = {"QueueUrl": url, "MessageBody": "x", "MessageGroupId": group}
        ask("SendMessage", MessageDeduplicationId="1", **sent)
    assert len(ask.receive(url)) == 2


def test_a_fifo_delete_after_the_timeout_says_so(ask: Asked) -> None:
    """The commonest mistake with these queues: longer at work than the message is hidden."""
    url = ask.fifo(VisibilityTimeout="10")
    ask("SendMessage", QueueUrl=url, MessageBody="1.jpg", MessageGroupId="g")
    [message] = ask.receive(url)
    ask.now += 10
    receipt = message["ReceiptHandle"]
    code, text = ask.refusal("DeleteMessage", QueueUrl=url, ReceiptHandle=receipt)
    assert code == "InvalidParameterValue"
    assert text.endswith("Reason: The receipt handle has expired.")


def test_a_purge_is_refused_within_a_minute(ask: Asked) -> None:
    """With the name of the queue."""
    url = ask.make("q")
    ask("PurgeQueue", QueueUrl=url)
    code, text = ask.refusal("PurgeQueue", QueueUrl=url)
    assert code == "AWS.SimpleQueueService.PurgeQueueInProgress"
    assert "on q is allowed every 60 seconds" in text
