"""Mendings of standard queues: speed at depth, thread safety, characters, faults.

moto scans the whole queue several times for each message sent or received,
without a lock, and hands messages to clients that have hung up long ago. FIFO
queues are left to moto.
"""

from __future__ import annotations

import copy
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from moto.core.utils import unix_time_millis
from moto.sqs.exceptions import (
    InvalidParameterValue,
    QueueDoesNotExist,
    ReceiptHandleIsInvalid,
    SQSException,
)
from moto.sqs.models import MAXIMUM_MESSAGE_DELAY, Message, SQSBackend, _filter_message_attributes

from emulator.wire import client_is_gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.faults import Faults

MAX_BATCH_ENTRIES = 10
MAX_VISIBILITY_SECONDS = 43_200
LONGEST_WAIT_STEP_SECONDS = 0.5

# What XML 1.0 does not allow: SendMessage's reference, "MessageBody".
REFUSED_CHARACTERS = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def mend(faults: Callable[[], Faults]) -> None:
    """Replace what SQSBackend does with messages of standard queues."""
    if getattr(SQSBackend, "carscribe_faults", None) is None:
        for name, mended in MENDED.items():
            original = getattr(SQSBackend, name)
            setattr(SQSBackend, name, _for_standard_queues(original, mended))
        SQSBackend.send_message_batch = _sending_batch(SQSBackend.send_message_batch)
        SQSBackend.delete_message_batch = _deleting_batch(SQSBackend.delete_message_batch)
        SQSBackend.change_message_visibility_batch = _change_visibility_batch
        SQSBackend.purge_queue = _purging(SQSBackend.purge_queue)
    SQSBackend.carscribe_faults = staticmethod(faults)


def _for_standard_queues(original: Any, mended: Any) -> Any:
    def either(self: Any, queue_name: str, *args: Any, **named: Any) -> Any:
        if self.get_queue(queue_name).fifo_queue:
            return original(self, queue_name, *args, **named)
        return mended(self, queue_name, *args, **named)

    return either


def _handles(queue: Any) -> dict[str, Message]:
    """All receipt handles ever given out for messages that still exist."""
    found: dict[str, Message] = queue.__dict__.setdefault("carscribe_handles", {})
    return found


def refused_character(body: str, attributes: dict[str, Any] | None) -> str | None:
    """Name the first character that SQS refuses, in a body or a text attribute."""
    texts = [body, *(str(a.get("StringValue") or "") for a in (attributes or {}).values())]
    for text in texts:
        found = REFUSED_CHARACTERS.search(text)
        if found:
            return f"#x{ord(found.group()):X}"
    return None


def _refusal(character: str) -> str:
    return (
        f"Invalid character '{character}' was found in the message; the set of allowed characters "
        "is #x9 | #xA | #xD | [#x20 to #xD7FF] | [#xE000 to #xFFFD] | [#x10000 to #x10FFFF]"
    )


def _send_message(  # noqa: PLR0917 # the signature of the part that is mended
    self: Any,
    queue_name: str,
    message_body: str,
    message_attributes: dict[str, Any] | None = None,
    delay_seconds: int | None = None,
    deduplication_id: str | None = None,  # noqa: ARG001 # of FIFO queues
    group_id: str | None = None,
    system_attributes: dict[str, Any] | None = None,
    validate_group_id: bool = True,  # noqa: ARG001 # of FIFO queues
) -> Message:
    """Send without a look at the other messages; refuse the characters that AWS refuses."""
    queue = self.get_queue(queue_name)
    character = refused_character(message_body, message_attributes)
    if character:
        raise SQSException("InvalidMessageContents", _refusal(character))
    delay = int(queue.delay_seconds if delay_seconds is None else delay_seconds)
    self._validate_message(queue, message_body=message_body, delay_seconds=delay)
    if not 0 <= delay <= MAXIMUM_MESSAGE_DELAY:
        raise InvalidParameterValue(
            f"Value {delay} for parameter DelaySeconds is invalid. "
            "Reason: DelaySeconds must be >= 0 and <= 900."
        )
    message = Message(str(uuid.uuid4()), message_body, system_attributes)
    message.message_attributes = message_attributes or {}
    message.group_id = group_id
    message.mark_sent(delay_seconds=delay)
    queue.add_message(message)
    if self.carscribe_faults().sqs_flag("duplicate"):
        queue.add_message(copy.copy(message))
    return message


