"""The operations of SQS: parameters in, an answer or an error out; nothing here waits.

Source of names, limits and errors: API reference, and botocore's model of the service.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from emulator.sqs import contents
from emulator.sqs.attributes import COMPUTED, SETTABLE, Attributes
from emulator.sqs.errors import SqsError, invalid_value, missing
from emulator.sqs.fifo import FifoQueue
from emulator.sqs.queue import (
    MAX_VISIBILITY_SECONDS,
    ExpiredReceiptError,
    Message,
    OverLimitError,
    PurgeError,
    Queue,
    ReceiptError,
    State,
    VisibilityTotalError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.faults import Faults

ACCOUNT = "123456789012"
Parameters = dict[str, Any]

BATCH_MAX = 10
BATCH_BYTES_MAX = 1_048_576
RECEIVE_MAX = 10
WAIT_SECONDS_MAX = 20
DELAY_SECONDS_MAX = 900
NAME_BLOCKED_SECONDS = 60
PAGE = 1_000
TAGS_MAX = 50
QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
ALL = frozenset(["All", ".*"])
"""Each of them asks for every message attribute."""
BATCH_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
DEDUPLICATION_OR_GROUP = re.compile(r"[!-~]{1,128}")
FIFO = ".fifo"
NOT_OF_THIS_KIND = "The request include parameter that is not valid for this queue type"
# The faults' name for the share of entries that fail, of each batch.
FAIL_SHARES = {
    "SendMessageBatch": "send_batch_fail_share",
    "DeleteMessageBatch": "delete_batch_fail_share",
    "ChangeMessageVisibilityBatch": "visibility_batch_fail_share",
}
NO_QUEUE = SqsError("QueueDoesNotExist", "The specified queue does not exist.")


@dataclass
class Caller:
    """Who asks, and where: what a request says besides its parameters."""

    region: str
    base_url: str
    identity: str = "AIDAEXAMPLE"


@dataclass(eq=False)
class Known:
    """A queue as the API shows it."""

    name: str
    region: str
    attributes: Attributes
    queue: Queue
    created_at: float
    modified_at: float
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Its name in policies."""
        return f"arn:aws:sqs:{self.region}:{ACCOUNT}:{self.name}"


