"""HTTP/1.1 on asyncio, parsed by httptools: connections that stay open, and answers cut off.

A protocol of our own and no framework: those cost a third to two thirds of the
calls a second, and none lets go of a connection in the middle of an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections import deque
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, cast

import httptools

from emulator.messages import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

BACKLOG = 256
BUFFER_BYTES = 256 * 1024
HEAD_BYTES = 64 * 1024
"""Of a target and its headers together, and of all else that is no body. A presigned URL with a
long key and a session token is some ten thousand; h11, which Python's servers use, takes as much."""
WAITING_MAX = 100
"""So many requests of a connection wait for the one that is being answered; the next ones are not
read before some are answered, nor is anything while the client does not read its answers."""
LINGER_SECONDS = 2.0
"""A connection that is closed while its client still sends is reset, which may destroy the answer."""
EXPECT = b"expect"
BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
REASONS = {status.value: status.phrase for status in HTTPStatus}
# What we say ourselves, and what no page of another origin may be told, whatever moto says.
OWN_HEADERS = ("content-length", "connection", "date", "server", "transfer-encoding")
OF_OTHER_ORIGINS = "access-control-"
FAILED = Answer.of_text("the emulator failed; its log says why", 500)


class Front(Protocol):
    """Who answers."""

    def admit(self, request: Request, /) -> Answer | int:
        """Refuse a request by its head, or say how many bytes its body may have."""

    def too_large(self, request: Request, /) -> Answer:
        """Refuse a request whose body has more."""

    def answer(self, request: Request, /) -> Answer | Awaitable[Answer]:
        """Answer a request that was admitted and has come to its end."""


