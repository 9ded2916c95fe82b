"""What a message may hold, how large it is, and its digests.

Source: API reference, SendMessage; developer guide, "Message attributes" with
the MD5 of attributes, and "Amazon SQS message quotas".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from typing import Any

from emulator.sqs.errors import SqsError

Attributes = dict[str, dict[str, Any]]

MAX_ATTRIBUTES = 10
MAX_NAME_CHARACTERS = 256
# What XML 1.0 does not allow.
REFUSED_CHARACTERS = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NAME = re.compile(r"(?!(?i:aws\.|amazon\.))(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]+(?<!\.)")
TYPE = re.compile(r"(String|Number|Binary)(\..+)?")


def md5(text: str) -> str:
    """Return the digest of a body."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Attributes) -> str:
    """Return the digest of message attributes, as SQS documents it."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        for text in (name, attribute["DataType"]):
            digest.update(_with_length(text.encode()))
        kind, value = _value(attribute)
        digest.update((b"\x02" if kind == "Binary" else b"\x01") + _with_length(value))
    return digest.hexdigest()


def _with_length(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _value(attribute: dict[str, Any]) -> tuple[str, bytes]:
    kind = attribute["DataType"].partition(".")[0]
    if kind == "Binary":
        return kind, base64.b64decode(attribute.get("BinaryValue") or "")
    return kind, str(attribute.get("StringValue") or "").encode()


def size(body: str, attributes: Attributes) -> int:
    """Return the bytes that count: of the body, and names, types and values of attributes."""
    total = len(body.encode())
    for name, attribute in attributes.items():
        total += len(name.encode()) + len(attribute["DataType"].encode())
        total += len(_value(attribute)[1])
    return total


def check(body: str, attributes: Attributes) -> None:
    """Refuse what SQS does not carry.

    Raises:
        SqsError: a character, an attribute's name, type or value is not allowed.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        raise SqsError(
            "InvalidParameterValue",
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum "
            f"[{MAX_ATTRIBUTES}].",
        )
    texts = [body, *(str(a.get("StringValue") or "") for a in attributes.values())]
    for text in texts:
        if found := REFUSED_CHARACTERS.search(text):
            raise SqsError(
                "InvalidMessageContents",
                f"Invalid character '#x{ord(found.group()):X}' was found in the message; the set "
                "of allowed characters is #x9 | #xA | #xD | [#x20 to #xD7FF] | [#xE000 to #xFFFD] "
                "| [#x10000 to #x10FFFF]",
            )
    for name, attribute in attributes.items():
        _check_attribute(name, attribute)


def _check_attribute(name: str, attribute: dict[str, Any]) -> None:
    if len(name) > MAX_NAME_CHARACTERS or not NAME.fullmatch(name):
        raise SqsError(
            "InvalidParameterValue",
            "Message (user) attribute name can only contain upper and lower score characters, "
            "digits, periods, hyphens and underscores, and may not begin with AWS. or Amazon.",
        )
    kind = TYPE.fullmatch(str(attribute.get("DataType") or ""))
    if kind is None:
        raise SqsError(
            "InvalidParameterValue",
            f"The type of message (user) attribute '{name}' is invalid. You must use only the "
            "following supported type prefixes: Binary, Number, String.",
        )
    try:
        value = _value(attribute)[1]
        if kind[1] == "Number":
            float(value)
    except (binascii.Error, ValueError):
        raise SqsError(
            "InvalidParameterValue",
            f"Can't cast the value of message (user) attribute '{name}' to a {kind[1].lower()}.",
        ) from None
    if not value:
        raise SqsError(
            "InvalidParameterValue",
            f"Message (user) attribute '{name}' must contain a non-empty value of type "
            f"'{kind[1]}'.",
        )
