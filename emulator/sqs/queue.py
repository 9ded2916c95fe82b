"""A queue: each step costs the same, or O(log n), however deep it is.

Visible messages wait in order; hidden ones lie on a heap by the moment they
show themselves. A message that is deleted while it waits stays where it is
and is passed over. Moments are seconds since the epoch.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.messages import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

# Source for all limits: SQS developer guide, "Amazon SQS quotas" and "Amazon SQS FIFO queues".
MAX_IN_FLIGHT = 120_000
MAX_VISIBILITY_SECONDS = 43_200
PURGE_SECONDS = 60
RECEIPT_BYTES = 12
SPARE_AGES = 1_000
"""So many messages that are gone are remembered besides as many as there are."""


class State:
    """Where a message is. Plain numbers: an Enum's hash is Python code, and asked for at each step."""

    VISIBLE, IN_FLIGHT, DELAYED, GONE = range(4)


@dataclass(eq=False, slots=True)
class Message:
    """One message; `turn` changes with each change of its state or its visibility."""

    body: str
    attributes: dict[str, Any]
    sent_at: float
    md5: str = ""
    md5_of_attributes: str = ""
    sender: str = ""
    group: str = ""
    deduplication_id: str = ""
    trace: str = ""
    id: str = field(default_factory=new_id)
    sequence: int = 0
    source_arn: str = ""
    """The queue that gave it up to this, its dead-letter queue."""
    key: int = 0
    """Which message of the queue it is: a duplicate has the id of another, and a key of its own."""
    state: int = State.VISIBLE
    receives: int = 0
    received_at: float = 0.0
    first_received_at: float = 0.0
    turn: int = 0


class ReceiptError(Exception):
    """The receipt handle is none of this queue's."""


class ExpiredReceiptError(Exception):
    """The handle's time is over, and with that what it was good for."""


class VisibilityTotalError(Exception):
    """A message cannot be hidden for longer than twelve hours after one receive."""


class OverLimitError(Exception):
    """So many messages are in flight that none can be received."""


class PurgeError(Exception):
    """A queue is purged once a minute at most."""