class _Refused(Exception):  # noqa: N818 # a decision, not a failure
    """Nothing more is read of this request, nor after it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Connection(asyncio.BufferedProtocol):
    """One connection: its requests are answered one after the other."""

    def __init__(self, front: Front, connections: set[Connection], buffer: memoryview) -> None:
        """Take who answers, the connections to be one of, and what all of them read into."""
        self._front, self._connections, self._buffer = front, connections, buffer
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._is_busy = self._is_expecting = self._is_choked = False
        self._target = b""
        self._fields: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._body_bytes = self._body_limit = 0
        self._other_bytes = 0  # read since the last of a body, or the end of a request
        self._request: Request
        self._refusal: Answer | None = None
        """The last answer: nothing more is read."""
        self._client = self._server = ("", 0)
        self._transport: asyncio.Transport
        self.is_closed = False
        self.on_close: Callable[[], None] | None = None
        """Called when the client hangs up, by whoever waits for something in its name."""

    # --- called by asyncio -----------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Learn who is at both ends."""
        self._transport = cast("asyncio.Transport", transport)  # TCP has no other
        self._client = transport.get_extra_info("peername")
        self._server = transport.get_extra_info("sockname")
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits for something in the client's name."""
        del exc
        self.is_closed = True
        self._connections.discard(self)
        self._waiting.clear()
        if self.on_close is not None:
            self.on_close()

    def pause_writing(self) -> None:
        """Take nothing more of a client that does not read what it is answered."""
        self._is_choked = True
        self._pace()

    def resume_writing(self) -> None:
        """Go on with it."""
        self._is_choked = False
        self._pace()

    def _pace(self) -> None:
        if self._is_choked or len(self._waiting) > WAITING_MAX:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the buffer until `buffer_updated`, which comes before anything else."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse; what is refused before its end, or is no HTTP, ends the connection."""
        if self._refusal is not None:
            return
        self._other_bytes += nbytes
        try:
            self._parser.feed_data(self._buffer[:nbytes])
            if self._other_bytes > HEAD_BYTES:
                self._refuse(self._too_long())
        except httptools.HttpParserUpgrade:
            log.debug("%s asked for another protocol, and is answered in this one", self._client)
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _Refused):
                self._refuse(error.__context__.answer)
                return
            log.debug("no HTTP from %s: %s", self._client, error)
            self._refuse(Answer.of_text("this is no HTTP", HTTPStatus.BAD_REQUEST))

    # --- called by the parser -----------------------------------------------------------
    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target, self._fields, self._body, self._is_expecting = b"", [], [], False
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take the target, or a part of it."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._fields.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        if len(name) == len(EXPECT) and name.lower() == EXPECT:
            self._is_expecting = value.strip().lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        """Refuse the request, or let the client send its body; it waits a second for the word."""
        self._request = Request(
            self._parser.get_method().decode("latin-1"),
            self._target.decode("latin-1"),
            self._fields,
            b"",
            self._client[0],
            self._server[0],
            self._server[1],
            self,
        )
        self._fields = []  # what may still come as a trailer belongs to nothing
        if self._other_bytes > HEAD_BYTES and self._head_bytes() > HEAD_BYTES:
            raise _Refused(self._too_long())
        admitted = self._front.admit(self._request)
        if isinstance(admitted, Answer):
            raise _Refused(admitted)
        self._body_limit = admitted
        if int(self._request.headers.get("content-length", "0")) > admitted:
            raise _Refused(self._front.too_large(self._request))
        if self._is_expecting:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._other_bytes = 0
        self._body_bytes += len(body)
        if self._body_bytes > self._body_limit:
            raise _Refused(self._front.too_large(self._request))
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer the request, after those before it."""
        request = self._request
        request.body, self._body = b"".join(self._body), []
        self._other_bytes = 0
        # Who asks for another protocol (h2c, as Java's HttpClient does) may be answered in this
        # one (RFC 9110, 7.8), but the parser reads nothing more.
        stays_open = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        if self._is_busy:
            self._waiting.append((request, stays_open))
            self._pace()
        elif not self.is_closed:
            self._answer(request, stays_open)

    # --- refusing ---------------------------------------------------------------------------
    def _head_bytes(self) -> int:
        return len(self._target) + sum(len(n) + len(v) for n, v in self._request.fields)

    def _too_long(self) -> Answer:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if len(self._target) > HEAD_BYTES:
            status = HTTPStatus.REQUEST_URI_TOO_LONG
        text = f"a request's target and headers may have {HEAD_BYTES} bytes"
        return Answer.of_text(text, status)

    def _refuse(self, answer: Answer) -> None:
        """Answer in place of the request that is being read, after those before it."""
        self._refusal, self._body = answer, []
        if not self._is_busy:
            self._part(answer)

    def _part(self, answer: Answer) -> None:
        """Send the last answer; what the client still sends is let go for a while, unread."""
        if self.is_closed or self._transport.is_closing():
            return
        self._send(answer, self._parser.get_method().decode("latin-1"))
        self._transport.write_eof()
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self.close)

    # --- answering ------------------------------------------------------------------------
    def _answer(self, request: Request, stays_open: bool) -> None:
        try:
            found = self._front.answer(request)
        except ConnectionAbortedError:
            self.close()
            return
        except Exception:
            log.exception("%s %s failed", request.method, request.target)
            found = FAILED
        if isinstance(found, Answer):
            self._finish(found, request, stays_open)
        else:
            self._is_busy = True
            task = asyncio.ensure_future(self._answer_later(found, request, stays_open))
            _running.add(task)
            task.add_done_callback(_running.discard)

    async def _answer_later(
        self, coming: Awaitable[Answer], request: Request, stays_open: bool
    ) -> None:
        try:
            answer = await coming
        except ConnectionAbortedError:
            self.close()
            return
        except Exception:
            log.exception("%s %s failed", request.method, request.target)
            answer = FAILED
        self._is_busy = False
        self._finish(answer, request, stays_open)
        while self._waiting and not self._is_busy and not self.is_closed:
            self._answer(*self._waiting.popleft())
            self._pace()
        if self._refusal is not None and not self._is_busy:
            self._part(self._refusal)

    def _finish(self, answer: Answer, request: Request, stays_open: bool) -> None:
        self._send(answer, request.method)
        if answer.cut_off or not stays_open:
            self.close()

    def _send(self, answer: Answer, method: str) -> None:
        if self.is_closed:
            return
        body, status = answer.body, answer.status
        length = str(len(body))
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}", f"Date: {_date()}"]
        for name, value in answer.headers:
            if _is_passed_on(name):
                lines.append(f"{name}: {value}")
            elif method == "HEAD" and name.lower() == "content-length":
                length = value  # of the body that a GET would have
        if status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {length}")
        if method == "HEAD" or status in BODILESS:
            body = b""
        if answer.cut_off:
            body = body[: len(body) // 2]
        head = "\r\n".join(lines).replace("\0", "").encode("latin-1", "replace")
        self._transport.write(head + b"\r\n\r\n" + body)

    def close(self) -> None:
        """Send what is written, and no more."""
        self._transport.close()


@lru_cache(maxsize=1024)
def _is_passed_on(name: str) -> bool:
    lower = name.lower()
    return lower not in OWN_HEADERS and not lower.startswith(OF_OTHER_ORIGINS)


_running: set[asyncio.Future[None]] = set()
"""What is being answered: asyncio itself does not hold on to it."""


_dates: dict[int, str] = {}


def _date() -> str:
    now = int(time.time())
    if now not in _dates:
        _dates.clear()
        _dates[now] = formatdate(now, usegmt=True)
    return _dates[now]


class Listener:
    """One address that is served."""

    def __init__(self, server: asyncio.Server, port: int, connections: set[Connection]) -> None:
        self._server, self.port, self._connections = server, port, connections

    @classmethod
    async def at(cls, address: str, port: int, front: Front) -> Listener:
        """Serve at an address; port 0 takes a free one.

        Raises:
            OSError: it cannot be served.
        """
        connections: set[Connection] = set()
        buffer = memoryview(bytearray(BUFFER_BYTES))
        listening = socket.socket()
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((address, port))
            server = await asyncio.get_running_loop().create_server(
                lambda: Connection(front, connections, buffer),
                sock=listening,
                backlog=BACKLOG,
            )
        except BaseException:
            listening.close()
            raise
        return cls(server, listening.getsockname()[1], connections)

    def close(self, *, hang_up: bool = False) -> None:
        """Serve no new connection, and with `hang_up` none at all."""
        self._server.close()
        if hang_up:
            for connection in list(self._connections):
                with contextlib.suppress(OSError):
                    connection.close()
