"""Requests that are signed as botocore signs them, for tests that speak HTTP themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator.messages import Request
from emulator.secret import ROOT_ACCESS_KEY_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.secret import Secret

REGION = "us-east-1"
ADDRESS, PORT = "127.0.0.1", "4566"


def headers(  # noqa: PLR0917 # what is signed
    secret: Secret,
    method: str,
    url: str,
    body: bytes = b"",
    service: str = "s3",
    given: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return all headers of a request of the root, those given among them."""
    request = AWSRequest(method, url, data=body, headers=dict(given or {}))
    signer: Any = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(ROOT_ACCESS_KEY_ID, secret.access_key), service, REGION).add_auth(request)
    return dict(request.headers.items())


def rekognition(secret: Secret, operation: str, body: bytes) -> Request:
    """Return a request for Rekognition as the front has it, without any connection."""
    target = {"X-Amz-Target": f"RekognitionService.{operation}"}
    url = f"http://{ADDRESS}:{PORT}/"
    signed = headers(secret, "POST", url, body, "rekognition", target)
    return Request(environ("POST", "/", headers=signed), body)


def environ(
    method: str,
    path: str,
    *,
    client: str = ADDRESS,
    server: str = ADDRESS,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what a connection from `client` to `server` brings."""
    fields = {f"HTTP_{n.upper().replace('-', '_')}": v for n, v in (headers or {}).items()}
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "RAW_URI": path,
        "QUERY_STRING": "",
        "REMOTE_ADDR": client,
        "SERVER_PORT": PORT,
        "carscribe.server_address": server,
        "HTTP_HOST": f"[{server}]:{PORT}" if ":" in server else f"{server}:{PORT}",
        **fields,
    }
