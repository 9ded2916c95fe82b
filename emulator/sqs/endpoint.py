"""SQS as the front asks it: one operation at a time, and receives that wait for a message."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from emulator import credentials
from emulator.sqs import protocol
from emulator.sqs.errors import SqsError
from emulator.sqs.service import Caller, Sqs
from emulator.wire import client_is_gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.faults import Faults
    from emulator.messages import Answer, Request

LONGEST_WAIT_STEP_SECONDS = 0.5
"""So soon it is noticed that a client has hung up."""
# Actions of a policy that are not named as the operation. Source: Service Authorization Reference.
BATCHES = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}


class Endpoint:
    """Answers requests; threads may ask it at the same time."""

    def __init__(self, faults: Callable[[], Faults]) -> None:
        self._sqs = Sqs(faults)
        self._changed = threading.Condition()

    def reset(self) -> None:
        """Forget all queues; whoever waits at one is told that it is gone."""
        with self._changed:
            self._sqs.reset()
            self._changed.notify_all()

    def answer(self, operation: str, request: Request) -> Answer:
        """Carry out one operation and say what became of it."""
        caller = Caller(request.region, f"http://{request.header('Host')}")
        try:
            parameters = protocol.parameters(request)
            resource = self._sqs.resource(operation, parameters, caller)
            action = BATCHES.get(operation, operation)
            credentials.authorize(f"sqs:{action}", resource, request)
            found = self._carry_out(operation, parameters, caller)
        except credentials.Refused as refused:
            error = SqsError(refused.code, refused.message, status=403)
            return protocol.refusal(request, error)
        except SqsError as error:
            return protocol.refusal(request, error)
        return protocol.answer(request, operation, found)

    def _carry_out(
        self, operation: str, parameters: dict[str, Any], caller: Caller
    ) -> dict[str, Any]:
        with self._changed:
            found = self._sqs.call(operation, parameters, caller)
            if operation == "ReceiveMessage" and not found:
                end = time.monotonic() + self._sqs.wait_seconds(parameters, caller)
                return self._wait(parameters, caller, end)
            self._changed.notify_all()
            return found

    def _wait(self, parameters: dict[str, Any], caller: Caller, end: float) -> dict[str, Any]:
        """Receive what comes until the time is over; a client that hung up takes nothing."""
        found: dict[str, Any] = {}
        while not found and (left := end - time.monotonic()) > 0:
            shows_at = self._sqs.queue(parameters, caller).next_change()
            step = min(left, LONGEST_WAIT_STEP_SECONDS)
            if shows_at is not None:
                step = min(step, max(0.0, shows_at - time.time()) + 0.001)
            self._changed.wait(step)
            if client_is_gone():
                raise ConnectionAbortedError
            found = self._sqs.call("ReceiveMessage", parameters, caller)
        return found
