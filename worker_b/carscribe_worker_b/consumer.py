"""Takes messages off the queue, keeps them hidden while they are in flight, and lets them go.

A message is in flight from its delivery until it is acknowledged or requeued,
be it buffered, parked or worked on: for so long the heartbeat extends its
visibility. What changes a message is best effort: if it fails the visibility
timeout brings the message back, and it is dealt with then.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from carscribe_common.aws import AWS_ERRORS
from carscribe_common.errors import WorkerExit, classify
from carscribe_common.protocol import (
    BATCH_ENTRIES,
    MalformedMessageError,
    Message,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from carscribe_common.aws import Caller

logger = logging.getLogger(__name__)

LONG_POLL_SECONDS = 20
"""The longest that SQS waits for a message (SQS API reference, ReceiveMessage)."""

BEATS_PER_TIMEOUT = 3
"""A message in flight is extended so many times before it would become visible."""

VOID_CODES = frozenset(
    {
        "InvalidParameterValue",
        "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
        "ReceiptHandleIsInvalid",
    }
)
"""What SQS says of a void receipt: its message is gone, or will be delivered again."""


class Received(NamedTuple):
    """One delivery of a message.

    Attributes:
        message: what it says, or what is wrong with it.
        receipt: its receipt handle.
    """

    message: Message | MalformedMessageError
    receipt: str


class Consumer:
    """Receives, acknowledges and requeues messages. Used by all threads.

    Args:
        aws: calls SQS.
        queue_url: of the queue.
        visibility_timeout_seconds: a message is hidden from others for so
            long, and again with each extension.

    Attributes:
        heartbeat: extends what is in flight.
    """

    def __init__(self, aws: Caller, queue_url: str, visibility_timeout_seconds: int) -> None:
        self._aws = aws
        self._queue_url = queue_url
        self._visibility_timeout_seconds = visibility_timeout_seconds
        self.heartbeat = Heartbeat(aws, queue_url, visibility_timeout_seconds)

    def receive(self, wait_seconds: int) -> list[Received]:
        """Wait so long, LONG_POLL_SECONDS at the most, for up to ten messages.

        Raises:
            WorkerExit, ShutdownRequested: as Caller.
        """
        answer = self._aws(
            self._aws.sqs.receive_message,
            "receive from the queue",
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=BATCH_ENTRIES,
            MessageAttributeNames=["All"],
            VisibilityTimeout=self._visibility_timeout_seconds,
            WaitTimeSeconds=wait_seconds,
        )
        received = [_read(message) for message in answer.get("Messages", ())]
        self.heartbeat.track(*(one.receipt for one in received))
        return received

    def in_flight(self) -> int:
        """How many deliveries are in flight."""
        return len(self.heartbeat)

    def ack(self, receipts: Sequence[str]) -> None:
        """Delete messages that are dealt with.

        Raises:
            WorkerExit: DENIED or CONFIG; this role or queue will never do it.
        """
        self.heartbeat.untrack(*receipts)
        _change(
            self._aws.sqs.delete_message_batch, "delete from the queue", self._queue_url, receipts
        )

    def requeue(self, receipts: Sequence[str]) -> list[str]:
        """Make messages visible at once; return those of which SQS says that they are.

        Raises:
            WorkerExit: DENIED or CONFIG; this role or queue will never do it.
        """
        self.heartbeat.untrack(*receipts)
        self.heartbeat.wait()
        changed, _ = _change(
            self._aws.sqs.change_message_visibility_batch,
            "return messages to the queue",
            self._queue_url,
            receipts,
            VisibilityTimeout=0,
        )
        return changed


class Heartbeat:
    """Extends the visibility of what is in flight. Used by all threads.

    Args:
        aws: calls SQS.
        queue_url: of the queue.
        visibility_timeout_seconds: what each extension sets.
    """

    def __init__(self, aws: Caller, queue_url: str, visibility_timeout_seconds: int) -> None:
        self._aws = aws
        self._queue_url = queue_url
        self._visibility_timeout_seconds = visibility_timeout_seconds
        self._receipts: dict[str, None] = {}  # in the order of their delivery
        self._lock = threading.Lock()
        self._extending = threading.Lock()  # held over each call that extends

    def __len__(self) -> int:
        return len(self._receipts)

    def track(self, *receipts: str) -> None:
        """Extend these from now on."""
        with self._lock:
            self._receipts.update(dict.fromkeys(receipts))

    def untrack(self, *receipts: str) -> None:
        """Extend these no longer; an extension may be under way, see ``wait``."""
        with self._lock:
            for receipt in receipts:
                self._receipts.pop(receipt, None)

    def wait(self) -> None:
        """Wait for an extension under way: behind it nothing that was untracked is extended."""
        with self._extending:
            pass

    def beat(self) -> frozenset[str]:
        """Extend all that is tracked; return the void receipts, which no longer are.

        What could not be extended now is tried again with the next beat.

        Raises:
            WorkerExit: DENIED or CONFIG; this role or queue will never do it.
        """
        with self._lock:
            receipts = list(self._receipts)
        void: frozenset[str] = frozenset()
        for start in range(0, len(receipts), BATCH_ENTRIES):
            with self._extending:
                with self._lock:  # what is requeued meanwhile must not be hidden again
                    batch = [
                        receipt
                        for receipt in receipts[start : start + BATCH_ENTRIES]
                        if receipt in self._receipts
                    ]
                void |= _change(
                    self._aws.sqs.change_message_visibility_batch,
                    "extend the visibility of messages",
                    self._queue_url,
                    batch,
                    VisibilityTimeout=self._visibility_timeout_seconds,
                )[1]
        self.untrack(*void)
        return void

    def keep_beating(self, failed: Callable[[Exception], None]) -> None:
        """Beat for as long as the process lives; the target of a thread.

        Args:
            failed: hears of an exception; the next beat comes all the same.
        """
        while True:
            time.sleep(self._visibility_timeout_seconds / BEATS_PER_TIMEOUT)
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - handed to whoever started the thread
                failed(error)


def _read(message: Mapping[str, Any]) -> Received:
    receipt = str(message["ReceiptHandle"])
    try:
        return Received(parse(message), receipt)
    except MalformedMessageError as wrong:
        return Received(wrong, receipt)


def _change(
    operation: Callable[..., Any],
    doing: str,
    queue_url: str,
    receipts: Iterable[str],
    **members: int,
) -> tuple[list[str], frozenset[str]]:
    """Call a batch operation for each receipt, once; return those it took, and the void ones.

    A batch that returns 200 may have failed entries (SQS API reference,
    DeleteMessageBatch).
    """
    left = list(receipts)
    taken, void = list[str](), set[str]()
    while left:
        batch, left = left[:BATCH_ENTRIES], left[BATCH_ENTRIES:]
        entries = [{"Id": str(i), "ReceiptHandle": r, **members} for i, r in enumerate(batch)]
        try:
            answer = operation(QueueUrl=queue_url, Entries=entries)
        except AWS_ERRORS as error:
            meaning = classify(error, doing)
            if isinstance(meaning, WorkerExit):
                raise meaning from error
            logger.warning("%d messages left to the visibility timeout: %s", len(batch), meaning)
            continue
        taken += [batch[int(entry["Id"])] for entry in answer.get("Successful", ())]
        failed = answer.get("Failed", ())
        void |= {batch[int(entry["Id"])] for entry in failed if entry["Code"] in VOID_CODES}
        if others := sorted({entry["Code"] for entry in failed} - VOID_CODES):
            said = ", ".join(others)
            logger.warning("Cannot %s: %s; left to the visibility timeout", doing, said)
    return taken, frozenset(void)
