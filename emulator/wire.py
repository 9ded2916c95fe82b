"""The HTTP server: keeps connections open, and can drop one in the middle of a response.

werkzeug's own closes the connection after each reply, which costs a connection
and a thread for each call, and offers no way to break off a response.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
from http import HTTPStatus
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler

from emulator.messages import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

IDLE_CONNECTION_SECONDS = 120
STOP_LOOKED_FOR_SECONDS = 0.1
HEAD_AND_EMPTY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}

_connection = threading.local()


def client_is_gone() -> bool:
    """Say whether the client of the request this thread answers has hung up."""
    connection: socket.socket | None = getattr(_connection, "socket", None)
    if connection is None:
        return False
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


class Handler(MotoRequestHandler):  # type: ignore[misc] # moto is untyped here
    """Reads a whole request, asks the front, writes the whole answer at once."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_CONNECTION_SECONDS
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave the log to the front, which knows the operation's name."""

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002 # the base class's name
        """Log at debug level: an idle connection that ends is no error."""
        log.debug(format, *args)

    def handle_expect_100(self) -> bool:
        """Let the client send its body at once; it waits a second for the word."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def run_wsgi(self) -> None:
        """Answer one request."""
        environ = self.make_environ()
        if environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read()
            environ.pop("HTTP_TRANSFER_ENCODING", None)
        else:
            body = self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["CONTENT_LENGTH"] = str(len(body))
        # What the connection reached, also where the server listens at all addresses.
        environ["carscribe.server_address"] = self.connection.getsockname()[0]
        _connection.socket = self.connection
        try:
            answer = self.server.app(Request(environ, body))
        except ConnectionAbortedError:
            self._abandon()
            return
        except Exception:
            log.exception("%s %s failed", self.command, self.path)
            answer = Answer.of_text("the stand-in failed; its log says why", 500)
        finally:
            _connection.socket = None
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            name_sent = name.lower()
            # No page of another origin may read an answer, whatever moto or a bucket's CORS says.
            if name_sent.startswith("access-control-"):
                continue
            if name_sent not in {"content-length", "connection", "date", "server"}:
                self.send_header(name, value)
        bodiless = self.command == "HEAD" or answer.status in HEAD_AND_EMPTY
        length = str(len(answer.body))
        if self.command == "HEAD":
            length = next((v for n, v in answer.headers if n.lower() == "content-length"), length)
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", length)
        self.end_headers()
        if answer.cut_off:
            if not bodiless:
                self.wfile.write(answer.body[: len(answer.body) // 2])
            self.wfile.flush()
            self._abandon()
            return
        if not bodiless:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _abandon(self) -> None:
        """Drop the connection without another word."""
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("the client was faster")


class Server(ThreadingMixIn, TCPServer):
    """One listening address; every connection has a thread of its own.

    Not werkzeug's: that one ends the process when an address is in use, and
    asks the name service for the name of the address.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128
    # What werkzeug's handler asks of its server.
    multithread, multiprocess, ssl_context = True, False, None
    _server_version = "carscribe"

    def __init__(self, address: str, port: int, answer: Callable[[Request], Answer]) -> None:
        super().__init__((address, port), Handler)
        self.app = answer
        self._thread = threading.Thread(
            target=self.serve_forever, args=(STOP_LOOKED_FOR_SECONDS,), daemon=True
        )

    def start(self) -> None:
        """Serve from a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; requests under way are left to their threads."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of our errors."""
        log.debug("connection of %s ended: %s", client_address, request)
