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


@pytest.mark.parametrize("name", ["deep", "deep.fifo"])
def test_a_receive_costs_the_same_at_any_depth(name: str) -> None:
    """With 100,000 messages a receive of ten costs at most twice what it costs with ten."""
    front = Front()
    is_fifo = name.endswith(".fifo")
    attributes = {"FifoQueue": "true"} if is_fifo else {}
    made, _ = front.ask("CreateQueue", QueueName=name, Attributes=attributes)
    queue, service = made["QueueUrl"], front.emulator.sqs.service

    def send(number: int) -> None:
        entries = [
            {**entry, "MessageDeduplicationId": f"{number}-{entry['Id']}"} for entry in BATCH
        ]
        given = {"QueueUrl": queue, "Entries": entries if is_fifo else BATCH}
        service.call("SendMessageBatch", given, Caller("us-east-1", ""))

    def receive() -> float:
        found, seconds = front.ask("ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10)
        handles = [
            {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]}
            for n, m in enumerate(found["Messages"])
        ]
        assert len(handles) == 10
        front.ask("DeleteMessageBatch", QueueUrl=queue, Entries=handles)
        return seconds

    shallow = []
    for number in range(50):
        send(number)
        shallow.append(receive())
    for number in range(50, 10_050):
        send(number)
    deep = [receive() for _ in range(50)]
    assert min(deep) <= 2 * min(shallow)
