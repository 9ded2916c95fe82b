"""SQS as the workers use it: the thin server answers as the stand-in does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from carscribe_common.protocol import Car, Done, entry, parse

if TYPE_CHECKING:
    from tests.integration.benchmark.conftest import Place

CARS = [Car("run", n, f"{n}.jpg", f'"{n:032x}"') for n in range(1, 4)]


def send(place: Place, *messages: Car | Done) -> dict[str, Any]:
    """Send in one batch."""
    answer: dict[str, Any] = place.client("sqs").send_message_batch(
        QueueUrl=place.queue_url,
        Entries=[{"Id": str(number), **entry(each)} for number, each in enumerate(messages)],
    )
    return answer


def receive(place: Place, **more: Any) -> list[dict[str, Any]]:
    """Receive up to ten with all their attributes."""
    answer = place.client("sqs").receive_message(
        QueueUrl=place.queue_url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
        **more,
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def receive_all(place: Place, count: int, **more: Any) -> list[dict[str, Any]]:
    """Receive until so many are there: a queue may hand out fewer than it has."""
    found: list[dict[str, Any]] = []
    for _ in range(20):
        found += receive(place, WaitTimeSeconds=1, **more)
        if len(found) >= count:
            break
    return found


def depth(place: Place) -> dict[str, str]:
    """Ask how many messages wait, and how many are in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = place.client("sqs").get_queue_attributes(
        QueueUrl=place.queue_url, AttributeNames=names
    )
    return {name.removeprefix("Approximate"): answer["Attributes"][name] for name in names}


def test_messages_come_as_they_were_sent(place: Place) -> None:
    """What a worker sends is what a worker reads back, attributes and all, once each."""
    answer = send(place, *CARS, Done("run", 3))
    assert sorted(each["Id"] for each in answer["Successful"]) == ["0", "1", "2", "3"]
    assert not answer.get("Failed")
    found = receive_all(place, 4)
    assert {repr(parse(each)) for each in found} == {repr(each) for each in (*CARS, Done("run", 3))}
    assert len(found) == 4
    sent = {each["MessageId"]: each["MD5OfMessageAttributes"] for each in answer["Successful"]}
    assert sent == {each["MessageId"]: each["MD5OfMessageAttributes"] for each in found}


def test_attributes_have_their_documented_digest(place: Place) -> None:
    """MD5OfMessageAttributes is the one that SQS documents, the same from both."""
    (sent,) = send(place, CARS[0])["Successful"]
    assert sent["MD5OfMessageAttributes"] == "045dfc992f557800703b870c6d21feff"


def test_a_received_message_is_hidden_and_comes_back(place: Place) -> None:
    """It is handed out to nobody within its visibility timeout, and again after it."""
    send(place, CARS[0])
    first = receive_all(place, 1, VisibilityTimeout=2)
    assert receive(place) == []
    time.sleep(2.1)
    again = receive(place, WaitTimeSeconds=1)
    assert [each["MessageId"] for each in again] == [first[0]["MessageId"]]
    assert first[0]["Attributes"]["ApproximateReceiveCount"] == "1"
    assert again[0]["Attributes"]["ApproximateReceiveCount"] == "2"


def test_visibility_can_be_extended(place: Place) -> None:
    """A message that is extended stays hidden beyond its first timeout."""
    send(place, CARS[0])
    (held,) = receive_all(place, 1, VisibilityTimeout=1)
    place.client("sqs").change_message_visibility_batch(
        QueueUrl=place.queue_url,
        Entries=[{"Id": "0", "ReceiptHandle": held["ReceiptHandle"], "VisibilityTimeout": 30}],
    )
    assert receive(place, WaitTimeSeconds=2) == []


def test_a_returned_message_is_there_at_once(place: Place) -> None:
    """Visibility 0 gives a message back."""
    send(place, CARS[0])
    (held,) = receive_all(place, 1, VisibilityTimeout=60)
    place.client("sqs").change_message_visibility(
        QueueUrl=place.queue_url, ReceiptHandle=held["ReceiptHandle"], VisibilityTimeout=0
    )
    assert [each["MessageId"] for each in receive(place)] == [held["MessageId"]]


def test_a_deleted_message_is_gone(place: Place) -> None:
    """Deleted messages do not come back, and the others do."""
    send(place, *CARS)
    held = receive_all(place, 3, VisibilityTimeout=1)
    entries = [
        {"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]}
        for number, each in enumerate(held[:2])
    ]
    answer = place.client("sqs").delete_message_batch(QueueUrl=place.queue_url, Entries=entries)
    assert len(answer["Successful"]) == 2
    time.sleep(1.1)
    left = receive(place, WaitTimeSeconds=1)
    assert [each["MessageId"] for each in left] == [held[2]["MessageId"]]


def test_depth_is_told(place: Place) -> None:
    """GetQueueAttributes counts the waiting and the hidden, and no deleted ones."""
    send(place, *CARS)
    assert depth(place) == {"NumberOfMessages": "3", "NumberOfMessagesNotVisible": "0"}
    held = receive_all(place, 3)
    assert depth(place) == {"NumberOfMessages": "0", "NumberOfMessagesNotVisible": "3"}
    place.client("sqs").delete_message(
        QueueUrl=place.queue_url, ReceiptHandle=held[0]["ReceiptHandle"]
    )
    assert depth(place) == {"NumberOfMessages": "0", "NumberOfMessagesNotVisible": "2"}


def test_long_poll_ends_with_the_first_message(place: Place) -> None:
    """Who waits is answered as soon as a message is sent, long before the wait is over."""
    timer = threading.Timer(0.5, send, (place, CARS[0]))
    timer.start()
    began = time.monotonic()
    found = receive(place, WaitTimeSeconds=20)
    took = time.monotonic() - began
    timer.join()
    assert len(found) == 1
    assert 0.4 < took < 15


def test_long_poll_ends_empty(place: Place) -> None:
    """Without a message it lasts as long as was asked for."""
    began = time.monotonic()
    assert receive(place, WaitTimeSeconds=1) == []
    assert time.monotonic() - began > 0.9


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
        (
            [{"Id": str(number), "MessageBody": "x"} for number in range(11)],
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        ),
        (
            [{"Id": "0", "MessageBody": "x"}] * 2,
            "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        ),
    ],
)
def test_a_batch_that_is_none(place: Place, entries: list[dict[str, str]], code: str) -> None:
    """Empty, too long or with one id twice: the whole batch is refused."""
    with pytest.raises(ClientError) as refused:
        place.client("sqs").send_message_batch(QueueUrl=place.queue_url, Entries=entries)
    assert refused.value.response["Error"]["Code"] == code


def test_a_handle_that_is_none(place: Place) -> None:
    """In a batch a void receipt fails by itself, and the batch succeeds."""
    answer = place.client("sqs").delete_message_batch(
        QueueUrl=place.queue_url, Entries=[{"Id": "7", "ReceiptHandle": "void"}]
    )
    assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [
        ("7", "ReceiptHandleIsInvalid")
    ]


def test_a_queue_that_is_not_there(place: Place) -> None:
    """Another queue's URL is answered by the code that boto3 knows."""
    sqs = place.client("sqs")
    with pytest.raises(ClientError) as refused:
        sqs.receive_message(QueueUrl=f"{place.queue_url}-other")
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
