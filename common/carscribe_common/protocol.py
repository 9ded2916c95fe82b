"""The messages that worker A sends and worker B understands.

| message             | body   | attributes               |
|---------------------|--------|--------------------------|
| an image with a car | its key| run_id, n, etag, size    |
| A is alive          | alive  | run_id                   |
| A is done           | -1     | run_id, expected, digest |

``size`` and ``digest`` are not sent by older programs and may be missing.

The queue is a standard one: it may deliver out of order and more than once.
Nothing here depends on either: B counts, see worker B.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
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

_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}")
_NUMBER_MAX = 999_999_999_999
# An entity tag as it goes into a header: RFC 9110, 8.8.3, within ASCII.
_ETAG = re.compile(r'"[\x21\x23-\x7e]{1,256}"')
_RUN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class MalformedMessageError(ValueError):
    """A message that is none of the three kinds. Says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Car:
    """An image with a car: the n-th that A found in this run.

    Attributes:
        size: of the object, in bytes, or None where the message does not say.
    """

    run_id: str
    n: int
    key: str
    etag: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Alive:
    """A is at work, though it has found nothing for a while."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """A has sent all: the last n of the run, 0 if there was no car.

    Attributes:
        digest: the sum of ``car_hash`` over A's cars modulo 2^64, which B's own
            must equal, or None where the message does not say.
    """

    run_id: str
    expected: int
    digest: int | None = None


Message = Car | Alive | Done


DIGEST_MODULUS = 2**64


def car_hash(n: int, key: str, etag: str) -> int:
    """Return 64 bits that stand for one car of a run: which object got which n."""
    data = f"{n}\0{etag}\0{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


def is_run_id(text: str) -> bool:
    """Tell whether a text can name a run: 1 to 64 letters, digits, dots, dashes, underscores.

    It names a folder too, so ``.`` and ``..`` are none.
    """
    return _RUN_ID.fullmatch(text) is not None and not set(text) <= {"."}


def entry(message: Message) -> dict[str, Any]:
    """Return a message as SendMessageBatch takes it, without its ``Id``."""
    match message:
        case Car(run_id, n, key, etag, size):
            return _entry(key, run_id=run_id, n=n, etag=etag, size=size)
        case Alive(run_id):
            return _entry(ALIVE_BODY, run_id=run_id)
        case Done(run_id, expected, digest):
            return _entry(DONE_BODY, run_id=run_id, expected=expected, digest=digest)


def _entry(body: str, **attributes: str | int | None) -> dict[str, Any]:
    return {
        "MessageBody": body,
        "MessageAttributes": {
            name: {
                "DataType": "Number" if isinstance(value, int) else "String",
                "StringValue": str(value),
            }
            for name, value in attributes.items()
            if value is not None
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
        digest = _number_if_said(received, "digest", DIGEST_MODULUS - 1)
        return Done(run_id, _number(received, "expected"), digest)
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
    return Car(run_id, n, body, etag, _number_if_said(received, "size"))


def _attribute(received: Mapping[str, Any], name: str) -> str:
    attributes = received.get("MessageAttributes")
    found = attributes.get(name) if isinstance(attributes, dict) else None
    value = found.get("StringValue") if isinstance(found, dict) else None
    if not isinstance(value, str) or not value:
        raise MalformedMessageError(f"it lacks the attribute {name}")
    return value


def _number(received: Mapping[str, Any], name: str, most: int = _NUMBER_MAX) -> int:
    value = _attribute(received, name)
    if not _NUMBER.fullmatch(value) or int(value) > most:
        raise MalformedMessageError(f"its {name} is no whole number from 0 to {most}")
    return int(value)


def _number_if_said(received: Mapping[str, Any], name: str, most: int = _NUMBER_MAX) -> int | None:
    attributes = received.get("MessageAttributes")
    if not isinstance(attributes, dict) or name not in attributes:
        return None
    return _number(received, name, most)
