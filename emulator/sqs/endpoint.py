"""SQS as the front asks it: one operation at a time, and receives that wait for a message."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator import credentials, errors, shapes
from emulator.sqs import protocol
from emulator.sqs.errors import SqsError
from emulator.sqs.service import Caller, Sqs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from emulator.faults import Faults
    from emulator.messages import Answer, Request

# Actions of a policy that are not named as the operation. Source: Service Authorization Reference.
BATCHES = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
RECEIVE = "ReceiveMessage"
Found = dict[str, Any]


@dataclass(eq=False)
class _Waiter:
    """A receive that waits."""

    parameters: Found
    caller: Caller
    coming: asyncio.Future[Found]
    timer: asyncio.TimerHandle


class Endpoint:
    """Answers requests on the event loop."""

    def __init__(self, faults: Callable[[], Faults]) -> None:
        self.service = Sqs(faults)
        self._waiting: dict[tuple[str, str], deque[_Waiter]] = {}
        """By queue, those first who wait longest."""
        self._timer: asyncio.TimerHandle | None = None

    def reset(self) -> None:
        """Forget all queues; whoever waits at one is told that it is gone."""
        self.service.reset()
        self._serve()

    def answer(self, operation: str, request: Request) -> Answer | Awaitable[Answer]:
        """Carry out one operation and say what became of it, or what will."""
        if not self.service.has(operation):
            return errors.not_implemented(f"sqs.{operation}", request)
        caller = Caller(request.region, f"http://{request.headers['host']}")
        parameters: Found = {}
        try:
            parameters = protocol.parameters(request)
            if credentials.is_enforced():
                resource = self.service.resource(operation, parameters, caller)
                action = BATCHES.get(operation, operation)
                credentials.authorize(f"sqs:{action}", resource, request)
            found = self.service.call(operation, parameters, caller)
            wait = 0.0
            if operation == RECEIVE and not found:
                wait = self.service.wait_seconds(parameters, caller)
            if wait:
                return self._answer_later(parameters, caller, wait, request)
            if self._waiting:
                self._serve()
        except credentials.Refused as refused:
            error = SqsError(refused.code, refused.message, status=403)
            return protocol.refusal(request, error)
        except SqsError as error:
            return protocol.refusal(request, error)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            # Types are looked at where one was in the way: to look at each costs more than to send.
            if not (wrong := shapes.input_problems(operation, parameters, "sqs")):
                raise
            return protocol.refusal(request, SqsError("SerializationException", "; ".join(wrong)))
        return protocol.answer(request, operation, found)

    async def _answer_later(
        self, parameters: Found, caller: Caller, wait_seconds: float, request: Request
    ) -> Answer:
        """Wait for a message, in turn; a client that hangs up takes none."""
        connection = request.connection
        if connection is not None and connection.is_closed:  # before this began
            raise ConnectionAbortedError
        loop = asyncio.get_running_loop()
        coming: asyncio.Future[Found] = loop.create_future()
        timer = loop.call_later(wait_seconds, self._give_up, coming)
        waiter = _Waiter(parameters, caller, coming, timer)
        key = self.service.key(parameters, caller)
        self._waiting.setdefault(key, deque()).append(waiter)
        self._schedule()
        if connection is not None:
            connection.on_close = lambda: _hang_up(coming)
        try:
            found = await coming
        except SqsError as error:
            return protocol.refusal(request, error)
        finally:
            timer.cancel()
            self._waiting[key].remove(waiter)
            if not self._waiting[key]:
                del self._waiting[key]
            if connection is not None:
                connection.on_close = None
        return protocol.answer(request, RECEIVE, found)

    @staticmethod
    def _give_up(coming: asyncio.Future[Found]) -> None:
        if not coming.done():
            coming.set_result({})

    def _serve(self) -> None:
        """Hand out what has come."""
        for waiters in list(self._waiting.values()):
            for waiter in waiters:
                if not waiter.coming.done() and not self._hand_out(waiter):
                    break  # nor is there anything for those behind
        self._schedule()

    def _hand_out(self, waiter: _Waiter) -> bool:
        """Receive for one who waits; say whether that ended the waiting."""
        try:
            found = self.service.call(RECEIVE, waiter.parameters, waiter.caller)
        except SqsError as error:
            waiter.coming.set_exception(error)
            return True
        if found:
            waiter.coming.set_result(found)
        return bool(found)

    def _schedule(self) -> None:
        """Look again when the next hidden message shows itself of a queue where somebody waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        changes = [self.service.next_change(key) for key in self._waiting]
        times = [at for at in changes if at is not None]
        if times:
            delay = max(0.0, min(times) - time.time())
            self._timer = asyncio.get_running_loop().call_later(delay, self._serve)


def _hang_up(coming: asyncio.Future[Found]) -> None:
    if not coming.done():
        coming.set_exception(ConnectionAbortedError())
