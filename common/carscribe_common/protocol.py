"""The messages that worker A sends and worker B understands.

| message             | body   | attributes            |
|---------------------|--------|-----------------------|
| an image with a car | its key| run_id, n, etag       |
| A is alive          | alive  | run_id                |
| A is done           | -1     | run_id, expected      |

The queue is a standard one: it may deliver out of order and more than once.
Nothing here depends on either: B counts, see worker B.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from carscribe_common.rules import can_be_queued

if TYPE_CHECKING:
    from collections.abc import Mapping

DONE_BODY = "-1"
ALIVE_BODY = "alive"

MAX_KEY_BYTES = 1024
"""S3 user guide, "Naming Amazon S3 objects": at most 1,024 bytes of UTF-8."""

BATCH_ENTRIES = 10
"""SQS API reference: at most ten entries a batch, of any kind."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,11}")
# An entity tag as it goes into a header: RFC 9110, 8.8.3, within ASCII.
_ETAG = re.compile(r'"[\x21\x23-\x7e]{1,256}"')
_RUN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class MalformedMessageError(ValueError):
    """A message that is none of the three kinds. Says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Car:
    """An image with a car: the n-th that A found in this run."""

    run_id: str
    n: int
    key: str
    etag: str


@dataclass(frozen=True, slots=True)
class Alive:
    """A is at work, though it has found nothing for a while."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """A has sent all: the last n of the run, 0 if there was no car."""

    run_id: str
    expected: int


Message = Car | Alive | Done


def is_run_id(text: str) -> bool:
    """Tell whether a text can name a run: 1 to 64 letters, digits, dots, dashes, underscores.

    It names a folder too, so ``.`` and ``..`` are none.
    """
    return _RUN_ID.fullmatch(text) is not None and not set(text) <= {"."}


def entry(message: Message) -> dict[str, Any]:
    """Return a message as SendMessageBatch takes it, without its ``Id``."""
    match message:
        case Car(run_id, n, key, etag):
            return _entry(key, run_id=run_id, n=n, etag=etag)
        case Alive(run_id):
            return _entry(ALIVE_BODY, run_id=run_id)
        case Done(run_id, expected):
            return _entry(DONE_BODY, run_id=run_id, expected=expected)


def _entry(body: str, **attributes: str | int) -> dict[str, Any]:
    return {
        "MessageBody": body,
        "MessageAttributes": {
            name: {
                "DataType": "Number" if isinstance(value, int) else "String",
                "StringValue": str(value),
            }
            for name, value in attributes.items()
        },
    }


def parse(received: Mapping[str, Any]) -> Message:
    """Return what a received SQS message says.

    Args:
        received: an element of ``Messages`` of a ReceiveMessage response,
            asked for with ``MessageAttributeNames=["All"]``.

    Raises:
        MalformedMessageError: it is none of the three kinds.
    """
    body = received.get("Body")
    if not isinstance(body, str) or not body:
        raise MalformedMessageError("it has no body")
    run_id = _attribute(received, "run_id")
    if not is_run_id(run_id):
        raise MalformedMessageError("its run_id is none")
    if body == ALIVE_BODY:
        return Alive(run_id)
    if body == DONE_BODY:
        return Done(run_id, _number(received, "expected"))
    if len(body.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise MalformedMessageError(f"its body is longer than a key, {MAX_KEY_BYTES} bytes")
    n = _number(received, "n")
    if n == 0:
        raise MalformedMessageError("its n is 0; they start at 1")
    if not can_be_queued(body):
        raise MalformedMessageError("its body has characters that no message can carry")
    etag = _attribute(received, "etag")
    if not _ETAG.fullmatch(etag):
        raise MalformedMessageError("its etag is no entity tag")
    return Car(run_id, n, body, etag)


def _attribute(received: Mapping[str, Any], name: str) -> str:
    attributes = received.get("MessageAttributes")
    found = attributes.get(name) if isinstance(attributes, dict) else None
    value = found.get("StringValue") if isinstance(found, dict) else None
    if not isinstance(value, str) or not value:
        raise MalformedMessageError(f"it lacks the attribute {name}")
    return value


def _number(received: Mapping[str, Any], name: str) -> int:
    value = _attribute(received, name)
    if not _NUMBER.fullmatch(value):
        raise MalformedMessageError(f"its {name} is no whole number from 0 to 999999999999")
    return int(value)
