"""Requests are signed as botocore alone would sign them, also after credentials were rotated."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, RefreshableCredentials

from carscribe_common import signing
from carscribe_common.aws import Clients, build_clients
from carscribe_common.rate_limit import RateLimiter

SECRETS = ("first-secret", "second-secret")


def own(kind: str, secret: str) -> str:
    """Return the signature of a request as botocore's own class makes it."""
    return signed({"v4": auth.SigV4Auth, "s3v4": auth.S3SigV4Auth}[kind], secret)


def signed(signer: Any, secret: str) -> str:
    """Return the signature that a class gives a request."""
    request = AWSRequest("GET", "https://photos.example/1.jpg?a=b", headers={"X-Amz-Date": ""})
    request.context["timestamp"] = "20261125T031000Z"
    signer = signer(Credentials("key", secret), "s3", "us-east-1")
    return str(signer.signature(signer.string_to_sign(request, "canonical"), request))


@pytest.mark.parametrize("kind", ["v4", "s3v4"])
@pytest.mark.parametrize("secret", SECRETS)
def test_signature_is_botocores_own(kind: str, secret: str) -> None:
    """With a kept key, too, and with each secret of its own."""
    signing.keep_signing_keys()
    for _ in range(2):
        assert signed(auth.AUTH_TYPE_MAPS[kind], secret) == own(kind, secret)


def authorization(clients: Clients, service: str) -> str:
    """Let a client sign a request; return its header Authorization."""
    client = getattr(clients, service)
    seen: list[Any] = []

    def keep(request: Any, **_: Any) -> Any:
        seen.append(request)
        raise InterruptedError

    client.meta.events.register("before-send", keep)
    calls = {
        "s3": lambda: client.head_object(Bucket="photos", Key="1.jpg"),
        "sqs": lambda: client.delete_message(QueueUrl="http://127.0.0.1:9/q", ReceiptHandle="r"),
        "rekognition": lambda: client.detect_labels(Image={"Bytes": b"x"}),
    }
    with pytest.raises(InterruptedError):
        calls[service]()
    client.meta.events.unregister("before-send", keep)
    return str(seen[0].headers["Authorization"], "ascii")


@pytest.mark.parametrize("service", ["s3", "sqs", "rekognition"])
def test_rotated_credentials_sign_with_their_own_key(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that is at work takes the new secret with the next request; no old key is used."""
    used: list[str] = []
    key_of = signing.signing_key

    def watch(secret_key: str, *parts: str) -> bytes:
        used.append(secret_key)
        return key_of(secret_key, *parts)

    monkeypatch.setattr(signing, "signing_key", watch)
    rotating = iter(
        {
            "access_key": f"key-{number}",
            "secret_key": secret,
            "token": "token",
            "expiry_time": "2000-01-01T00:00:00Z" if number == 0 else "2999-01-01T00:00:00Z",
        }
        for number, secret in enumerate(SECRETS)
    )
    credentials = RefreshableCredentials.create_from_metadata(
        {**next(rotating), "expiry_time": "2999-01-01T00:00:00Z"},
        refresh_using=lambda: next(rotating),
        method="test",
    )
    monkeypatch.setattr(botocore.session.Session, "get_credentials", lambda _: credentials)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients = build_clients("us-east-1", 2, {"us-east-1": RateLimiter(1000.0)})

    first = authorization(clients, service)
    credentials._expiry_time = credentials._time_fetcher()  # type: ignore[attr-defined]
    second = authorization(clients, service)
    assert ("Credential=key-0/" in first, "Credential=key-1/" in second) == (True, True)
    assert used == list(SECRETS), "botocore signs in another way than it did: see signing.py"
