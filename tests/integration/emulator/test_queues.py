"""SQS over HTTP as Terraform and the faults need it, and at depth; the rest is tests/conformance."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests import signing

if TYPE_CHECKING:
    from tests.emulator import Emulator


@pytest.fixture
def sqs(emulator: Emulator) -> Any:
    """A client of the queue service."""
    return emulator.client("sqs")


@pytest.fixture
def queue(sqs: Any) -> str:
    """A queue whose messages are hidden for a second when received."""
    attributes = {"VisibilityTimeout": "1"}
    return str(sqs.create_queue(QueueName="indexes", Attributes=attributes)["QueueUrl"])


def receive(sqs: Any, queue: str, count: int = 10, **options: Any) -> list[dict[str, Any]]:
    """Receive at most `count` messages."""
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=count, **options)
    return list(answer.get("Messages", []))


def entries(*bodies: str) -> list[dict[str, str]]:
    """Make the entries of a batch."""
    return [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]


def attributes_of(sqs: Any, queue: str) -> dict[str, str]:
    """Read all attributes of a queue."""
    answer = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])
    return dict(answer["Attributes"])


def test_policies_come_back_as_compact_json(sqs: Any, queue: str) -> None:
    """Terraform compares texts: spaces in RedrivePolicy would be a change in every plan."""
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    redrive = {"deadLetterTargetArn": attributes_of(sqs, dead)["QueueArn"], "maxReceiveCount": 5}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(redrive)})
    text = attributes_of(sqs, queue)["RedrivePolicy"]
    assert text == json.dumps(redrive, separators=(",", ":"))


def test_a_queue_policy_stays_when_other_attributes_change(sqs: Any, queue: str) -> None:
    """Only a policy that is set replaces the policy; an empty one removes it."""
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sqs:*"}]}'
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "7"})
    assert attributes_of(sqs, queue)["Policy"] == policy
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert "Policy" not in attributes_of(sqs, queue)


def test_the_redrive_allow_policy_is_stored_and_removed(sqs: Any, queue: str) -> None:
    """The attribute comes back as it was set, is absent before, and gone when set to nothing."""
    assert "RedriveAllowPolicy" not in attributes_of(sqs, queue)
    allow = '{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:1:x"]}'
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedriveAllowPolicy": allow})
    assert attributes_of(sqs, queue)["RedriveAllowPolicy"] == allow
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedriveAllowPolicy": ""})
    assert "RedriveAllowPolicy" not in attributes_of(sqs, queue)


def test_a_deep_queue_is_no_slower(sqs: Any, queue: str) -> None:
    """With 3,000 messages in flight and waiting, a receive stays far below moto's 0.65 s."""
    for first in range(0, 3000, 10):
        sqs.send_message_batch(
            QueueUrl=queue, Entries=entries(*(f"{first + n}.jpg" for n in range(10)))
        )
    bodies, seconds = [], []
    for _ in range(50):
        begin = time.monotonic()
        messages = receive(sqs, queue, VisibilityTimeout=600)
        bodies += [message["Body"] for message in messages]
        handles = [{"Id": m["Body"][:-4], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
        sqs.delete_message_batch(QueueUrl=queue, Entries=handles[:5])
        seconds.append(time.monotonic() - begin)
    assert min(seconds) < 0.4
    assert len(set(bodies)) == 500
    assert attributes_of(sqs, queue)["ApproximateNumberOfMessages"] == "2500"
    assert attributes_of(sqs, queue)["ApproximateNumberOfMessagesNotVisible"] == "250"


def test_a_hidden_message_shows_itself_to_a_waiting_poll(sqs: Any, queue: str) -> None:
    """A long poll sees a message as soon as its visibility timeout is over."""
    sqs.send_message(QueueUrl=queue, MessageBody="1.jpg")
    begin = time.monotonic()
    assert receive(sqs, queue)
    again = receive(sqs, queue, WaitTimeSeconds=10, AttributeNames=["ApproximateReceiveCount"])
    assert 0.9 < time.monotonic() - begin < 9
    assert again[0]["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_client_that_is_killed_in_its_long_poll_takes_no_message(
    emulator: Emulator, sqs: Any, queue: str
) -> None:
    """What is sent after the kill goes to the next client, not to the dead one."""
    program = (
        "import boto3, sys\n"
        "print('ready', flush=True)\n"
        "boto3.client('sqs').receive_message(QueueUrl=sys.argv[1], WaitTimeSeconds=20)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, queue],
        env={**os.environ, **emulator.env},
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(1.0)
        child.send_signal(signal.SIGKILL)
    time.sleep(0.6)  # until the server has heard of the end: else the message goes with it
    sqs.send_message(QueueUrl=queue, MessageBody="1.jpg")
    assert [message["Body"] for message in receive(sqs, queue)] == ["1.jpg"]
    assert emulator.counts()["sqs.ReceiveMessage"]["dropped"] == 1


def test_two_clients_never_get_the_same_message(emulator: Emulator, queue: str) -> None:
    """Receives at the same time do not overlap."""
    sqs = emulator.client("sqs")
    for first in range(0, 300, 10):
        sqs.send_message_batch(
            QueueUrl=queue, Entries=entries(*(f"{first + n}" for n in range(10)))
        )
    bodies: list[str] = []

    def drain() -> None:
        own = emulator.client("sqs")
        while messages := receive(own, queue, VisibilityTimeout=60):
            bodies.extend(message["Body"] for message in messages)

    threads = [threading.Thread(target=drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(bodies, key=int) == [str(n) for n in range(300)]


def test_duplicates_are_two_deliveries_of_one_message(
    emulator: Emulator, sqs: Any, queue: str
) -> None:
    """Each message can be received twice, with one id and two handles."""
    emulator.faults({"sqs": {"duplicate": True}})
    sqs.send_message_batch(QueueUrl=queue, Entries=entries("1.jpg", "2.jpg"))
    messages = receive(sqs, queue)
    assert sorted(message["Body"] for message in messages) == ["1.jpg"] * 2 + ["2.jpg"] * 2
    assert len({message["MessageId"] for message in messages}) == 2
    assert len({message["ReceiptHandle"] for message in messages}) == 4


def test_shuffled_messages_come_in_another_order(emulator: Emulator, sqs: Any, queue: str) -> None:
    """The order is not that of sending, and the seed repeats it."""
    orders = []
    for _ in range(2):
        emulator.faults({"seed": 4, "sqs": {"shuffle": True}})
        sqs.send_message_batch(QueueUrl=queue, Entries=entries(*"0123456789"))
        messages = receive(sqs, queue)
        orders.append([message["Body"] for message in messages])
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert orders[0] == orders[1] != list("0123456789")
    assert sorted(orders[0]) == list("0123456789")


def test_single_entries_of_batches_fail(emulator: Emulator, sqs: Any, queue: str) -> None:
    """The call succeeds, an entry fails as the service's own fault, and was not carried out."""
    shares = ("send_batch_fail_share", "delete_batch_fail_share", "visibility_batch_fail_share")
    emulator.faults({"seed": 1, "sqs": dict.fromkeys(shares, 0.5)})
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries(*"0123456789"))
    assert 0 < len(sent["Failed"]) < 10
    assert {(e["Code"], e["SenderFault"]) for e in sent["Failed"]} == {("InternalError", False)}
    messages = receive(sqs, queue, VisibilityTimeout=60)
    assert {m["Body"] for m in messages} == {entry["Id"] for entry in sent["Successful"]}
    held = [{"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=queue, Entries=[{**entry, "VisibilityTimeout": 90} for entry in held]
    )
    assert changed["Failed"]
    deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=held)
    assert deleted["Failed"]
    left = attributes_of(sqs, queue)["ApproximateNumberOfMessagesNotVisible"]
    assert left == str(len(deleted["Failed"]))


@pytest.mark.parametrize(
    ("operation", "wrong", "place"),
    [
        ("SendMessage", {"MessageAttributes": {"run": "1"}}, "MessageAttributes.run"),
        ("SendMessage", {"MessageAttributes": ["run"]}, "MessageAttributes"),
        ("SendMessageBatch", {"Entries": ["1.jpg"]}, "Entries[0]"),
        ("SendMessageBatch", {"Entries": {"Id": "1"}}, "Entries"),
        ("TagQueue", {"Tags": ["a"]}, "Tags"),
    ],
)
def test_a_parameter_of_another_type_is_the_senders_fault(
    emulator: Emulator, queue: str, operation: str, wrong: dict[str, Any], place: str
) -> None:
    """SDKs of languages without types send what they are given; an error of ours they would repeat."""
    body = json.dumps({"QueueUrl": queue, "MessageBody": "1.jpg", **wrong}).encode()
    target = {"X-Amz-Target": f"AmazonSQS.{operation}"}
    signed = signing.headers(emulator.secret, "POST", f"{emulator.url}/", body, "sqs", target)
    asked = urllib.request.Request(f"{emulator.url}/", body, signed)  # noqa: S310 # loopback
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(asked, timeout=10)  # noqa: S310 # loopback
    assert caught.value.code == 400
    said = json.loads(caught.value.read())
    assert said["__type"].endswith("#SerializationException")
    assert f"{place}: expected" in said["message"]
