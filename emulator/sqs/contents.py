"""What a message may hold, how large it is, and its digests.

Source: API reference, SendMessage; developer guide, "Message attributes" with
the MD5 of attributes, and "Amazon SQS message quotas".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from functools import lru_cache
from typing import Any, NamedTuple

from emulator.sqs.errors import SqsError

Attributes = dict[str, dict[str, Any]]

MAX_ATTRIBUTES = 10
MAX_NAME_CHARACTERS = 256
# What XML 1.0 does not allow.
REFUSED_CHARACTERS = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NAME = re.compile(r"(?!(?i:aws\.|amazon\.))(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]+(?<!\.)")
TYPE = re.compile(r"(String|Number|Binary)(\..+)?")


class Contents(NamedTuple):
    """What was found out about a message that may be sent."""

    size_bytes: int
    """Of the body, and of names, types and values of attributes."""
    md5_of_body: str
    md5_of_attributes: str | None


def md5_of_attributes(attributes: Attributes) -> str:
    """Return the digest of message attributes, as SQS documents it."""
    written = [_written(name, attributes[name])[0] for name in sorted(attributes)]
    return hashlib.md5(b"".join(written), usedforsecurity=False).hexdigest()


def read(body: str, attributes: Attributes) -> Contents:
    """Look at a message once, for all that is asked about it.

    Raises:
        SqsError: a character, an attribute's name, type or value is not allowed.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        raise SqsError(
            "InvalidParameterValue",
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum "
            f"[{MAX_ATTRIBUTES}].",
        )
    _check_characters(body)
    encoded = body.encode()
    size, form = len(encoded), b""
    for name in sorted(attributes):
        written, counted = _written(name, attributes[name])
        form += written
        size += counted
    return Contents(
        size,
        hashlib.md5(encoded, usedforsecurity=False).hexdigest(),
        hashlib.md5(form, usedforsecurity=False).hexdigest() if form else None,
    )


def _check_characters(text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    if found := REFUSED_CHARACTERS.search(text):
        raise SqsError(
            "InvalidMessageContents",
            f"Invalid character '#x{ord(found.group()):X}' was found in the message; the set of "
            "allowed characters is #x9 | #xA | #xD | [#x20 to #xD7FF] | [#xE000 to #xFFFD] | "
            "[#x10000 to #x10FFFF]",
        )


def _written(name: str, attribute: dict[str, Any]) -> tuple[bytes, int]:
    """Return the form of an attribute that is digested, and the bytes that count."""
    kind, begin, counted = _begin(name, str(attribute.get("DataType") or ""))
    text = str(attribute.get("BinaryValue" if kind == "Binary" else "StringValue") or "")
    _check_characters(text)
    if not text:
        raise SqsError(
            "InvalidParameterValue",
            f"Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'.",
        )
    try:
        if kind == "Number":
            float(text)
        value = base64.b64decode(text, validate=True) if kind == "Binary" else text.encode()
    except (binascii.Error, ValueError):
        raise SqsError(
            "InvalidParameterValue",
            f"Can't cast the value of message (user) attribute '{name}' to a {kind.lower()}.",
        ) from None
    return begin + _with_length(value), counted + len(value)


@lru_cache(maxsize=1_000)
def _begin(name: str, data_type: str) -> tuple[str, bytes, int]:
    """Return an attribute's kind, its form up to the value, and the bytes of it that count."""
    kind = TYPE.fullmatch(data_type)
    if len(name) > MAX_NAME_CHARACTERS or not NAME.fullmatch(name):
        raise SqsError(
            "InvalidParameterValue",
            "Message (user) attribute name can only contain upper and lower score characters, "
            "digits, periods, hyphens and underscores, and may not begin with AWS. or Amazon.",
        )
    if kind is None:
        raise SqsError(
            "InvalidParameterValue",
            f"The type of message (user) attribute '{name}' is invalid. You must use only the "
            "following supported type prefixes: Binary, Number, String.",
        )
    named, typed = name.encode(), data_type.encode()
    form = _with_length(named) + _with_length(typed) + (b"\x02" if kind[1] == "Binary" else b"\x01")
    return kind[1], form, len(named) + len(typed)


def _with_length(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data
