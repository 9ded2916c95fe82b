"""What the API of SQS says that no other account can be asked: by a clock of the test's own."""

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


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Visibility": "1"}, "InvalidAttributeName"),
        ({"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
        ({"QueueArn": "x"}, "InvalidAttributeName"),
        ({"Policy": "{"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": "[]"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": '{"maxReceiveCount":5}'}, "InvalidAttributeValue"),
        *[
            ({"RedriveAllowPolicy": policy}, "InvalidAttributeValue")
            for policy in (
                "nonsense",
                "{}",
                '{"redrivePermission":"nonsense"}',
                '{"redrivePermission":"byQueue"}',
                '{"redrivePermission":"byQueue","sourceQueueArns":[]}',
                '{"redrivePermission":"byQueue","sourceQueueArns":"arn"}',
                '{"redrivePermission":"byQueue","sourceQueueArns":[1]}',
                json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": ["arn"] * 11}),
                '{"redrivePermission":"denyAll","sourceQueueArns":["arn"]}',
            )
        ],
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


@pytest.mark.parametrize(
    ("allowed", "is_taken"),
    [
        ({"redrivePermission": "allowAll"}, True),
        ({"redrivePermission": "denyAll"}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [f"{ARN}:q"]}, True),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [f"{ARN}:other"] * 10}, False),
    ],
)
def test_a_dead_letter_queue_says_of_whom_it_is_one(
    ask: Asked, allowed: dict[str, Any], *, is_taken: bool
) -> None:
    """A source queue is refused where it names the target, and not for whatever else it sets."""
    dead = ask.make("dead")
    policy = json.dumps({"deadLetterTargetArn": f"{ARN}:dead", "maxReceiveCount": 5})
    before = ask.make("before", RedrivePolicy=policy)
    given = {"RedriveAllowPolicy": json.dumps(allowed)}
    ask("SetQueueAttributes", QueueUrl=dead, Attributes=given)
    if is_taken:
        assert ask.attributes(ask.make("q", RedrivePolicy=policy))["RedrivePolicy"]
    else:
        given = {"RedrivePolicy": policy}
        code, text = ask.refusal("CreateQueue", QueueName="q", Attributes=given)
        assert code == "InvalidParameterValue"
        assert text.endswith("Dead letter target does not allow it.")
        url = ask.make("q")
        assert ask.refusal("SetQueueAttributes", QueueUrl=url, Attributes=given)[0] == code
        assert "RedrivePolicy" not in ask.attributes(url)
    ask("SetQueueAttributes", QueueUrl=before, Attributes={"VisibilityTimeout": "5"})
    ask("DeleteQueue", QueueUrl=dead)
    ask("SetQueueAttributes", QueueUrl=before, Attributes={"VisibilityTimeout": "6"})
    assert ask.attributes(before, "VisibilityTimeout") == {"VisibilityTimeout": "6"}


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
