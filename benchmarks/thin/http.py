"""HTTP/1.1 on asyncio, parsed by httptools: connections, requests and replies."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

import httptools

REASONS = {200: "OK", 304: "Not Modified", 400: "Bad Request", 403: "Forbidden"} | {
    404: "Not Found",
    412: "Precondition Failed",
    500: "Internal Server Error",
    501: "Not Implemented",
}


@dataclass
class Request:
    """One request, and the way to answer it, at once or later."""

    connection: "Connection"
    method: str = ""
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def reply(self, body: bytes, headers: str = "", status: int = 200) -> None:
        """Send the answer; `headers` are complete lines, each with its end."""
        self.connection.send(
            f"HTTP/1.1 {status} {REASONS[status]}\r\n{headers}Content-Length: {len(body)}\r\n\r\n",
            b"" if self.method == "HEAD" else body,
        )

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.connection.closed


Handler = Callable[[Request], None]


class Connection(asyncio.Protocol):
    """A kept-alive connection; boto3 sends one request at a time on it."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.closed = False
        self.parser = httptools.HttpRequestParser(self)
        self.request = Request(self)
        self.chunks: list[bytes] = []
        self.url = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (called by asyncio)."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  TCP has no other
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nobody listens any more (called by asyncio)."""
        del exc
        self.closed = True

    def data_received(self, data: bytes) -> None:
        """Parse (called by asyncio)."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Start a request (called by the parser)."""
        self.request = Request(self)
        self.chunks = []
        self.url = b""

    def on_url(self, url: bytes) -> None:
        """Take the target (called by the parser)."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header (called by the parser)."""
        self.request.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body (called by the parser)."""
        self.chunks.append(body)

    def on_message_complete(self) -> None:
        """Hand the request over (called by the parser)."""
        request = self.request
        request.method = self.parser.get_method().decode()
        path, _, query = self.url.decode("latin-1").partition("?")
        request.path = unquote(path)
        request.query = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        request.body = b"".join(self.chunks)
        self.handler(request)

    def send(self, head: str, body: bytes) -> None:
        """Write an answer, if anybody still listens."""
        if not self.closed:
            self.transport.write(head.encode("latin-1") + body)
