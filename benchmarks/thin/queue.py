"""A standard queue: every step takes O(log n), however deep it is."""

import heapq
import itertools
import random
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Message:
    """One message; `turn` changes with each change of its visibility."""

    body: str
    attributes: dict[str, Any]
    sent_at: float
    message_id: str
    receives: int = 0
    first_received_at: float = 0.0
    hidden: bool = False
    turn: int = 0

    @property
    def handle(self) -> str:
        """The receipt handle of the latest receive."""
        return f"{self.message_id}:{self.receives}"


class InvalidHandleError(Exception):
    """The handle is none of this queue's."""


class NotInFlightError(Exception):
    """The message is visible, or gone."""


@dataclass
class Queue:
    """Visible messages in order, hidden ones by the moment they come back."""

    seed: int = 1
    max_receives: int = 5
    visible: deque[Message] = field(default_factory=deque)
    messages: dict[str, Message] = field(default_factory=dict)
    dead: list[Message] = field(default_factory=list)
    _hidden: list[tuple[float, int, int, Message]] = field(default_factory=list)
    _serial: "itertools.count[int]" = field(default_factory=itertools.count)
    in_flight: int = 0

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def send(self, body: str, attributes: dict[str, Any], now: float) -> Message:
        """Add a message."""
        message_id = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        message = Message(body, attributes, now, message_id)
        self.messages[message_id] = message
        self.visible.append(message)
        return message

    def next_return(self) -> float | None:
        """Tell when the next hidden message comes back."""
        while self._hidden:
            at, _, turn, message = self._hidden[0]
            if turn == message.turn and message.hidden:
                return at
            heapq.heappop(self._hidden)
        return None

    def refresh(self, now: float) -> None:
        """Make visible what comes back by now."""
        while (at := self.next_return()) is not None and at <= now:
            _, _, _, message = heapq.heappop(self._hidden)
            self._show(message)

    def _show(self, message: Message) -> None:
        message.hidden = False
        message.turn += 1
        self.in_flight -= 1
        if message.receives >= self.max_receives:
            del self.messages[message.message_id]
            self.dead.append(message)
        else:
            self.visible.append(message)

    def receive(self, count: int, visibility_seconds: float, now: float) -> list[Message]:
        """Hand out up to `count` messages and hide them."""
        self.refresh(now)
        handed: list[Message] = []
        while self.visible and len(handed) < count:
            message = self.visible.popleft()
            if message.message_id not in self.messages:
                continue  # deleted while it was visible
            message.receives += 1
            message.first_received_at = message.first_received_at or now
            self.in_flight += 1
            self._hide(message, now + visibility_seconds)
            handed.append(message)
        return handed

    def _hide(self, message: Message, until: float) -> None:
        message.hidden = True
        message.turn += 1
        heapq.heappush(self._hidden, (until, next(self._serial), message.turn, message))

    def _find(self, handle: str) -> tuple[Message | None, bool]:
        message_id, _, receives = handle.rpartition(":")
        try:
            uuid.UUID(message_id)
        except ValueError as error:
            raise InvalidHandleError(handle) from error
        message = self.messages.get(message_id)
        return message, message is not None and str(message.receives) == receives

    def delete(self, handle: str) -> None:
        """Delete a message; a handle that is out of date deletes nothing."""
        message, current = self._find(handle)
        if message is None or not current:
            return
        if message.hidden:
            self.in_flight -= 1
        message.hidden = False
        message.turn += 1
        del self.messages[message.message_id]

    def change(self, handle: str, visibility_seconds: float, now: float) -> None:
        """Set anew when a message in flight comes back; 0 is at once."""
        self.refresh(now)
        message, current = self._find(handle)
        if message is None or not current or not message.hidden:
            raise NotInFlightError(handle)
        self._hide(message, now + visibility_seconds)

    @property
    def depth(self) -> int:
        """How many messages wait to be received."""
        return len(self.messages) - self.in_flight
