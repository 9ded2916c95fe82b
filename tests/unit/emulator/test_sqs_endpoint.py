"""A long poll is of the client that made it, for as long as that is there."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from emulator.faults import Faults
from emulator.http import Connection
from emulator.messages import Answer, Request
from emulator.sqs.endpoint import Endpoint


def request(connection: Connection | None = None, **parameters: Any) -> Request:
    """Write a call of SQS, as the front passes it on."""
    fields = [("Host", "127.0.0.1:4566"), ("X-Amz-Target", "AmazonSQS")]
    return Request("POST", "/", fields, json.dumps(parameters).encode(), connection=connection)


def test_a_client_that_hung_up_before_its_poll_began_takes_no_message() -> None:
    """Between the call and the first step of what waits for it the connection may be lost."""

    async def run() -> bytes:
        endpoint = Endpoint(Faults)
        created = endpoint.answer("CreateQueue", request(QueueName="q"))
        assert isinstance(created, Answer)
        queue = json.loads(created.body)["QueueUrl"]
        connection = Connection(endpoint, set(), memoryview(b""))  # type: ignore[arg-type] # unused
        asked = request(connection, QueueUrl=queue, WaitTimeSeconds=20)
        polled = endpoint.answer("ReceiveMessage", asked)
        assert not isinstance(polled, Answer)
        connection.connection_lost(None)
        polling = asyncio.ensure_future(polled)
        await asyncio.sleep(0)
        endpoint.answer("SendMessage", request(QueueUrl=queue, MessageBody="1.jpg"))
        with pytest.raises(ConnectionAbortedError):
            await polling
        received = endpoint.answer("ReceiveMessage", request(QueueUrl=queue))
        assert isinstance(received, Answer)
        return received.body

    assert b"1.jpg" in asyncio.run(run())
