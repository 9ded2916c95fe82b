"""Requests that are signed as botocore signs them, for tests that speak HTTP themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator.messages import Answer, Request
from emulator.secret import ROOT_ACCESS_KEY_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.secret import Secret
    from emulator.server import Emulator

REGION = "us-east-1"
ADDRESS, PORT = "127.0.0.1", 4566


def headers(  # noqa: PLR0917 # what is signed
    secret: Secret,
    method: str,
    url: str,
    body: bytes = b"",
    service: str = "s3",
    given: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return all headers of a request of the root, those given among them."""
    asked = AWSRequest(method, url, data=body, headers=dict(given or {}))
    signer: Any = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(ROOT_ACCESS_KEY_ID, secret.access_key), service, REGION).add_auth(asked)
    return dict(asked.headers.items())


def rekognition(secret: Secret, operation: str, body: bytes) -> Request:
    """Return a request for Rekognition as the front has it, without any connection."""
    target = {"X-Amz-Target": f"RekognitionService.{operation}"}
    url = f"http://{ADDRESS}:{PORT}/"
    signed = headers(secret, "POST", url, body, "rekognition", target)
    return request("POST", "/", given=signed, body=body)


def request(
    method: str,
    target: str,
    *,
    client: str = ADDRESS,
    server: str = ADDRESS,
    given: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Request:
    """Return what a connection from `client` to `server` brings."""
    host = f"[{server}]:{PORT}" if ":" in server else f"{server}:{PORT}"
    fields = [("Host", host), *(given or {}).items()]
    return Request(method, target, fields, body, client, server, PORT)


def answer(front: Emulator, asked: Request) -> Answer:
    """Ask a front that no connection leads to."""

    async def ask() -> Answer:
        admitted = front.admit(asked)
        found = admitted if isinstance(admitted, Answer) else front.answer(asked)
        return found if isinstance(found, Answer) else await found

    return asyncio.run(ask())
