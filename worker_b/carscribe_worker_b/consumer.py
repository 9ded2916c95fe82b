"""The queue as B sees it: messages come in, are held, and go when they are settled.

All that is held, buffered ones too, has its visibility extended until it is
settled or returned. Thread-safe.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from carscribe_common.objects import call_until_answered
from carscribe_common.protocol import BATCH_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mypy_boto3_sqs import SQSClient

    from carscribe_common.circuit_breaker import CircuitBreaker
    from carscribe_common.cli import Shutdown
    from carscribe_common.protocol import Car

logger = logging.getLogger(__name__)

LONG_POLL_SECONDS = 20
"""The longest that SQS waits for a message (SQS API reference, ReceiveMessage)."""

EXTENSIONS_PER_TIMEOUT = 3
"""A held message is extended so many times before it would become visible."""

GONE_CODES = frozenset({"ReceiptHandleIsInvalid", "InvalidParameterValue"})
"""What a delete is answered with whose receipt is void: the message comes again, or is gone."""


@dataclass(slots=True)
class Held:
    """A message in B's hands, perhaps delivered more than once.

    Attributes:
        car: what it says.
        handles: a receipt for each delivery: all are deleted together.
        started: a thread is at work on it.
    """

    car: Car
    handles: list[str] = field(default_factory=list)
    started: bool = False


class Inbox:
    """Receives, extends, returns and deletes messages.

    Args:
        sqs: the client.
        queue_url: of the queue.
        visibility_timeout_seconds: a message is hidden from others for so
            long, and again with each extension.
    """

    def __init__(
        self,
        sqs: SQSClient,
        queue_url: str,
        *,
        visibility_timeout_seconds: int,
        evidence: CircuitBreaker,
        stop: Shutdown,
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._visibility = visibility_timeout_seconds
        self._evidence = evidence
        self._stop = stop
        self._lock = threading.Lock()
        self._held: dict[int, Held] = {}
        # An extension that is under way must not come after a return.
        self._extending = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def receive(self, wait_seconds: int) -> list[dict[str, Any]]:
        """Wait so long, LONG_POLL_SECONDS at the most, for up to ten messages.

        Raises:
            WorkerExit, ShutdownRequested: as call_until_answered.
        """
        answer = call_until_answered(
            lambda: self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=BATCH_ENTRIES,
                MessageAttributeNames=["All"],
                VisibilityTimeout=self._visibility,
                WaitTimeSeconds=wait_seconds,
            ),
            "receive from the queue",
            evidence=self._evidence,
            stop=self._stop,
        )
        messages: list[Any] = list(answer.get("Messages", ()))
        return messages

    def hold(self, car: Car, handle: str) -> Held | None:
        """Hold a message; None if it is held already, and this is another delivery of it."""
        with self._lock:
            held = self._held.get(car.n)
            if held is not None:
                held.handles.append(handle)
                return None
            self._held[car.n] = held = Held(car, [handle])
            return held

    def holder(self, n: int) -> Car | None:
        """Return whose n this is among the held ones."""
        with self._lock:
            held = self._held.get(n)
            return held.car if held else None

    def start(self, held: Held) -> bool:
        """Begin to work on a message; False if it was returned in between."""
        with self._lock:
            held.started = self._held.get(held.car.n) is held
            return held.started

    def release(self, n: int) -> list[str]:
        """Let go of a settled message; return its receipts, to be deleted."""
        with self._lock:
            held = self._held.pop(n, None)
            return held.handles if held else []

    def return_all(self, *, started: bool) -> int:
        """Let go of what is held and make it visible at once; tell how many.

        Args:
            started: also what a thread is at work on.
        """
        with self._lock:
            going = [held for held in self._held.values() if started or not held.started]
            for held in going:
                del self._held[held.car.n]
        self._return(going)
        return len(going)

    def return_one(self, held: Held) -> None:
        """Let go of a message that could not be worked on, and make it visible at once."""
        with self._lock:
            if self._held.get(held.car.n) is not held:
                return
            del self._held[held.car.n]
        self._return([held])

    def _return(self, going: Sequence[Held]) -> None:
        with self._extending:
            self.give_back([handle for held in going for handle in held.handles])

    def holds_up_to(self, last: int) -> bool:
        """Tell whether an n from 1 to last is held."""
        with self._lock:
            return any(n <= last for n in self._held)

    def give_back(self, handles: Sequence[str]) -> None:
        """Make messages visible at once. Best effort: they become so by themselves, later."""
        self._change_visibility(handles, 0)

    def extend_all(self) -> None:
        """Hide all that is held for another visibility timeout."""
        with self._lock:
            handles = [handle for held in self._held.values() for handle in held.handles]
        for start in range(0, len(handles), BATCH_ENTRIES):
            batch = handles[start : start + BATCH_ENTRIES]
            with self._extending:
                with self._lock:
                    still = {handle for held in self._held.values() for handle in held.handles}
                self._change_visibility([h for h in batch if h in still], self._visibility)

    def keep_extending(self) -> None:
        """Extend for as long as the process lives; the target of a thread."""
        while True:
            time.sleep(self._visibility / EXTENSIONS_PER_TIMEOUT)
            try:
                self.extend_all()
            except Exception:  # without this thread every message would come twice
                logger.exception("Messages not extended")

    def delete(self, handles: Sequence[str]) -> None:
        """Delete settled messages.

        What cannot be deleted is not lost: it is delivered again, found to be
        settled, and deleted then. So failed entries are tried once more and
        then left to that.

        Raises:
            WorkerExit, ShutdownRequested: as call_until_answered.
        """
        for batch in _batches(handles):
            entries = batch
            for _ in range(2):
                answer = call_until_answered(
                    lambda entries=entries: self._sqs.delete_message_batch(  # type: ignore[misc]
                        QueueUrl=self._queue_url, Entries=entries
                    ),
                    "delete from the queue",
                    evidence=self._evidence,
                    stop=self._stop,
                )
                failed = {
                    item["Id"]: item["Code"]
                    for item in answer.get("Failed", ())
                    if item["Code"] not in GONE_CODES
                }
                entries = [item for item in entries if item["Id"] in failed]
                if not entries:
                    break
                logger.warning(
                    "%d of %d messages not deleted (%s)",
                    len(entries),
                    len(batch),
                    ", ".join(sorted(set(failed.values()))),
                )

    def _change_visibility(self, handles: Iterable[str], seconds: int) -> None:
        for batch in _batches(handles):
            entries: Any = [item | {"VisibilityTimeout": seconds} for item in batch]
            try:
                answer = self._sqs.change_message_visibility_batch(
                    QueueUrl=self._queue_url, Entries=entries
                )
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                # Then it is delivered again, which does no harm.
                logger.warning("Visibility of %d messages not changed: %s", len(batch), error)
            else:
                if failed := answer.get("Failed"):
                    logger.debug("Visibility not changed: %s", failed)


def _batches(handles: Iterable[str]) -> Iterator[list[Any]]:
    entries = [{"Id": str(i), "ReceiptHandle": handle} for i, handle in enumerate(handles)]
    for start in range(0, len(entries), BATCH_ENTRIES):
        yield entries[start : start + BATCH_ENTRIES]
