"""The attributes of a queue: which there are, what they may be, and what they are without a word.

Source: API reference, CreateQueue and SetQueueAttributes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from emulator.sqs.errors import SqsError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Name: least, most, default.
NUMBERS = {
    "DelaySeconds": (0, 900, 0),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400, 300),
    "MaximumMessageSize": (1_024, 1_048_576, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600, 345_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20, 0),
    "VisibilityTimeout": (0, 43_200, 30),
}
# Name: what it may be, the default first.
CHOICES = {
    "ContentBasedDeduplication": ("false", "true"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoQueue": ("false", "true"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
    "SqsManagedSseEnabled": ("true", "false"),
}
OF_FIFO = {"ContentBasedDeduplication", "DeduplicationScope", "FifoQueue", "FifoThroughputLimit"}
DOCUMENTS = ("Policy", "RedrivePolicy", "RedriveAllowPolicy")
KEY = "KmsMasterKeyId"
COMPUTED = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
)
SETTABLE = {*NUMBERS, *CHOICES, *DOCUMENTS, KEY}
MAX_RECEIVE_COUNT = 1_000
MAX_SOURCE_QUEUES = 10


def _refused(name: str, reason: str = "") -> SqsError:
    sentence = f"Invalid value for the parameter {name}."
    return SqsError("InvalidAttributeValue", f"{sentence} Reason: {reason}" if reason else sentence)


class Attributes:
    """The settings of one queue."""

    def __init__(self, given: Mapping[str, Any], *, is_fifo: bool) -> None:
        self.is_fifo = is_fifo
        self._given: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self.set(given)

    def set(self, given: Mapping[str, Any]) -> None:
        """Change those that are named, all or none; nothing for a document or a key removes it.

        Raises:
            SqsError: there is no such attribute, or it cannot be this.
        """
        checked = {name: self._checked(name, str(value)) for name, value in given.items()}
        both = {**self._given, **checked}
        if both.get("FifoThroughputLimit") == "perMessageGroupId" and (
            both.get("DeduplicationScope") != "messageGroup"
        ):
            raise _refused(
                "FifoThroughputLimit",
                "perMessageGroupId is allowed only when DeduplicationScope is messageGroup.",
            )
        if checked.get(KEY):
            both["SqsManagedSseEnabled"] = "false"
        elif checked.get("SqsManagedSseEnabled") == "true":
            both[KEY] = ""
        self._given = both
        self._numbers = {name: int(both.get(name, NUMBERS[name][2])) for name in NUMBERS}

    def _checked(self, name: str, value: str) -> str:
        if name not in SETTABLE or (name in OF_FIFO and name != "FifoQueue" and not self.is_fifo):
            raise SqsError("InvalidAttributeName", f"Unknown Attribute {name}.")
        if name in NUMBERS:
            least, most, _ = NUMBERS[name]
            if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
                raise _refused(name)
            return str(int(value))
        if name in CHOICES:
            if value.lower() not in {choice.lower() for choice in CHOICES[name]}:
                raise _refused(name)
            if name == "FifoQueue" and (value.lower() == "true") != self.is_fifo:
                raise _refused(name)
            return next(choice for choice in CHOICES[name] if choice.lower() == value.lower())
        return _document(name, value) if name in DOCUMENTS and value else value

    def text(self, name: str) -> str:
        """Return an attribute as it is, or by default; the empty text for a document that is none."""
        if name in self._given:
            return self._given[name]
        if name in NUMBERS:
            return str(NUMBERS[name][2])
        return CHOICES[name][0] if name in CHOICES else ""

    def number(self, name: str) -> int:
        """Return an attribute that is a number."""
        return self._numbers[name]

    def is_on(self, name: str) -> bool:
        """Return an attribute that is true or false."""
        return self.text(name) == "true"

    def document(self, name: str) -> dict[str, Any]:
        """Return an attribute that is a JSON object; an empty one where it is not set."""
        found: dict[str, Any] = json.loads(self.text(name) or "{}")
        return found

    def allows_source(self, arn: str) -> bool:
        """Say whether a queue of that name may give its dead letters to this one."""
        allowed = self.document("RedriveAllowPolicy")
        permission = allowed.get("redrivePermission", "allowAll")
        return permission == "allowAll" or arn in allowed.get("sourceQueueArns", ())

    def differs(self, given: Mapping[str, Any]) -> str | None:
        """Name the first attribute that is another here."""
        wanted = Attributes(given, is_fifo=self.is_fifo)
        return next((name for name in given if wanted.text(name) != self.text(name)), None)

    def shown(self) -> dict[str, str]:
        """Return all that a queue shows: what is set, and the defaults that apply to it."""
        names = {*NUMBERS, "SqsManagedSseEnabled", *DOCUMENTS, KEY}
        if not self.text(KEY):
            names.discard("KmsDataKeyReusePeriodSeconds")
        if self.is_fifo:
            names |= OF_FIFO
        found = {name: self.text(name) for name in sorted(names)}
        if self.is_fifo:
            found["FifoQueue"] = "true"
        return {name: value for name, value in found.items() if value}


def _document(name: str, value: str) -> str:
    """Check a JSON document and write it without blanks, as AWS answers it."""
    try:
        found = json.loads(value)
    except ValueError:
        raise _refused(name) from None
    if not isinstance(found, dict):
        raise _refused(name)
    if name == "RedrivePolicy":
        _check_redrive(found)
    elif name == "RedriveAllowPolicy":
        _check_redrive_allowed(found)
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def _check_redrive(policy: dict[str, Any]) -> None:
    if "deadLetterTargetArn" not in policy or "maxReceiveCount" not in policy:
        raise _refused("RedrivePolicy", "Redrive policy does not contain mandatory attributes.")
    count = str(policy["maxReceiveCount"])
    if not count.isascii() or not count.isdigit() or not 1 <= int(count) <= MAX_RECEIVE_COUNT:
        raise _refused(
            "RedrivePolicy",
            "Invalid value for maxReceiveCount: it must be between 1 and 1000, both inclusive.",
        )


def _check_redrive_allowed(policy: dict[str, Any]) -> None:
    permission, arns = policy.get("redrivePermission"), policy.get("sourceQueueArns")
    if permission not in {"allowAll", "denyAll", "byQueue"}:
        raise _refused(
            "RedriveAllowPolicy", "redrivePermission must be allowAll, denyAll or byQueue."
        )
    if permission != "byQueue" and arns is not None:
        raise _refused("RedriveAllowPolicy", "sourceQueueArns is allowed only with byQueue.")
    given = arns if isinstance(arns, list) and all(isinstance(arn, str) for arn in arns) else []
    if permission == "byQueue" and not 1 <= len(given) <= MAX_SOURCE_QUEUES:
        raise _refused("RedriveAllowPolicy", "sourceQueueArns must be a list of 1 to 10 ARNs.")
