"""Signature Version 4 as botocore makes it, but for the signing key: that is kept for its day.

It follows from secret key, date, region and service alone (IAM user guide,
"Create a signed AWS API request", "Calculate the signature"), so credentials
that are rotated have keys of their own.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import Any

from botocore import auth

KEPT = 64
"""So many keys are kept: three services, Rekognition in each of its regions, each with those of
yesterday and of old credentials."""


@lru_cache(maxsize=KEPT)
def signing_key(secret_key: str, date: str, region: str, service: str) -> bytes:
    """Return the key that signs requests of one day, such as ``20261125``."""
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class _KeptKey:
    credentials: Any
    _region_name: str
    _service_name: str

    def signature(self, string_to_sign: str, request: Any) -> str:
        """Return a signature, in place of SigV4Auth's own method."""
        date = request.context["timestamp"][:8]
        key = signing_key(self.credentials.secret_key, date, self._region_name, self._service_name)
        return hmac.digest(key, string_to_sign.encode(), "sha256").hex()


class _SigV4(_KeptKey, auth.SigV4Auth):
    pass


class _S3SigV4(_KeptKey, auth.S3SigV4Auth):
    pass


def keep_signing_keys() -> None:
    """Let the clients of this process sign with keys that are kept."""
    auth.AUTH_TYPE_MAPS.update({"v4": _SigV4, "s3v4": _S3SigV4})