def _receive_message(  # noqa: PLR0917 # the signature of the part that is mended
    self: Any,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:
    """Receive under a lock, and nothing for a client that has hung up."""
    queue = self.get_queue(queue_name)
    end = time.monotonic() + wait_seconds_timeout
    while True:
        if client_is_gone():
            raise ConnectionAbortedError
        if self.queues.get(queue_name) is not queue:
            raise QueueDoesNotExist
        with queue._messages_lock:  # noqa: SLF001 # the part that is mended
            taken = _take(queue, self.carscribe_faults(), int(count), int(visibility_timeout))
            left = end - time.monotonic()
            if not taken and left > 0:
                queue._messages_lock.wait(min(left, _seconds_to_next(queue)))  # noqa: SLF001
        if taken or left <= 0:
            for message in taken:
                _filter_message_attributes(message, message_attribute_names or [])
            return taken


def _take(queue: Any, faults: Faults, count: int, visibility_timeout: int) -> list[Message]:
    now = unix_time_millis()
    limit = queue.redrive_policy["maxReceiveCount"] if queue.dead_letter_queue else None
    retained_since = now - queue.message_retention_period * 1000
    shuffled = faults.sqs_flag("shuffle")
    ready: list[Message] = []
    gone: list[Message] = []
    for message in queue._messages:  # noqa: SLF001 # the part that is mended
        if message.visible_at >= now or message.delayed_until > now:
            continue
        if message.sent_timestamp < retained_since:
            gone.append(message)
            continue
        if limit is not None and message.approximate_receive_count >= limit:
            gone.append(message)
            queue.dead_letter_queue.add_message(message)
            continue
        ready.append(message)
        if len(ready) >= count and not shuffled:
            break
    for message in gone:
        _forget(queue, message)
    taken: list[Message] = []
    while ready and len(taken) < count:
        message = ready.pop(faults.sqs_pick(len(ready)))
        message.mark_received(visibility_timeout=visibility_timeout)
        _handles(queue)[message.receipt_handle] = message
        taken.append(copy.copy(message))
    return taken


def _seconds_to_next(queue: Any) -> float:
    """How long until a hidden message shows itself: no sender will ring for it."""
    now = unix_time_millis()
    times = [max(m.visible_at, m.delayed_until) for m in queue._messages]  # noqa: SLF001
    nearest = min(times, default=now + 1000 * LONGEST_WAIT_STEP_SECONDS)
    return float(min(LONGEST_WAIT_STEP_SECONDS, max(0.001, (nearest - now) / 1000 + 0.001)))


def _forget(queue: Any, message: Message) -> None:
    queue._messages.remove(message)  # noqa: SLF001 # the part that is mended
    for handle in message.all_receipt_handles:
        _handles(queue).pop(handle, None)


def _delete_message(self: Any, queue_name: str, receipt_handle: str) -> None:
    """Delete by looking the handle up; moto rebuilds the list of all messages."""
    queue = self.get_queue(queue_name)
    with queue._messages_lock:  # noqa: SLF001 # the part that is mended
        message = _handles(queue).get(receipt_handle)
        if message is None:
            if receipt_handle in queue.deleted_messages:
                return
            raise ReceiptHandleIsInvalid
        queue.deleted_messages.update(h for h in message.all_receipt_handles if h)
        _forget(queue, message)


def _change_message_visibility(
    self: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    """Heed the newest handle only: an older one belongs to a consumer that lost the message."""
    queue = self.get_queue(queue_name)
    with queue._messages_lock:  # noqa: SLF001 # the part that is mended
        message = _handles(queue).get(receipt_handle)
        if message is None and receipt_handle not in queue.deleted_messages:
            raise ReceiptHandleIsInvalid
        if message is None or message.receipt_handle != receipt_handle:
            raise InvalidParameterValue(
                f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: "
                "Message does not exist or is not available for visibility timeout change."
            )
        message.change_visibility(visibility_timeout)
        queue._messages_lock.notify_all()  # noqa: SLF001 # see above


def _failed_entry(entry_id: str, code: str, message: str, *, sender_fault: bool) -> dict[str, Any]:
    return {"Id": entry_id, "Code": code, "Message": message, "SenderFault": sender_fault}


def _injected(entry_id: str) -> dict[str, Any]:
    text = "We encountered an internal error. Please try again."
    return _failed_entry(entry_id, "InternalError", text, sender_fault=False)


def _sending_batch(original: Any) -> Any:
    def send_message_batch(
        self: Any, queue_name: str, entries: dict[str, dict[str, Any]]
    ) -> tuple[list[Message], list[dict[str, Any]]]:
        """Fail single entries: those with refused characters, and by fault."""
        if len(entries) > MAX_BATCH_ENTRIES or self.get_queue(queue_name).fifo_queue:
            return original(self, queue_name, entries)  # type: ignore[no-any-return]
        failed, kept = [], {}
        for index, entry in entries.items():
            character = refused_character(entry["MessageBody"], entry["MessageAttributes"])
            if character:
                failed.append(
                    _failed_entry(
                        entry["Id"],
                        "InvalidMessageContents",
                        _refusal(character),
                        sender_fault=True,
                    )
                )
            elif self.carscribe_faults().sqs_entry_fails("send_batch_fail_share"):
                failed.append(_injected(entry["Id"]))
            else:
                kept[index] = entry
        sent, refused = original(self, queue_name, kept)
        return sent, refused + failed

    return send_message_batch


def _deleting_batch(original: Any) -> Any:
    def delete_message_batch(
        self: Any, queue_name: str, receipts: list[dict[str, Any]]
    ) -> tuple[list[str], list[dict[str, Any]]]:
        """Fail single entries by fault."""
        faults = self.carscribe_faults()
        failed = [
            receipt["Id"]
            for receipt in receipts
            if faults.sqs_entry_fails("delete_batch_fail_share")
        ]
        kept = [receipt for receipt in receipts if receipt["Id"] not in failed]
        deleted, refused = original(self, queue_name, kept)
        return deleted, refused + [_injected(entry_id) for entry_id in failed]

    return delete_message_batch


def _change_visibility_batch(
    self: Any, queue_name: str, entries: list[dict[str, Any]]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Fail single entries; moto fails the whole batch for some errors."""
    changed, failed = [], []
    for entry in entries:
        if self.carscribe_faults().sqs_entry_fails("visibility_batch_fail_share"):
            failed.append(_injected(entry["Id"]))
            continue
        try:
            seconds = int(entry.get("VisibilityTimeout") or 0)
            if not 0 <= seconds <= MAX_VISIBILITY_SECONDS:
                raise InvalidParameterValue("Visibility timeout invalid")
            self.change_message_visibility(queue_name, entry["ReceiptHandle"], seconds)
            changed.append(entry["Id"])
        except QueueDoesNotExist:
            raise
        except SQSException as error:
            failed.append(_failed_entry(entry["Id"], error.code, error.message, sender_fault=True))
    return changed, failed


def _purging(original: Any) -> Any:
    def purge_queue(self: Any, queue_name: str) -> None:
        """Forget the receipt handles too."""
        original(self, queue_name)
        _handles(self.get_queue(queue_name)).clear()

    return purge_queue


MENDED = {
    "send_message": _send_message,
    "receive_message": _receive_message,
    "delete_message": _delete_message,
    "change_message_visibility": _change_message_visibility,
}