class Queue:
    """A standard queue: it may deliver in any order, and does so in that of sending."""

    is_fifo = False

    def __init__(self, retention_seconds: float = 345_600) -> None:
        self.retention_seconds = retention_seconds
        self.dead_letter: tuple[Queue, int] | None = None
        """Where a message goes instead of being received once more than so often."""
        self.arn = ""
        self._signer = hashlib.blake2b(key=secrets.token_bytes(16), digest_size=RECEIPT_BYTES)
        self._messages: dict[int, Message] = {}
        self._hidden: list[tuple[float, int, int, Message]] = []
        self._serial = itertools.count(1)
        self._counts = [0] * 4
        self._purged_at = float("-inf")
        self._visible: deque[Message] = deque()
        self._ages: list[tuple[float, int]] = []
        """A heap of when each message was sent, by its key."""

    # --- counts ------------------------------------------------------------------
    def count(self, state: int, now: float) -> int:
        """Return how many messages are in a state."""
        self.refresh(now)
        return self._counts[state]

    def next_change(self) -> float | None:
        """Return when the next hidden message shows itself."""
        while self._hidden:
            at, _, turn, message = self._hidden[0]
            if turn == message.turn:
                return at
            heapq.heappop(self._hidden)
        return None

    def refresh(self, now: float) -> None:
        """Show what is hidden no longer, and let go of what is too old."""
        while (at := self.next_change()) is not None and at <= now:
            self._show(heapq.heappop(self._hidden)[3])
        oldest = now - self.retention_seconds
        while self._ages:
            sent_at, key = self._ages[0]
            message = self._messages.get(key)
            if message is not None and sent_at >= oldest:
                break
            heapq.heappop(self._ages)
            if message is not None:
                self._drop(message)

    # --- sending -----------------------------------------------------------------
    def send(self, message: Message, delay_seconds: float = 0) -> None:
        """Take a message; it is delivered no earlier than after the delay."""
        message.key = next(self._serial)
        message.state = State.GONE  # not in here before
        self._messages[message.key] = message
        heapq.heappush(self._ages, (message.sent_at, message.key))
        if len(self._ages) > 2 * len(self._messages) + SPARE_AGES:  # one may wait before many
            self._ages = sorted((each.sent_at, each.key) for each in self._messages.values())
        if delay_seconds > 0:
            self._hide(message, message.sent_at + delay_seconds, State.DELAYED)
        else:
            self._show(message)

    def _move(self, message: Message, state: int) -> None:
        if message.state != State.GONE:
            self._counts[message.state] -= 1
        message.state = state
        message.turn += 1
        if state != State.GONE:
            self._counts[state] += 1

    def _show(self, message: Message) -> None:
        self._move(message, State.VISIBLE)
        self._visible.append(message)

    def _hide(self, message: Message, until: float, state: int) -> None:
        self._move(message, state)
        heapq.heappush(self._hidden, (until, next(self._serial), message.turn, message))

    def _drop(self, message: Message) -> None:
        self._move(message, State.GONE)
        self._messages.pop(message.key, None)

    # --- receiving ---------------------------------------------------------------
    def receive(
        self,
        count: int,
        visibility_seconds: float,
        now: float,
        pick: Callable[[int], int] = lambda _: 0,
    ) -> list[tuple[Message, str]]:
        """Hand out up to `count` messages with their receipt handles, and hide them.

        `pick` chooses one of so many waiting messages: the first, unless a fault shuffles.

        Raises:
            OverLimitError: there are too many in flight.
        """
        self.refresh(now)
        if self._counts[State.IN_FLIGHT] >= MAX_IN_FLIGHT:
            raise OverLimitError
        handed: list[tuple[Message, str]] = []
        while len(handed) < count and (message := self._take(now, pick)) is not None:
            self._hand_out(message, visibility_seconds, now)
            handed.append((message, self._receipt(message)))
        return handed

    def _take(self, now: float, pick: Callable[[int], int]) -> Message | None:
        """Take the next message that may be received out of those that wait."""
        while self._visible:
            chosen = pick(len(self._visible))
            if chosen:
                self._visible.rotate(-chosen)
            message = self._visible.popleft()
            if chosen:
                self._visible.rotate(chosen)
            if message.state == State.VISIBLE and self._may_be_received(message, now):
                return message
        return None

    def _may_be_received(self, message: Message, now: float) -> bool:
        """Let go of a message that was received too often."""
        if self.dead_letter is not None and message.receives >= self.dead_letter[1]:
            self._drop(message)
            message.source_arn = self.arn
            self.dead_letter[0].take_dead(message, now)
            return False
        return True

    def take_dead(self, message: Message, now: float) -> None:  # noqa: ARG002 # a FIFO queue's own
        """Take a message that another queue gives up; its age goes on."""
        self.send(message)

    def _hand_out(self, message: Message, visibility_seconds: float, now: float) -> None:
        message.receives += 1
        message.received_at = now
        message.first_received_at = message.first_received_at or now
        self._hide(message, now + visibility_seconds, State.IN_FLIGHT)

    # --- receipt handles -----------------------------------------------------------
    def _receipt(self, message: Message) -> str:
        text = f"{message.key}.{message.receives}"
        return f"{text}.{self._sign(text)}"

    def _sign(self, text: str) -> str:
        signer = self._signer.copy()
        signer.update(text.encode())
        return signer.hexdigest()

    def _find(self, receipt: str) -> tuple[Message | None, bool]:
        """Find a handle's message, if it is there, and say whether this is its newest handle."""
        text, _, signature = receipt.rpartition(".")
        if not receipt.isascii() or not secrets.compare_digest(signature, self._sign(text)):
            raise ReceiptError
        key, _, receives = text.partition(".")
        message = self._messages.get(int(key))
        return message, message is not None and message.receives == int(receives)

    def delete(self, receipt: str, now: float) -> None:
        """Delete a message by any of its handles, whether it is in flight or not.

        Raises:
            ReceiptError: the handle is none of this queue's.
        """
        self.refresh(now)
        message, _ = self._find(receipt)
        if message is not None:
            self._drop(message)

    def change_visibility(self, receipt: str, seconds: float, now: float) -> None:
        """Decide anew when a message in flight shows itself; 0 is at once.

        Raises:
            ReceiptError: the handle is none of this queue's.
            ExpiredReceiptError: the message is not in flight, or no longer under this handle.
            VisibilityTotalError: it would be in flight for more than twelve hours.
        """
        self.refresh(now)
        message, newest = self._find(receipt)
        if message is None or not newest or message.state != State.IN_FLIGHT:
            raise ExpiredReceiptError
        if now + seconds - message.received_at > MAX_VISIBILITY_SECONDS:
            raise VisibilityTotalError
        if seconds > 0:
            self._hide(message, now + seconds, State.IN_FLIGHT)
        else:
            self._show(message)

    def purge(self, now: float) -> None:
        """Forget all messages.

        Raises:
            PurgeError: the last time is less than a minute ago.
        """
        if now - self._purged_at < PURGE_SECONDS:
            raise PurgeError
        self._purged_at = now
        self._forget_all()

    def _forget_all(self) -> None:
        self._messages.clear()
        self._hidden.clear()
        self._visible.clear()
        self._ages.clear()
        self._counts = [0] * 4

    def known_duplicate(self, key: Hashable, now: float) -> Message | None:  # noqa: ARG002
        """Return the message that a FIFO queue took under a deduplication id."""
        return None
