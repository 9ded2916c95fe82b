"""moto's server as a function from request to answer: S3, EC2, IAM, STS and SSM.

moto is a WSGI application without locks of its own, so one thread asks it.
"""

from __future__ import annotations

import asyncio
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from emulator.messages import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.messages import Request

T = TypeVar("T")
OF_THE_BODY = {"CONTENT_TYPE", "CONTENT_LENGTH"}


class Moto:
    """The application, and the one thread that asks it or looks at what it keeps."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moto")

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in moto's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def stop(self) -> None:
        """Take nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def ask(self, request: Request) -> Answer:
        """Pass a request on and collect the answer; to be called in moto's thread."""
        answer = Answer(500)

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer.status = int(status.split(" ", 1)[0])
            answer.headers = headers

        parts = self._app(environ_of(request), start_response)
        try:
            answer.body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return answer


def regions_of_ec2() -> list[Any]:
    """Return EC2 in each region: none before it was asked, and so imported."""
    ec2 = sys.modules.get("moto.ec2.models")
    return list(ec2.ec2_backends[DEFAULT_ACCOUNT_ID].values()) if ec2 else []


def environ_of(request: Request) -> dict[str, Any]:
    """Return what WSGI knows of a request.

    S3's metadata may have underscores in their names, which WSGI cannot tell
    from dashes: moto wants to know how such a header was written.
    """
    environ: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "SERVER_SOFTWARE": "carscribe",
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode().decode("latin-1"),
        "QUERY_STRING": request.raw_query,
        "REQUEST_URI": request.target,
        "RAW_URI": request.target,
        "REMOTE_ADDR": request.client_address,
        "SERVER_NAME": request.server_address,
        "SERVER_PORT": str(request.server_port),
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    preserved: dict[str, str] = {}
    for name, value in request.headers.items():
        if "_" not in name:
            key = name.upper().replace("-", "_")
            environ[key if key in OF_THE_BODY else f"HTTP_{key}"] = value
    for name, value in request.fields:
        if should_preserve_original_header_name(name):
            key = environ_key_for_header(name)
            if key in preserved:
                environ[key] += f",{value}"
            elif key not in environ:
                preserved[key], environ[key] = name, value
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved
    # The body has been read to its end, however it was sent.
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ
