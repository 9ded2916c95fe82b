"""Messages: what is sent is understood, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from carscribe_common.protocol import (
    Alive,
    Car,
    Done,
    MalformedMessageError,
    Message,
    entry,
    is_run_id,
    parse,
)

ETAG = '"0123456789abcdef"'


def received(sent: dict[str, Any]) -> dict[str, Any]:
    """Return a sent entry as ReceiveMessage would."""
    return {"Body": sent["MessageBody"], "MessageAttributes": sent["MessageAttributes"]}


@pytest.mark.parametrize(
    "message",
    [
        Car("run-1", 1, "2.jpg", ETAG),
        Car("run-1", 999_999_999_999, "ä b/+%#🚗.jpg", ETAG),
        Alive("run-1"),
        Done("run-1", 0),
        Done("run-1", 6),
    ],
)
def test_what_is_sent_is_understood(message: Message) -> None:
    """Each kind of message survives the way through the queue."""
    assert parse(received(entry(message))) == message


def test_the_bodies_are_those_of_the_assignment() -> None:
    """The index of an image is its key, and the end is -1."""
    assert entry(Car("r", 1, "2.jpg", ETAG))["MessageBody"] == "2.jpg"
    assert entry(Done("r", 6))["MessageBody"] == "-1"


def car(**changes: Any) -> dict[str, Any]:
    """Return a good message of a car, with attributes changed or (None) left out."""
    message = received(entry(Car("run-1", 3, "2.jpg", ETAG)))
    for name, value in changes.items():
        if name == "Body":
            message["Body"] = value
        elif value is None:
            del message["MessageAttributes"][name]
        else:
            message["MessageAttributes"][name] = {"DataType": "String", "StringValue": value}
    return message


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({}, "no body"),
        ({"Body": ""}, "no body"),
        ({"Body": "-1"}, "lacks the attribute run_id"),
        ({"Body": "junk", "MessageAttributes": None}, "lacks the attribute run_id"),
        (car(run_id=None), "lacks the attribute run_id"),
        (car(n=None), "lacks the attribute n"),
        (car(etag=None), "lacks the attribute etag"),
        (car(Body="-1"), "lacks the attribute expected"),
        (car(run_id="../x"), "run_id"),
        (car(run_id=".."), "run_id"),
        (car(n="0"), "n is 0"),
        (car(n="-1"), "n is no whole number"),
        (car(n="1.5"), "n is no whole number"),
        (car(n="01"), "n is no whole number"),
        (car(n="٣"), "n is no whole number"),
        (car(n="1000000000000"), "n is no whole number"),
        (car(n="1\n"), "n is no whole number"),
        (car(Body="x" * 1025), "longer than a key"),
        (car(Body="ä" * 513), "longer than a key"),
        (car(Body="\x00.jpg"), "characters"),
        (car(etag="no quotes"), "etag"),
        (car(etag='"a"\r\nX-Header: 1'), "etag"),
        (car(etag=f'"{"a" * 257}"'), "etag"),
        ({"Body": "x", "MessageAttributes": {"run_id": {"BinaryValue": b"r"}}}, "run_id"),
        ({"Body": "x", "MessageAttributes": {"run_id": "r"}}, "run_id"),
    ],
)
def test_anything_else_is_refused(message: dict[str, Any], why: str) -> None:
    """What is none of the three kinds is refused, and the reason is named."""
    with pytest.raises(MalformedMessageError, match=why):
        parse(message)


def test_a_key_of_the_greatest_length_is_understood() -> None:
    """S3's longest key, 1,024 bytes, is no malformed message."""
    parsed = parse(car(Body="x" * 1024))
    assert isinstance(parsed, Car)
    assert len(parsed.key) == 1024


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("2026-11-23T00.15_a", True),
        ("x" * 64, True),
        ("", False),
        ("x" * 65, False),
        ("a b", False),
        (".", False),
        ("..", False),
        ("a/b", False),
        ("ä", False),
    ],
)
def test_run_id_can_name_a_folder(name: str, good: bool) -> None:
    """A run id has 1 to 64 safe characters and is no path."""
    assert is_run_id(name) is good
