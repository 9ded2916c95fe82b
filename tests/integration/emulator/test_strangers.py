"""What a client that has no secret can cost: an answer, and no memory."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from emulator.http import HEAD_BYTES, Connection
from emulator.server import BODY_BYTES, OBJECT_BYTES
from tests import signing
from tests.integration.emulator.test_door import fetch

if TYPE_CHECKING:
    from tests.emulator import Emulator

NAMED = "Authorization: AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/{}/aws4_request, "
NAMED += "SignedHeaders=host, Signature=0"
HASHED = f"x-amz-content-sha256: {'0' * 64}"
CHUNKED = "Transfer-Encoding: chunked"
AS_SQS = f"{NAMED.format('carscribe', 'sqs')}\r\nX-Amz-Target: AmazonSQS.SendMessage"


def said(emulator: Emulator, text: str, more: bytes = b"") -> bytes:
    """Send what may have no end; return all that is answered before the connection is closed."""
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=10) as connection:
        connection.sendall(text.format(host=f"127.0.0.1:{emulator.port}").encode() + more)
        return b"".join(iter(lambda: connection.recv(10_000), b""))


@pytest.mark.parametrize(
    "head",
    [
        "",
        NAMED.format("somebody", "s3"),
        f"{NAMED.format('carscribe', 's3')}\r\n{HASHED}",
        f"{NAMED.format('carscribe', 'sqs')}\r\n{HASHED}",
        "Origin: http://example.org",
        "Host: example.org",
    ],
    ids=["unsigned", "unknown", "forged", "forged-sqs", "browser", "other-name"],
)
def test_it_is_refused_before_its_body(emulator: Emulator, head: str) -> None:
    """Of 300 MB that were announced none need come, nor be waited for with `100 Continue`."""
    host = "" if head.startswith("Host") else "Host: {host}\r\n"
    lines = f"PUT /photos/1.jpg HTTP/1.1\r\n{host}{head or 'Accept: *'}\r\n"
    answer = said(emulator, lines + "Expect: 100-continue\r\nContent-Length: 300000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")


def test_a_refusal_is_read_also_by_who_sends_all_first(emulator: Emulator) -> None:
    """A connection that was reset under the client would show no reason."""
    head = "PUT /photos/1.jpg HTTP/1.1\r\nHost: {host}\r\nContent-Length: 20000000\r\n\r\n"
    answer = said(emulator, head, bytes(20_000_000))
    assert b"<Code>AccessDenied</Code>" in answer
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("GET /{long}", 414),
        ("GET / HTTP/1.1\r\nHost: {long}", 431),
        ("GET / HTTP/1.1\r\n{long}", 431),
        ("GET / HTTP/1.1\r\n{lines}", 431),
        ("GET /latest/ HTTP/1.1\r\nHost: {host}\r\nA: {almost}\r\n\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: {host}\r\n{sqs}\r\n{chunked}\r\n\r\n0\r\n{lines}", 431),
    ],
    ids=["target", "value", "name", "lines", "whole", "trailers"],
)
def test_a_head_has_an_end(emulator: Emulator, text: str, status: int) -> None:
    """Whatever goes on and on, and is no body, is cut off."""
    filled = text.replace("{long}", "a" * 400_000).replace("{lines}", "A: b\r\n" * 80_000)
    filled = filled.replace("{almost}", "a" * HEAD_BYTES).replace("{sqs}", AS_SQS)
    filled = filled.replace("{chunked}", CHUNKED)
    assert said(emulator, filled).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_has_an_end(emulator: Emulator, *, is_chunked: bool) -> None:
    """Where a signature is of the body too, as of SQS, that is read up to what the service takes."""
    length = CHUNKED if is_chunked else f"Content-Length: {BODY_BYTES + 1}"
    head = f"POST / HTTP/1.1\r\nHost: {{host}}\r\n{AS_SQS}\r\n{length}\r\n\r\n"
    more = b"%x\r\n%b" % (2 * BODY_BYTES, bytes(BODY_BYTES + 1)) if is_chunked else b""
    answer = said(emulator, head, more)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"RequestEntityTooLarge" in answer


def test_requests_that_wait_are_not_all_read(emulator: Emulator) -> None:
    """One connection sends more and more while the first of its requests is not answered."""
    emulator.faults({"silence_seconds": 60})
    host = f"127.0.0.1:{emulator.port}"
    one = f"GET /latest/ HTTP/1.1\r\nHost: {host}\r\nA: {'a' * 60_000}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=3) as connection:
        with pytest.raises(TimeoutError):
            connection.sendall(one.encode() * 1000)
        emulator.faults({})


def test_who_reads_no_answer_is_read_no_further() -> None:
    """Its answers would pile up here."""
    connection = Connection(Mock(), set(), memoryview(b""))
    transport = Mock()
    connection.connection_made(transport)
    connection.pause_writing()
    assert [call[0] for call in transport.method_calls[-1:]] == ["pause_reading"]
    connection.resume_writing()
    assert [call[0] for call in transport.method_calls[-1:]] == ["resume_reading"]


def test_an_object_has_the_size_that_s3_gives_it(emulator: Emulator) -> None:
    """Who has signed is told as S3 tells it."""
    url = f"{emulator.url}/photos/1.jpg"
    signed = signing.headers(emulator.secret, "PUT", url, b"")
    status, body, _ = fetch(url, "PUT", b"", {**signed, "Content-Length": str(OBJECT_BYTES + 1)})
    assert status == 400
    assert b"<Code>EntityTooLarge</Code>" in body


def test_names_that_nobody_signed_are_not_counted(emulator: Emulator) -> None:
    """Each would be a row for ever."""
    for number in range(3):
        for service in ("sqs", "ec2"):
            head = dict([NAMED.format("carscribe", service).split(": ", 1)])
            target = {"X-Amz-Target": f"AmazonSQS.Operation{number}"} if service == "sqs" else {}
            body = f"Action=Operation{number}".encode()
            assert fetch(f"{emulator.url}/", "POST", body, {**head, **target})[0] == 403
            assert fetch(f"{emulator.url}/?operation{number}", "POST", body, target)[0] == 403
    assert emulator.counts() == {}
