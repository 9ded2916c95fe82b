"""A FIFO queue: order within a group, and one message under one deduplication id.

Of a group the messages are handed out in order; while one of them is in
flight, the group's others are held back. Groups do not wait for each other.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.sqs.queue import MAX_IN_FLIGHT, ExpiredReceiptError, Message, Queue, State

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

DEDUPLICATION_SECONDS = 300
# Twenty digits, growing, and not by one: nobody shall count with them.
FIRST_SEQUENCE, SEQUENCE_STEP = 18_800_000_000_000_000_000, 256


@dataclass
class _Group:
    waiting: list[tuple[int, Message]] = field(default_factory=list)
    """A heap by sequence number: what comes back goes to its old place."""
    in_flight: int = 0
    is_offered: bool = False


class FifoQueue(Queue):
    """A queue that keeps the order of each message group."""

    is_fifo = True

    def __init__(self, retention_seconds: float = 345_600) -> None:
        super().__init__(retention_seconds)
        self._sequence = itertools.count(FIRST_SEQUENCE, SEQUENCE_STEP)
        self._groups: dict[str, _Group] = {}
        self._offered: list[tuple[int, str]] = []
        """A heap of the groups that may be received from, by the number of their first message."""
        self._taken: dict[Hashable, Message] = {}
        self._forgotten_at: deque[tuple[float, Hashable]] = deque()

    def send(self, message: Message, delay_seconds: float = 0) -> None:
        """Take a message under the next sequence number."""
        message.sequence = next(self._sequence)
        super().send(message, delay_seconds)

    def take_dead(self, message: Message, now: float) -> None:
        """Take a message that another queue gives up; here its age begins anew."""
        message.sent_at = now
        super().take_dead(message, now)

    def remember(self, key: Hashable, message: Message) -> None:
        """Take no other message under this key for five minutes, even if this one is deleted."""
        self._taken[key] = message
        self._forgotten_at.append((message.sent_at + DEDUPLICATION_SECONDS, key))

    def known_duplicate(self, key: Hashable, now: float) -> Message | None:
        """Return the message that was taken under a key within the last five minutes."""
        while self._forgotten_at and self._forgotten_at[0][0] <= now:
            del self._taken[self._forgotten_at.popleft()[1]]
        return self._taken.get(key)

    def _move(self, message: Message, state: int) -> None:
        was_in_flight = message.state == State.IN_FLIGHT
        super()._move(message, state)
        group = self._groups.setdefault(message.group, _Group())
        group.in_flight += (state == State.IN_FLIGHT) - was_in_flight
        self._offer(message.group, group)

    def _show(self, message: Message) -> None:
        group = self._groups.setdefault(message.group, _Group())
        heapq.heappush(group.waiting, (message.sequence, message))
        self._move(message, State.VISIBLE)

    def _offer(self, name: str, group: _Group) -> None:
        """Let a group be received from if none of it is in flight; forget one that is empty."""
        while group.waiting and group.waiting[0][1].state == State.GONE:
            heapq.heappop(group.waiting)
        if group.in_flight or group.is_offered:
            return
        if group.waiting:
            group.is_offered = True
            heapq.heappush(self._offered, (group.waiting[0][0], name))
        else:
            self._groups.pop(name, None)

    def receive(
        self,
        count: int,
        visibility_seconds: float,
        now: float,
        pick: Callable[[int], int] = lambda _: 0,
    ) -> list[tuple[Message, str]]:
        """Hand out messages, as many as can be of one group and then of the next.

        At the limit of messages in flight there are none, and no error, as documented.
        """
        del pick  # the order is kept
        self.refresh(now)
        handed: list[tuple[Message, str]] = []
        while len(handed) < count and self._offered:
            if self._counts[State.IN_FLIGHT] >= MAX_IN_FLIGHT:
                break
            _, name = heapq.heappop(self._offered)
            group = self._groups[name]  # counts as offered until all that is taken of it is hidden
            for message in self._take_of(group, count - len(handed), now):
                self._hand_out(message, visibility_seconds, now)
                handed.append((message, self._receipt(message)))
            group.is_offered = False
            self._offer(name, group)
        return handed

    def _take_of(self, group: _Group, count: int, now: float) -> list[Message]:
        taken: list[Message] = []
        while group.waiting and len(taken) < count:
            message = heapq.heappop(group.waiting)[1]
            if message.state == State.VISIBLE and self._may_be_received(message, now):
                taken.append(message)
        return taken

    def delete(self, receipt: str, now: float) -> None:
        """Delete a message that is in flight under this very handle.

        Raises:
            ReceiptError: the handle is none of this queue's.
            ExpiredReceiptError: the visibility timeout is over.
        """
        self.refresh(now)
        message, newest = self._find(receipt)
        if message is None:
            return
        if not newest or message.state != State.IN_FLIGHT:
            raise ExpiredReceiptError
        self._drop(message)

    def _forget_all(self) -> None:
        super()._forget_all()
        self._groups.clear()
        self._offered.clear()
