"""The way of the messages into the queue: full batches, but never late."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from carscribe_common.protocol import BATCH_ENTRIES, Alive, Car, Done, entry
from carscribe_common.rules import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carscribe_common.aws import Caller
    from carscribe_common.protocol import Message

logger = logging.getLogger(__name__)

LINGER_SECONDS = 0.2
"""A car waits no longer than this for others to fill its batch."""


class Publisher:
    """Sends messages in batches. Used by one thread alone.

    Args:
        call: asks SQS, until each message is taken.
        queue_url: of the queue.
        run_id: of this run.
        alive_seconds: after so long without a message it sends ``alive``.
    """

    def __init__(self, call: Caller, queue_url: str, run_id: str, *, alive_seconds: float) -> None:
        self._call = call
        self._queue_url = queue_url
        self._run_id = run_id
        self._alive_seconds = alive_seconds
        self._cars: list[Car] = []
        self._oldest = 0.0
        self._sent_at = time.monotonic()

    @property
    def due_seconds(self) -> float:
        """In how many seconds ``flush_due`` has something to do."""
        if self._cars:
            return max(0.0, self._oldest + LINGER_SECONDS - time.monotonic())
        return max(0.0, self._sent_at + self._alive_seconds - time.monotonic())

    def put(self, car: Car) -> None:
        """Take a car whose detection is committed."""
        if not self._cars:
            self._oldest = time.monotonic()
        self._cars.append(car)

    def flush_due(self) -> list[int]:
        """Send the full batches, and a part of one that has waited long enough.

        Without a car for ``alive_seconds`` it says that A is alive.

        Returns:
            The n of the cars that the queue took.

        Raises:
            WorkerExit: the set-up's fault, or nothing succeeds any more.
            ShutdownRequested: the worker was told to end.
        """
        sent: list[int] = []
        while len(self._cars) >= BATCH_ENTRIES or (self._cars and self.due_seconds == 0):
            sent += self._send_cars()
        if not self._cars and self.due_seconds == 0:
            self.send_heartbeat()
        return sent

    def flush_all(self) -> list[int]:
        """Send all cars that are here; return and raise as ``flush_due``."""
        sent: list[int] = []
        while self._cars:
            sent += self._send_cars()
        return sent

    def send_heartbeat(self) -> None:
        """Say that A is alive. Raises as ``flush_due``."""
        self._send([Alive(self._run_id)])

    def send_end(self, expected: int, digest: int) -> None:
        """Say that A is done, behind all cars. Raises as ``flush_due``."""
        self._send([Done(self._run_id, expected, digest)])

    def _send_cars(self) -> list[int]:
        cars, self._cars = self._cars[:BATCH_ENTRIES], self._cars[BATCH_ENTRIES:]
        self._oldest = time.monotonic()
        self._send(cars)
        for car in cars:
            logger.debug("%s: sent as %d", escape(car.key), car.n)
        return [car.n for car in cars]

    def _send(self, messages: Sequence[Message]) -> None:
        self._call.batch(
            self._call.sqs.send_message_batch,
            "send to the queue",
            [entry(message) for message in messages],
            QueueUrl=self._queue_url,
        )
        self._sent_at = time.monotonic()
