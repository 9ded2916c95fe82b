"""A request and an answer, as everything in front of moto sees them."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from emulator.http import Connection

_process = str(uuid.uuid4())[:24]
_numbers = itertools.count(random.getrandbits(40))


def new_id() -> str:
    """Return an id in the form of a UUID: a number, for ids tell things apart and open nothing."""
    return f"{_process}{next(_numbers):012x}"


_encode = json.JSONEncoder(check_circular=False).encode


def to_json(value: Any) -> bytes:
    """Write an answer that holds no cycle."""
    return _encode(value).encode()


Headers = list[tuple[str, str]]


@dataclass(eq=False)
class Request:
    """One HTTP request whose body has been read to its end.

    `headers` are by names in lower case, those of one name joined; `path` is decoded,
    `raw_path` and `raw_query` are as they were sent, and in `query` a parameter
    without a value counts too.
    """

    method: str
    target: str
    """Path and query as they were sent, percent signs and all."""
    fields: list[tuple[str, str]] = field(default_factory=list)
    """The headers, in order and as they were written."""
    body: bytes = b""
    client_address: str = ""
    server_address: str = ""
    """The address of this machine that the connection reached."""
    server_port: int = 0
    connection: Connection | None = None

    def __post_init__(self) -> None:
        # Done here and not when first asked for: every request is asked for all of it.
        self.headers: dict[str, str] = {}
        for name, value in self.fields:
            key = name.lower()
            self.headers[key] = f"{self.headers[key]},{value}" if key in self.headers else value
        self.raw_path, _, self.raw_query = self.target.partition("?")
        self.path = unquote(self.raw_path) if "%" in self.raw_path else self.raw_path
        self.query = parse_qs(self.raw_query, keep_blank_values=True) if self.raw_query else {}
        self.credential = self._credential()
        """Access key, date, region, service and terminator of a signature, or nothing."""

    def header(self, name: str) -> str:
        """A header's value, or the empty text."""
        return self.headers.get(name.lower(), "")

    def set_header(self, name: str, value: str) -> None:
        """Say what was not said in a header."""
        self.fields.append((name, value))
        self.headers[name.lower()] = value

    @property
    def is_signed_as_of_old(self) -> bool:
        """Say whether it is one of S3's URLs that are presigned with signature version 2."""
        return "authorization" not in self.headers and "AWSAccessKeyId" in self.query

    def _credential(self) -> list[str]:
        if self.is_signed_as_of_old:
            return [self.query["AWSAccessKeyId"][0], "any-day", "us-east-1", "s3", "aws4_request"]
        authorization = self.headers.get("authorization")
        if authorization is not None:
            return _scope(authorization.rpartition("Signature=")[0])
        return _scope("Credential=" + self.query.get("X-Amz-Credential", [""])[0])

    @property
    def session_token(self) -> str:
        """The token that goes with temporary credentials, or the empty text."""
        named = self.query.get("X-Amz-Security-Token") or self.query.get("x-amz-security-token")
        return self.header("X-Amz-Security-Token") or (named or [""])[0]

    @property
    def access_key_id(self) -> str:
        """Whose signature the request carries, or the empty text."""
        return self.credential[0] if self.credential else ""

    @property
    def region(self) -> str:
        """The region the request was signed for, or the empty text."""
        return self.credential[2] if self.credential else ""


@lru_cache(maxsize=256)
def _scope(authorization: str) -> list[str]:
    scope = authorization.partition("Credential=")[2].partition(",")[0]
    parts = scope.strip().split("/")
    return parts if len(parts) == 5 else []


@dataclass
class Answer:
    """One HTTP response, complete before any of it is sent."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)
    cut_off: bool = False
    """Send half of it, then drop the connection."""
    is_throttle: bool = False
    """It says that too much was asked, and nothing was carried out."""

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Answer:
        """A plain JSON answer, as the admin calls give."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return cls(status, text.encode(), [("Content-Type", "application/json")])

    @classmethod
    def of_text(cls, text: str, status: int = 200) -> Answer:
        """A plain text answer, as the metadata service gives."""
        return cls(status, text.encode(), [("Content-Type", "text/plain")])
