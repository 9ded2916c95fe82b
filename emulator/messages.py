"""A request and an answer, as everything in front of moto sees them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

Headers = list[tuple[str, str]]


@dataclass
class Request:
    """One HTTP request whose body has been read to its end."""

    environ: dict[str, Any]
    body: bytes

    @property
    def method(self) -> str:
        """The HTTP verb."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        """The decoded path, without the query."""
        return str(self.environ["PATH_INFO"]).encode("latin-1").decode("utf-8", "replace")

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The query's parameters; one without a value counts too."""
        return parse_qs(str(self.environ.get("QUERY_STRING", "")), keep_blank_values=True)

    @property
    def client_address(self) -> str:
        """The address the request came from."""
        return str(self.environ["REMOTE_ADDR"])

    @property
    def server_address(self) -> str:
        """The address of this machine at which the request came in."""
        return str(self.environ["carscribe.server_address"])

    @property
    def raw_path(self) -> str:
        """The path as it was sent, percent signs and all."""
        return str(self.environ["RAW_URI"]).partition("?")[0]

    @property
    def raw_query(self) -> str:
        """The query as it was sent."""
        return str(self.environ["RAW_URI"]).partition("?")[2]

    def header(self, name: str) -> str:
        """A header's value, or the empty text."""
        field = name.upper().replace("-", "_")
        if field not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            field = f"HTTP_{field}"
        return str(self.environ.get(field, ""))

    def headers(self) -> list[tuple[str, str]]:
        """All headers but the body's type and length, their names in lower case."""
        return [
            (name.removeprefix("HTTP_").replace("_", "-").lower(), str(value))
            for name, value in self.environ.items()
            if name.startswith("HTTP_")
        ]

    @property
    def is_signed_as_of_old(self) -> bool:
        """Say whether it is one of S3's URLs that are presigned with signature version 2."""
        return "AWSAccessKeyId" in self.query and not self.header("Authorization")

    @cached_property
    def credential(self) -> list[str]:
        """Access key, date, region, service and terminator of a signature, or nothing."""
        if self.is_signed_as_of_old:
            return [self.query["AWSAccessKeyId"][0], "any-day", "us-east-1", "s3", "aws4_request"]
        scope = self.header("Authorization").partition("Credential=")[2].partition(",")[0]
        if not self.header("Authorization"):
            scope = self.query.get("X-Amz-Credential", [""])[0]
        parts = scope.strip().split("/")
        return parts if len(parts) == 5 else []

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


@dataclass
class Answer:
    """One HTTP response, complete before any of it is sent."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)
    cut_off: bool = False
    """Send half of it, then drop the connection."""

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Answer:
        """A plain JSON answer, as the admin calls give."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return cls(status, text.encode(), [("Content-Type", "application/json")])

    @classmethod
    def of_text(cls, text: str, status: int = 200) -> Answer:
        """A plain text answer, as the metadata service gives."""
        return cls(status, text.encode(), [("Content-Type", "text/plain")])
