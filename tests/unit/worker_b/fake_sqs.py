"""A queue in memory that does what SQS may do, and lets a test see each moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import EndpointConnectionError

from carscribe_common.protocol import Alive, Car, Done, MalformedMessageError, Message, entry, parse

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH_MAX = 10
"""SQS API reference: at most ten entries a batch, of any kind."""

RECEIVES_MAX = 20
"""As terraform/queue.tf has it: after so many deliveries a message is a dead letter."""


@dataclass
class Stored:
    """A message on the queue.

    Attributes:
        body: as it was sent, with the attributes.
        receipt: of its last delivery; it alone changes anything.
        hidden: it is in flight.
        received: how often it was delivered.
    """

    body: dict[str, Any]
    receipt: str = ""
    hidden: bool = False
    received: int = 0

    @property
    def message(self) -> Message | None:
        """What it says, or nothing if it is malformed."""
        try:
            return parse(self.body)
        except MalformedMessageError:
            return None


@dataclass
class FakeSQS:
    """The operations of SQS that B uses, without a network or a clock.

    Attributes:
        messages: what is on the queue, by the number of its sending.
        deleted: what was deleted.
        dead: what was delivered too often.
        extended: the receipts that were extended since it was last cleared.
        failing: operations whose next call fails as a whole, or each entry of it.
        left: receipts whose change failed: the visibility timeout brings their messages back.
        on_delete: hears of each message just before it goes.
        on_requeue: hears of each message just before it is visible again.
        on_extend: is called in the middle of each extension.
    """

    messages: dict[int, Stored] = field(default_factory=dict)
    deleted: list[Stored] = field(default_factory=list)
    dead: list[Stored] = field(default_factory=list)
    extended: set[str] = field(default_factory=set)
    failing: dict[str, str] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    on_delete: Callable[[Stored], None] | None = None
    on_requeue: Callable[[Stored], None] | None = None
    on_extend: Callable[[list[str]], None] | None = None
    calls: Counter[str] = field(default_factory=Counter)
    _number: int = 0

    # --- what happens to the queue ---------------------------------------------------

    def send(self, message: Car | Done | Alive | str) -> None:
        """Put a message on the queue; a text is none of the program's."""
        self._number += 1
        form = {"MessageBody": message} if isinstance(message, str) else entry(message)
        self.messages[self._number] = Stored(
            {
                "Body": form["MessageBody"],
                "MessageAttributes": form.get("MessageAttributes", {}),
            }
        )

    def visible(self) -> list[int]:
        """Return the numbers of the messages that can be received."""
        return [number for number, stored in self.messages.items() if not stored.hidden]

    def expire(self, receipt: str) -> None:
        """Let the visibility timeout of a delivery pass."""
        for stored in self.messages.values():
            if stored.receipt == receipt:
                stored.hidden = False

    def in_flight(self) -> dict[str, Stored]:
        """Return the messages in flight by their receipts."""
        return {stored.receipt: stored for stored in self.messages.values() if stored.hidden}

    # --- the operations --------------------------------------------------------------

    def receive_message(self, **parameters: Any) -> dict[str, Any]:
        """Deliver up to ten messages that are visible, in the order of ``order``."""
        self._meet("receive")
        assert parameters["MessageAttributeNames"] == ["All"]
        found = []
        for number in self.order(self.visible())[: parameters["MaxNumberOfMessages"]]:
            stored = self.messages[number]
            if stored.received == RECEIVES_MAX:
                self.dead.append(self.messages.pop(number))
                continue
            self._number += 1
            stored.receipt, stored.hidden = f"r{self._number}-{number}", True
            stored.received += 1
            found.append({**stored.body, "ReceiptHandle": stored.receipt})
        return {"Messages": found} if found else {}

    @staticmethod
    def order(numbers: list[int]) -> list[int]:
        """Return the order of delivery; a test may put another one in its place."""
        return numbers

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        """Delete by receipts. That of an earlier delivery is taken, and deletes nothing."""

        def delete(number: int | None, _: dict[str, Any]) -> str | None:
            if number is not None:
                if self.on_delete:
                    self.on_delete(self.messages[number])
                self.deleted.append(self.messages.pop(number))
            return None

        return self._batch("delete", QueueUrl, Entries, delete)

    def change_message_visibility_batch(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        Entries: list[Any],  # noqa: N803
    ) -> dict[str, Any]:
        """Extend what is in flight, or make it visible; a void receipt is an error."""

        def change(number: int | None, entry: dict[str, Any]) -> str | None:
            if number is None or not self.messages[number].hidden:
                return "ReceiptHandleIsInvalid" if number is None else "MessageNotInflight"
            if entry["VisibilityTimeout"] == 0:
                if self.on_requeue:
                    self.on_requeue(self.messages[number])
                self.messages[number].hidden = False
            else:
                self.extended.add(entry["ReceiptHandle"])
            return None

        extends = any(entry["VisibilityTimeout"] for entry in Entries)
        if extends and self.on_extend:
            self.on_extend([entry["ReceiptHandle"] for entry in Entries])
        return self._batch("extend" if extends else "requeue", QueueUrl, Entries, change)

    def _batch(
        self,
        operation: str,
        queue_url: str,
        entries: list[dict[str, Any]],
        do: Callable[[int | None, dict[str, Any]], str | None],
    ) -> dict[str, Any]:
        assert queue_url == "q"
        assert 1 <= len(entries) <= BATCH_MAX
        assert len({entry["Id"] for entry in entries}) == len(entries)
        if operation in self.failing and operation != "extend":
            self.left |= {entry["ReceiptHandle"] for entry in entries}
        how = self._meet(operation)
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for item in entries:
            numbers = [n for n, s in self.messages.items() if s.receipt == item["ReceiptHandle"]]
            code = how or do(numbers[0] if numbers else None, item)
            if code:
                failed = {"Id": item["Id"], "Code": code, "SenderFault": code != "InternalError"}
                answer["Failed"].append(failed)
            else:
                answer["Successful"].append({"Id": item["Id"]})
        return {name: found for name, found in answer.items() if found}

    def _meet(self, operation: str) -> str | None:
        self.calls[operation] += 1
        how = self.failing.pop(operation, None)
        if how == "network":
            raise EndpointConnectionError(endpoint_url="http://q")
        return how
