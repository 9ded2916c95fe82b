"""The price of a receive, from the request to the answer, does not grow with the queue."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from emulator.faults import Faults
from emulator.messages import Answer
from emulator.secret import Secret
from emulator.server import Emulator
from emulator.sqs.service import Caller
from tests import signing

BATCH = [{"Id": str(n), "MessageBody": f"{n}.jpg", "MessageGroupId": str(n)} for n in range(10)]
SAMPLES = 200


class Front:
    """The emulator, asked without a connection."""

    def __init__(self) -> None:
        self.secret = Secret()
        self.emulator = Emulator(None, "us-east-1", Faults(), secret=self.secret)

    def ask(self, operation: str, **parameters: Any) -> tuple[Any, float]:
        """Make a call of SQS; return what it says and the seconds that it takes."""
        body = json.dumps(parameters).encode()
        given = {"X-Amz-Target": f"AmazonSQS.{operation}"}
        url = f"http://{signing.ADDRESS}:{signing.PORT}/"
        signed = signing.headers(self.secret, "POST", url, body, "sqs", given)
        begun = time.perf_counter()
        found = self.emulator.answer(signing.request("POST", "/", given=signed, body=body))
        seconds = time.perf_counter() - begun
        assert isinstance(found, Answer)
        assert found.status == 200, found.body
        return json.loads(found.body), seconds


class Asked:
    """A queue that is asked through the front."""

    def __init__(self, front: Front, name: str) -> None:
        self._front, self._is_fifo, self._sent = front, name.endswith(".fifo"), 0
        attributes = {"FifoQueue": "true"} if self._is_fifo else {}
        made, _ = front.ask("CreateQueue", QueueName=name, Attributes=attributes)
        self._url = made["QueueUrl"]

    def send(self) -> None:
        """Send ten messages, past the front."""
        self._sent += 1
        entries = [
            {**entry, "MessageDeduplicationId": f"{self._sent}-{entry['Id']}"} for entry in BATCH
        ]
        given = {"QueueUrl": self._url, "Entries": entries if self._is_fifo else BATCH}
        service = self._front.emulator.sqs.service
        service.call("SendMessageBatch", given, Caller("us-east-1", ""))

    def receive(self) -> float:
        """Receive ten messages and delete them; return the seconds that the receive takes."""
        found, seconds = self._front.ask(
            "ReceiveMessage", QueueUrl=self._url, MaxNumberOfMessages=10
        )
        handles = [
            {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]}
            for n, m in enumerate(found["Messages"])
        ]
        assert len(handles) == 10
        self._front.ask("DeleteMessageBatch", QueueUrl=self._url, Entries=handles)
        return seconds


@pytest.mark.parametrize("kind", ["", ".fifo"], ids=["standard", "fifo"])
def test_a_receive_costs_the_same_at_any_depth(kind: str) -> None:
    """With 100,000 messages a receive of ten costs at most twice what it costs with ten.

    Both are asked in turn, so that whatever else the machine does slows both.
    """
    front = Front()
    shallow, deep = Asked(front, f"shallow{kind}"), Asked(front, f"deep{kind}")
    for _ in range(10_000 + SAMPLES):
        deep.send()
    seconds: dict[Asked, list[float]] = {shallow: [], deep: []}
    for _ in range(SAMPLES):
        shallow.send()
        for queue, found in seconds.items():
            found.append(queue.receive())
    assert min(seconds[deep]) <= 2 * min(seconds[shallow])
