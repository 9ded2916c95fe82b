"""The way of the messages into the queue: full batches, but never late."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.objects import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    ShutdownRequested,
    call_until_answered,
)
from carscribe_common.protocol import BATCH_ENTRIES, Alive, Car, Done, entry
from carscribe_common.rules import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_sqs import SQSClient

    from carscribe_common.circuit_breaker import CircuitBreaker
    from carscribe_common.cli import Shutdown
    from carscribe_common.journal import Journal
    from carscribe_common.protocol import Message

logger = logging.getLogger(__name__)

LATEST_SECONDS = 0.2
"""A car waits no longer than this for others to fill its batch."""


class Outbox:
    """Sends messages in batches and writes into the journal what was sent.

    Args:
        sqs: the client.
        queue_url: of the queue.
        run_id: of this run.
        alive_seconds: after so long without a message it sends ``alive``.
        journal: what was sent goes there; cars must be in it before they come here.
    """

    def __init__(
        self,
        sqs: SQSClient,
        queue_url: str,
        run_id: str,
        *,
        alive_seconds: float,
        journal: Journal,
        evidence: CircuitBreaker,
        stop: Shutdown,
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._run_id = run_id
        self._alive_seconds = alive_seconds
        self._journal = journal
        self._evidence = evidence
        self._stop = stop
        self._cars: list[Car] = []
        self._oldest = 0.0
        self._sent_at = time.monotonic()
        self.sent = 0

    def put(self, car: Car) -> None:
        """Take a car that is in the journal."""
        if not self._cars:
            self._oldest = time.monotonic()
        self._cars.append(car)

    @property
    def due_seconds(self) -> float:
        """In how many seconds ``send_due`` has something to do."""
        if self._cars:
            return max(0.0, self._oldest + LATEST_SECONDS - time.monotonic())
        return max(0.0, self._sent_at + self._alive_seconds - time.monotonic())

    def send_due(self) -> None:
        """Send the full batches, and a part of one that has waited long enough."""
        while len(self._cars) >= BATCH_ENTRIES:
            self._send_cars(BATCH_ENTRIES)
        if self._cars and self.due_seconds == 0:
            self._send_cars(len(self._cars))
        if not self._cars and self.due_seconds == 0:
            self._send([Alive(self._run_id)])

    def send_all(self) -> None:
        """Send all that is here."""
        while self._cars:
            self._send_cars(BATCH_ENTRIES)

    def send_done(self, expected: int) -> None:
        """Send the end of the run, behind all else."""
        self.send_all()
        self._send([Done(self._run_id, expected)])

    def _send_cars(self, count: int) -> None:
        cars, self._cars = self._cars[:count], self._cars[count:]
        self._oldest = time.monotonic()
        self._send(cars)
        self._journal.append({"type": "sent", "n": [car.n for car in cars]})
        self.sent += len(cars)
        for car in cars:
            logger.debug("%s: sent as %d", escape(car.key), car.n)

    def _send(self, messages: Sequence[Message]) -> None:
        """Send a batch until each of its entries is taken.

        A batch that returns 200 may have failed entries (SQS API reference,
        SendMessageBatch): those, and only those, are sent again.
        """
        entries = {str(i): entry(message) for i, message in enumerate(messages)}
        pause, began = FIRST_PAUSE_SECONDS, time.monotonic()
        while entries:
            batch: Any = [{"Id": i, **body} for i, body in entries.items()]
            answer = call_until_answered(
                lambda batch=batch: self._sqs.send_message_batch(  # type: ignore[misc]
                    QueueUrl=self._queue_url, Entries=batch
                ),
                "send to the queue",
                evidence=self._evidence,
                stop=self._stop,
            )
            for taken in answer.get("Successful", ()):
                entries.pop(taken["Id"], None)
            if not entries:
                break
            failed = {item["Code"]: item for item in answer.get("Failed", ())}
            last = "; ".join(f"{code}: {item.get('Message', '')}" for code, item in failed.items())
            if any(item["SenderFault"] and "Access" in code for code, item in failed.items()):
                raise WorkerExit(
                    Exit.DENIED,
                    f"Cannot send to the queue: AWS refuses it ({last}); give this role "
                    "sqs:SendMessage on it.",
                )
            self._evidence.give_up_if_hopeless(began, last)
            logger.warning("%d of %d messages not taken (%s)", len(entries), len(batch), last)
            if self._stop.wait(pause):
                raise ShutdownRequested  # they are in the journal: the next start sends them
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        self._sent_at = time.monotonic()