class Sqs:
    """All queues of the account."""

    def __init__(self, faults: Callable[[], Faults], now: Callable[[], float] = time.time) -> None:
        """Take the faults that are switched on at a time, and a clock."""
        self._faults, self._now = faults, now
        self._queues: dict[tuple[str, str], Known] = {}
        self._deleted_at: dict[tuple[str, str], float] = {}
        self._operations: dict[str, Callable[[Parameters, Caller], Parameters]] = {
            "ChangeMessageVisibility": self._change_message_visibility,
            "ChangeMessageVisibilityBatch": self._change_message_visibility_batch,
            "CreateQueue": self._create_queue,
            "DeleteMessage": self._delete_message,
            "DeleteMessageBatch": self._delete_message_batch,
            "DeleteQueue": self._delete_queue,
            "GetQueueAttributes": self._get_queue_attributes,
            "GetQueueUrl": self._get_queue_url,
            "ListDeadLetterSourceQueues": self._list_dead_letter_source_queues,
            "ListQueueTags": self._list_queue_tags,
            "ListQueues": self._list_queues,
            "PurgeQueue": self._purge_queue,
            "ReceiveMessage": self._receive_message,
            "SendMessage": self._send_message,
            "SendMessageBatch": self._send_message_batch,
            "SetQueueAttributes": self._set_queue_attributes,
            "TagQueue": self._tag_queue,
            "UntagQueue": self._untag_queue,
        }

    def reset(self) -> None:
        """Forget all queues."""
        self._queues.clear()
        self._deleted_at.clear()

    def has(self, operation: str) -> bool:
        """Say whether there is such an operation here."""
        return operation in self._operations

    def call(self, operation: str, parameters: Parameters, caller: Caller) -> Parameters:
        """Carry out one operation.

        Raises:
            SqsError: the service refuses it.
        """
        return self._operations[operation](parameters, caller)

    def resource(self, operation: str, parameters: Parameters, caller: Caller) -> str:
        """Return the ARN of what an operation is about, for policies."""
        if operation == "ListQueues":
            return "*"
        name = parameters.get("QueueName") or _name_in(str(parameters.get("QueueUrl") or ""))
        return f"arn:aws:sqs:{caller.region}:{ACCOUNT}:{name}"

    # --- waiting -------------------------------------------------------------------
    def wait_seconds(self, parameters: Parameters, caller: Caller) -> float:
        """Return for how long a receive waits for a message."""
        return self._wait_seconds(self._find(parameters, caller), parameters)

    @staticmethod
    def _wait_seconds(known: Known, parameters: Parameters) -> float:
        wait = parameters.get("WaitTimeSeconds")
        if wait is None:
            return known.attributes.number("ReceiveMessageWaitTimeSeconds")
        return _number(wait, "WaitTimeSeconds", WAIT_SECONDS_MAX)

    @staticmethod
    def key(parameters: Parameters, caller: Caller) -> tuple[str, str]:
        """Return what tells the queue that a request names from every other."""
        return caller.region, _name_in(str(parameters["QueueUrl"]))

    def next_change(self, key: tuple[str, str]) -> float | None:
        """Return when the next hidden message of a queue shows itself; None also without a queue."""
        known = self._queues.get(key)
        return known.queue.next_change() if known is not None else None

    # --- queues ----------------------------------------------------------------------
    def _find(self, parameters: Parameters, caller: Caller) -> Known:
        if "QueueUrl" not in parameters:
            raise missing("QueueUrl")
        found = self._queues.get(self.key(parameters, caller))
        if found is None:
            raise NO_QUEUE
        return found

    def _url(self, known: Known, caller: Caller) -> str:
        return f"{caller.base_url}/{ACCOUNT}/{known.name}"

    def _create_queue(self, parameters: Parameters, caller: Caller) -> Parameters:
        name = str(parameters.get("QueueName") or "")
        given: Parameters = parameters.get("Attributes") or {}
        is_fifo = str(given.get("FifoQueue", "")).lower() == "true"
        self._check_name(name, is_fifo=is_fifo)
        known = self._queues.get((caller.region, name))
        if known is not None:
            if other := known.attributes.differs(given):
                raise SqsError(
                    "QueueNameExists",
                    "A queue already exists with the same name and a different value for "
                    f"attribute {other}",
                )
            return {"QueueUrl": self._url(known, caller)}
        now = self._now()
        if now - self._deleted_at.get((caller.region, name), float("-inf")) < NAME_BLOCKED_SECONDS:
            raise SqsError(
                "QueueDeletedRecently",
                "You must wait 60 seconds after deleting a queue before you can create another "
                "with the same name.",
            )
        attributes = Attributes(given, is_fifo=is_fifo)
        queue = FifoQueue() if is_fifo else Queue()
        known = Known(name, caller.region, attributes, queue, now, now)
        queue.arn = known.arn
        self._apply(known, attributes, given)
        known.tags.update(_tags(parameters.get("tags") or parameters.get("Tags") or {}))
        self._queues[caller.region, name] = known
        return {"QueueUrl": self._url(known, caller)}

    @staticmethod
    def _check_name(name: str, *, is_fifo: bool) -> None:
        if not name:
            raise missing("QueueName")
        if is_fifo and name.endswith(FIFO) and len(name) <= 80:
            name = name.removesuffix(FIFO)
        elif is_fifo:
            name = ""
        if not QUEUE_NAME.fullmatch(name):
            raise SqsError(
                "InvalidParameterValue",
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
                "underscores, must end with .fifo suffix and be 1 to 80 in length."
                if is_fifo
                else "Can only include alphanumeric characters, hyphens, or underscores. "
                "1 to 80 in length",
            )

    def _apply(self, known: Known, attributes: Attributes, given: Parameters) -> None:
        """Let a queue have these attributes, of which those are new that are given."""
        if "RedrivePolicy" in given:
            known.queue.dead_letter = self._dead_letter(known, attributes)
        known.queue.retention_seconds = attributes.number("MessageRetentionPeriod")
        known.attributes = attributes

    def _dead_letter(self, of: Known, attributes: Attributes) -> tuple[Queue, int] | None:
        redrive = attributes.document("RedrivePolicy")
        if not redrive:
            return None
        arn, reason = str(redrive["deadLetterTargetArn"]), ""
        target = self._queues.get((of.region, arn.rpartition(":")[2]))
        if target is None or target.arn != arn or target.queue.is_fifo != of.queue.is_fifo:
            reason = "Dead letter target does not exist, or is not of the same kind."
        elif not target.attributes.allows_source(of.arn):
            reason = "Dead letter target does not allow it."
        if target is None or reason:
            raise invalid_value(attributes.text("RedrivePolicy"), "RedrivePolicy", reason)
        return target.queue, int(redrive["maxReceiveCount"])

    def _set_queue_attributes(self, parameters: Parameters, caller: Caller) -> Parameters:
        known = self._find(parameters, caller)
        given: Parameters = parameters.get("Attributes") or {}
        if not given:
            raise missing("Attribute.Name")
        changed = Attributes(known.attributes.shown(), is_fifo=known.queue.is_fifo)
        changed.set(given)
        self._apply(known, changed, given)
        known.modified_at = self._now()
        return {}

    def _get_queue_attributes(self, parameters: Parameters, caller: Caller) -> Parameters:
        known = self._find(parameters, caller)
        names = set(parameters.get("AttributeNames") or [])
        for name in sorted(names - {"All", *COMPUTED, *SETTABLE}):
            raise SqsError("InvalidAttributeName", f"Unknown Attribute {name}.")
        now, queue = self._now(), known.queue
        shown = {
            **known.attributes.shown(),
            "ApproximateNumberOfMessages": str(queue.count(State.VISIBLE, now)),
            "ApproximateNumberOfMessagesDelayed": str(queue.count(State.DELAYED, now)),
            "ApproximateNumberOfMessagesNotVisible": str(queue.count(State.IN_FLIGHT, now)),
            "CreatedTimestamp": str(int(known.created_at)),
            "LastModifiedTimestamp": str(int(known.modified_at)),
            "QueueArn": known.arn,
        }
        found = {name: text for name, text in shown.items() if name in names or "All" in names}
        return {"Attributes": found} if found else {}

    def _get_queue_url(self, parameters: Parameters, caller: Caller) -> Parameters:
        known = self._queues.get((caller.region, str(parameters.get("QueueName") or "")))
        if known is None or parameters.get("QueueOwnerAWSAccountId", ACCOUNT) != ACCOUNT:
            raise NO_QUEUE
        return {"QueueUrl": self._url(known, caller)}

    def _list_queues(self, parameters: Parameters, caller: Caller) -> Parameters:
        prefix = str(parameters.get("QueueNamePrefix") or "")
        found = [
            known
            for (region, name), known in sorted(self._queues.items())
            if region == caller.region and name.startswith(prefix)
        ]
        return self._page(found, "QueueUrls", parameters, caller)

    def _list_dead_letter_source_queues(self, parameters: Parameters, caller: Caller) -> Parameters:
        target = self._find(parameters, caller).queue
        found = [
            known
            for _, known in sorted(self._queues.items())
            if known.queue.dead_letter is not None and known.queue.dead_letter[0] is target
        ]
        return self._page(found, "queueUrls", parameters, caller)

    def _page(
        self, found: list[Known], name: str, parameters: Parameters, caller: Caller
    ) -> Parameters:
        """Return a page that begins behind the name in NextToken; all where no size is asked."""
        after = str(parameters.get("NextToken") or "")
        rest = [known for known in found if known.name > after]
        asked = parameters.get("MaxResults")
        size = PAGE if asked is None else _number(asked, "MaxResults", PAGE, 1)
        answer: Parameters = {name: [self._url(known, caller) for known in rest[:size]]}
        if asked is not None and len(rest) > size:
            answer["NextToken"] = rest[size - 1].name
        return answer if answer[name] else {}

    def _delete_queue(self, parameters: Parameters, caller: Caller) -> Parameters:
        known = self._find(parameters, caller)
        del self._queues[known.region, known.name]
        self._deleted_at[known.region, known.name] = self._now()
        return {}

    def _purge_queue(self, parameters: Parameters, caller: Caller) -> Parameters:
        known = self._find(parameters, caller)
        try:
            known.queue.purge(self._now())
        except PurgeError:
            raise SqsError(
                "PurgeQueueInProgress",
                f"Only one PurgeQueue operation on {known.name} is allowed every 60 seconds.",
            ) from None
        return {}

    def _tag_queue(self, parameters: Parameters, caller: Caller) -> Parameters:
        known = self._find(parameters, caller)
        both = {**known.tags, **_tags(parameters.get("Tags") or {})}
        if len(both) > TAGS_MAX:
            raise SqsError("InvalidParameterValue", f"Too many tags added for queue {known.name}.")
        known.tags = both
        return {}

    def _untag_queue(self, parameters: Parameters, caller: Caller) -> Parameters:
        known = self._find(parameters, caller)
        for key in parameters.get("TagKeys") or []:
            known.tags.pop(str(key), None)
        return {}

    def _list_queue_tags(self, parameters: Parameters, caller: Caller) -> Parameters:
        tags = self._find(parameters, caller).tags
        return {"Tags": dict(tags)} if tags else {}

    # --- sending -----------------------------------------------------------------------
    def _send_message(self, parameters: Parameters, caller: Caller) -> Parameters:
        known = self._find(parameters, caller)
        return self._send(known, parameters, _read(parameters), caller)

    def _send_message_batch(self, parameters: Parameters, caller: Caller) -> Parameters:
        known = self._find(parameters, caller)
        entries = _entries(parameters)
        read = {str(entry["Id"]): _try_to_read(entry) for entry in entries}
        total = sum(found.size_bytes for found in read.values() if not isinstance(found, SqsError))
        if total > BATCH_BYTES_MAX:
            raise SqsError(
                "BatchRequestTooLong",
                f"Batch requests cannot be longer than {BATCH_BYTES_MAX} bytes. You have sent "
                f"{total} bytes.",
            )

        def send(entry: Parameters) -> Parameters:
            found = read[str(entry["Id"])]
            if isinstance(found, SqsError):
                raise found
            return self._send(known, entry, found, caller)

        return self._batch("SendMessageBatch", entries, send)

    def _send(
        self, known: Known, parameters: Parameters, read: contents.Contents, caller: Caller
    ) -> Parameters:
        limit = known.attributes.number("MaximumMessageSize")
        if read.size_bytes > limit:
            raise SqsError(
                "InvalidParameterValue",
                "One or more parameters are invalid. Reason: Message must be shorter than "
                f"{limit} bytes.",
            )
        system: contents.Attributes = parameters.get("MessageSystemAttributes") or {}
        message = Message(
            parameters["MessageBody"],
            parameters.get("MessageAttributes") or {},
            self._now(),
            md5=read.md5_of_body,
            md5_of_attributes=read.md5_of_attributes or "",
            sender=caller.identity,
            group=_group(parameters, required=known.queue.is_fifo),
        )
        if system:
            message.trace = str(system.get("AWSTraceHeader", {}).get("StringValue") or "")
        message = self._take(known, message, parameters)
        answer = {"MessageId": message.id, "MD5OfMessageBody": read.md5_of_body}
        if read.md5_of_attributes:
            answer["MD5OfMessageAttributes"] = read.md5_of_attributes
        if system:
            answer["MD5OfMessageSystemAttributes"] = contents.md5_of_attributes(system)
        if known.queue.is_fifo:
            answer["SequenceNumber"] = str(message.sequence)
        return answer

    def _take(self, known: Known, message: Message, parameters: Parameters) -> Message:
        """Put a message into the queue; return the earlier one that it repeats, if it does."""
        delay = _delay(known, parameters)
        queue = known.queue
        if not isinstance(queue, FifoQueue):
            if given := parameters.get("MessageDeduplicationId"):
                raise invalid_value(given, "MessageDeduplicationId", NOT_OF_THIS_KIND)
            queue.send(message, delay)
            if self._faults().sqs_flag("duplicate"):
                queue.send(replace(message), delay)
            return message
        message.deduplication_id = _deduplication_id(known, message.body, parameters)
        of_group = known.attributes.text("DeduplicationScope") == "messageGroup"
        key = (message.group if of_group else "", message.deduplication_id)
        earlier = queue.known_duplicate(key, message.sent_at)
        if earlier is not None:
            return earlier
        queue.send(message, delay)
        queue.remember(key, message)
        return message

    # --- receiving ---------------------------------------------------------------------
    def _receive_message(self, parameters: Parameters, caller: Caller) -> Parameters:
        """Return what is there now; whoever calls this waits for more."""
        known = self._find(parameters, caller)
        count = _number(
            parameters.get("MaxNumberOfMessages", 1), "MaxNumberOfMessages", RECEIVE_MAX, 1
        )
        wait = self._wait_seconds(known, parameters)
        visibility = known.attributes.number("VisibilityTimeout")
        if parameters.get("VisibilityTimeout") is not None:
            visibility = _number(
                parameters["VisibilityTimeout"], "VisibilityTimeout", MAX_VISIBILITY_SECONDS
            )
        try:
            handed = known.queue.receive(count, visibility, self._now(), self._faults().sqs_pick)
        except OverLimitError:
            if wait:
                return {}
            raise SqsError(
                "OverLimit",
                "Too many messages are in flight: delete what was received.",
                status=403,
            ) from None
        system = {
            *(parameters.get("AttributeNames") or ()),
            *(parameters.get("MessageSystemAttributeNames") or ()),
        }
        names = [str(name) for name in parameters.get("MessageAttributeNames") or ()]
        found = [_shown(message, receipt, system, names) for message, receipt in handed]
        return {"Messages": found} if found else {}

    # --- settling ----------------------------------------------------------------------
    def _delete_message(self, parameters: Parameters, caller: Caller) -> Parameters:
        return self._delete(self._find(parameters, caller).queue, parameters)

    def _delete(self, queue: Queue, parameters: Parameters) -> Parameters:
        receipt = _receipt(parameters)
        try:
            queue.delete(receipt, self._now())
        except ReceiptError:
            raise _no_receipt(receipt) from None
        except ExpiredReceiptError:
            raise invalid_value(
                receipt, "ReceiptHandle", "The receipt handle has expired."
            ) from None
        return {}

    def _delete_message_batch(self, parameters: Parameters, caller: Caller) -> Parameters:
        queue = self._find(parameters, caller).queue
        return self._batch(
            "DeleteMessageBatch", _entries(parameters), lambda entry: self._delete(queue, entry)
        )

    def _change_message_visibility(self, parameters: Parameters, caller: Caller) -> Parameters:
        return self._change(self._find(parameters, caller).queue, parameters)

    def _change(self, queue: Queue, parameters: Parameters) -> Parameters:
        receipt = _receipt(parameters)
        if parameters.get("VisibilityTimeout") is None:
            raise missing("VisibilityTimeout")
        seconds = _number(
            parameters["VisibilityTimeout"], "VisibilityTimeout", MAX_VISIBILITY_SECONDS
        )
        try:
            queue.change_visibility(receipt, seconds, self._now())
        except ReceiptError:
            raise _no_receipt(receipt) from None
        except ExpiredReceiptError:
            raise invalid_value(
                receipt,
                "ReceiptHandle",
                "Message does not exist or is not available for visibility timeout change.",
            ) from None
        except VisibilityTotalError:
            raise invalid_value(
                seconds,
                "VisibilityTimeout",
                f"Total VisibilityTimeout for the message is beyond the limit "
                f"[{MAX_VISIBILITY_SECONDS} seconds]",
            ) from None
        return {}

    def _change_message_visibility_batch(
        self, parameters: Parameters, caller: Caller
    ) -> Parameters:
        queue = self._find(parameters, caller).queue
        return self._batch(
            "ChangeMessageVisibilityBatch",
            _entries(parameters),
            lambda entry: self._change(queue, entry),
        )

    def _batch(
        self,
        operation: str,
        entries: list[Parameters],
        carry_out: Callable[[Parameters], Parameters],
    ) -> Parameters:
        """Carry out each entry; those that fail are named in an answer that succeeds."""
        faults, share = self._faults(), FAIL_SHARES[operation]
        answer: Parameters = {"Successful": [], "Failed": []}
        for entry in entries:
            try:
                if faults.sqs_entry_fails(share):
                    raise SqsError(
                        "InternalError",
                        "We encountered an internal error. Please try again.",
                        sender_fault=False,
                    )
                answer["Successful"].append({"Id": entry["Id"], **carry_out(entry)})
            except SqsError as error:
                failed = {"Id": entry["Id"], "Code": error.query_code, "Message": error.message}
                answer["Failed"].append({**failed, "SenderFault": error.sender_fault})
        return {name: found for name, found in answer.items() if found}


