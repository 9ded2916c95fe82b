"""The message parser on anything at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carscribe_common.protocol import (
    MAX_KEY_BYTES,
    Alive,
    Car,
    Done,
    MalformedMessageError,
    Message,
    entry,
    is_run_id,
    parse,
)
from carscribe_common.rules import can_be_queued

RUN_IDS = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True).filter(is_run_id)
NUMBERS = st.integers(1, 999_999_999_999)
ETAGS = st.from_regex(r'"[\x21\x23-\x7e]{1,64}"', fullmatch=True)
KEYS = (
    st.text(min_size=1, max_size=300)
    .filter(can_be_queued)
    .filter(lambda key: len(key.encode()) <= MAX_KEY_BYTES and key not in {"alive", "-1"})
)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(Car, RUN_IDS, NUMBERS, KEYS, ETAGS),
    st.builds(Alive, RUN_IDS),
    st.builds(Done, RUN_IDS, st.integers(0, 999_999_999_999)),
)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children),
    max_leaves=8,
)
VALUES = st.text() | RUN_IDS | ETAGS | st.integers().map(str)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["run_id", "n", "etag", "expected", "other"]),
    st.fixed_dictionaries({"StringValue": VALUES}) | JSON,
)
RECEIVED = st.fixed_dictionaries(
    {}, optional={"Body": st.text() | KEYS | st.sampled_from(["-1", "alive"]) | JSON,
                  "MessageAttributes": ATTRIBUTES | JSON},
)  # fmt: skip


def parsed(received: dict[str, Any]) -> Message | MalformedMessageError:
    """Return what the parser makes of it, the error too."""
    try:
        return parse(received)
    except MalformedMessageError as wrong:
        return wrong


@given(MESSAGES)
def test_what_is_sent_is_what_is_understood(message: Message) -> None:
    """Every message of ours comes out of the parser as it went in."""
    sent = entry(message)
    received = {"Body": sent["MessageBody"], "MessageAttributes": sent["MessageAttributes"]}
    assert parse(received) == message


@given(RECEIVED)
def test_anything_is_a_message_or_malformed(received: dict[str, Any]) -> None:
    """The parser has two ends: a message whose every part is within its bounds, or malformed."""
    message = parsed(received)
    if isinstance(message, MalformedMessageError):
        assert str(message).isascii()
        assert len(str(message)) < 100, "it does not repeat what it was given"
        return
    assert is_run_id(message.run_id)
    match message:
        case Car(n=n, key=key, etag=etag):
            assert 1 <= n <= 999_999_999_999
            assert 1 <= len(key.encode()) <= MAX_KEY_BYTES
            assert can_be_queued(key)
            assert etag.isascii()
            assert etag.isprintable()
            assert " " not in etag
        case Done(expected=expected):
            assert 0 <= expected <= 999_999_999_999


@given(MESSAGES, st.sampled_from(["run_id", "n", "etag", "expected"]))
def test_a_message_that_lacks_an_attribute_is_malformed(message: Message, name: str) -> None:
    """None of the attributes of a kind can be left out."""
    sent = entry(message)
    if sent["MessageAttributes"].pop(name, None) is None:
        return
    with pytest.raises(MalformedMessageError, match=name):
        parse({"Body": sent["MessageBody"], "MessageAttributes": sent["MessageAttributes"]})