def _name_in(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


def _read(parameters: Parameters) -> contents.Contents:
    """Look at what is to be sent."""
    body = parameters.get("MessageBody")
    if not body:
        raise missing("MessageBody")
    if not isinstance(body, str):
        raise SqsError("SerializationException", "MessageBody is no text.")
    return contents.read(body, parameters.get("MessageAttributes") or {})


def _try_to_read(entry: Parameters) -> contents.Contents | SqsError:
    """The same, with what is wrong about an entry, which is its own failure."""
    try:
        return _read(entry)
    except SqsError as error:
        return error


def _number(value: object, name: str, most: int, least: int = 0) -> int:
    try:
        number = value if isinstance(value, int) else int(str(value))
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise invalid_value(value, name, f"Must be between {least} and {most}, if provided.")
    return number


def _entries(parameters: Parameters) -> list[Parameters]:
    entries: list[Parameters] = parameters.get("Entries") or []
    if not entries:
        raise SqsError("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > BATCH_MAX:
        raise SqsError(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {BATCH_MAX}. You have sent {len(entries)}.",
        )
    ids = [str(entry.get("Id") or "") for entry in entries]
    if not all(BATCH_ID.fullmatch(name) for name in ids):
        raise SqsError(
            "InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
            "It can be at most 80 letters long.",
        )
    for name in ids:
        if ids.count(name) > 1:
            raise SqsError("BatchEntryIdsNotDistinct", f"Id {name} repeated.")
    return entries


def _tags(given: Parameters) -> dict[str, str]:
    return {str(key): str(value) for key, value in given.items()}


def _group(parameters: Parameters, *, required: bool) -> str:
    group = str(parameters.get("MessageGroupId") or "")
    if required and not group:
        raise missing("MessageGroupId")
    if group and not DEDUPLICATION_OR_GROUP.fullmatch(group):
        raise invalid_value(
            group,
            "MessageGroupId",
            "MessageGroupId can only include alphanumeric and punctuation characters. "
            "1 to 128 in length.",
        )
    return group


def _deduplication_id(known: Known, body: str, parameters: Parameters) -> str:
    given = str(parameters.get("MessageDeduplicationId") or "")
    if given and not DEDUPLICATION_OR_GROUP.fullmatch(given):
        raise invalid_value(
            given,
            "MessageDeduplicationId",
            "MessageDeduplicationId can only include alphanumeric and punctuation characters. "
            "1 to 128 in length.",
        )
    if given:
        return given
    if not known.attributes.is_on("ContentBasedDeduplication"):
        raise SqsError(
            "InvalidParameterValue",
            "The queue should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly",
        )
    return hashlib.sha256(body.encode()).hexdigest()


def _delay(known: Known, parameters: Parameters) -> int:
    given = parameters.get("DelaySeconds")
    if given is None:
        return known.attributes.number("DelaySeconds")
    delay = _number(given, "DelaySeconds", DELAY_SECONDS_MAX)
    if known.queue.is_fifo:
        if delay:
            raise invalid_value(delay, "DelaySeconds", NOT_OF_THIS_KIND)
        return known.attributes.number("DelaySeconds")
    return delay


def _receipt(parameters: Parameters) -> str:
    if not parameters.get("ReceiptHandle"):
        raise missing("ReceiptHandle")
    return str(parameters["ReceiptHandle"])


def _no_receipt(receipt: str) -> SqsError:
    return SqsError(
        "ReceiptHandleIsInvalid",
        f'The input receipt handle "{receipt}" is not a valid receipt handle.',
    )


def _milliseconds(moment: float) -> str:
    return str(int(moment * 1000))


def _shown(message: Message, receipt: str, system: set[str], names: list[str]) -> Parameters:
    """Return a received message, with those of its attributes that were asked for."""
    shown: Parameters = {
        "MessageId": message.id,
        "ReceiptHandle": receipt,
        "MD5OfBody": message.md5,
        "Body": message.body,
    }
    if system:
        known = {
            "SenderId": message.sender,
            "SentTimestamp": _milliseconds(message.sent_at),
            "ApproximateReceiveCount": str(message.receives),
            "ApproximateFirstReceiveTimestamp": _milliseconds(message.first_received_at),
            "MessageGroupId": message.group,
            "MessageDeduplicationId": message.deduplication_id,
            "SequenceNumber": str(message.sequence or ""),
            "AWSTraceHeader": message.trace,
            "DeadLetterQueueSourceArn": message.source_arn,
        }
        shown["Attributes"] = {
            name: value
            for name, value in known.items()
            if value and (name in system or "All" in system)
        }
    if not names or not message.attributes:
        return shown
    attributes, md5 = message.attributes, message.md5_of_attributes
    if ALL.isdisjoint(names):
        attributes = {
            name: value
            for name, value in attributes.items()
            if any(_matches(name, pattern) for pattern in names)
        }
        md5 = contents.md5_of_attributes(attributes)
    if attributes:
        shown["MessageAttributes"] = attributes
        shown["MD5OfMessageAttributes"] = md5
    return shown


def _matches(name: str, pattern: str) -> bool:
    """Say whether an attribute is asked for: by its name, or by how it begins."""
    if pattern == name:
        return True
    return pattern.endswith(".*") and name.startswith(pattern.removesuffix("*"))
