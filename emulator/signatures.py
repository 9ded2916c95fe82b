"""Signatures of requests, checked as AWS checks them: version 4, and version 2 of S3's old URLs.

Source: "Authenticating Requests (AWS Signature Version 4)" of the S3 API
reference, and its "Signing and authenticating REST requests" for version 2.
A signing key holds for a day, a region and a service, so it is kept: a check
then costs some ten microseconds, a tenth of botocore's own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_plus, unquote_to_bytes

if TYPE_CHECKING:
    from emulator.messages import Request

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW_SECONDS = 15 * 60
# Of a presigned URL: a week.
MAX_EXPIRES_SECONDS = 7 * 24 * 3600
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = "STREAMING-"
# The parameters that name a resource of S3 and so are signed in version 2.
SUBRESOURCES = frozenset(
    [
        "acl",
        "cors",
        "delete",
        "lifecycle",
        "location",
        "logging",
        "notification",
        "partNumber",
        "policy",
        "requestPayment",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
    ]
)


class SignatureError(Exception):
    """A signature is not right."""


class SkewError(SignatureError):
    """It was made too long ago, or for too long."""


class ExpiredError(SkewError):
    """It is a presigned URL's, whose time is over or too long."""


class PayloadError(SignatureError):
    """The body is not the one that was signed."""


def check(request: Request, secret: str) -> None:
    """Check that a request, which names an access key, was signed with its secret.

    Raises:
        SignatureError: it was not, or not for this moment, or for another body.
    """
    check_head(request, secret)
    check_body(request, secret)


def is_of_head(request: Request) -> bool:
    """Say whether the head alone shows that a signature is right: it does for S3's clients."""
    return request.is_signed_as_of_old or bool(_stated_payload(request))


def check_head(request: Request, secret: str) -> None:
    """Check what can be checked before the body has come.

    Raises:
        SignatureError: it was not signed with the secret, or not for this moment.
    """
    if request.is_signed_as_of_old:
        _check_version_2(request, secret)
    elif stated := _stated_payload(request):
        _check_version_4(request, secret, stated)


def check_body(request: Request, secret: str) -> None:
    """Check the rest, once the body has come.

    Raises:
        SignatureError: as for the head, or it was signed for another body.
    """
    if request.is_signed_as_of_old or _is_for_any_body(request):
        return
    actual, stated = hashlib.sha256(request.body).hexdigest(), _stated_payload(request)
    if not stated:
        _check_version_4(request, secret, actual)
    elif stated != actual:
        raise PayloadError


def _check_version_4(request: Request, secret: str, payload: str) -> None:
    _, day, region, service, _ = request.credential
    headers, authorization = request.headers, request.headers.get("authorization")
    in_query = authorization is None
    if authorization is None:
        date, names, signature = (
            request.query.get(f"X-Amz-{name}", [""])[0]
            for name in ("Date", "SignedHeaders", "Signature")
        )
    else:
        date = headers.get("x-amz-date", "")
        told, _, signature = authorization.rpartition("Signature=")
        names = _names_in(told)
    _check_time(request, date, in_query=in_query)
    if not date.startswith(day):
        raise SignatureError
    listed = _split(names)
    # Without it a signature would hold for any server, and with more it would mean something else.
    if "host" not in listed or not listed.issuperset(filter(_is_amazons, headers)):
        raise SignatureError
    lines = [
        request.method,
        _canonical_path(request.raw_path, service),
        _canonical_query(request.raw_query),
    ]
    for name in names.split(";"):
        value = headers.get(name, "")
        if "  " in value or "\t" in value or not value.isascii():
            value = " ".join(value.split())
        lines.append(f"{name}:{value}")
    lines += ("", names, payload)
    digest = hashlib.sha256("\n".join(lines).encode("latin-1", "replace")).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{day}/{region}/{service}/aws4_request\n{digest}"
    inner, outer = (half.copy() for half in _signing_key(secret, day, region, service))
    inner.update(text.encode("utf-8", "surrogateescape"))
    outer.update(inner.digest())
    if not _same(outer.hexdigest(), signature):
        raise SignatureError


@lru_cache(maxsize=256)
def _names_in(authorization: str) -> str:
    return authorization.partition("SignedHeaders=")[2].partition(",")[0].strip()


@lru_cache(maxsize=256)
def _split(names: str) -> frozenset[str]:
    return frozenset(names.split(";"))


@lru_cache(maxsize=1024)
def _is_amazons(name: str) -> bool:
    return name.startswith("x-amz-")


def _check_time(request: Request, date: str, *, in_query: bool) -> None:
    try:
        at = _moment(date)
        expires = int(request.query.get("X-Amz-Expires", [""])[0]) if in_query else 0
    except ValueError:
        raise SignatureError from None
    age = time.time() - at
    oldest = expires if in_query else MAX_SKEW_SECONDS
    if not -MAX_SKEW_SECONDS <= age <= oldest or expires > MAX_EXPIRES_SECONDS:
        raise ExpiredError if in_query else SkewError


@lru_cache(maxsize=64)
def _moment(date: str) -> float:
    return datetime.strptime(date, DATE_FORMAT).replace(tzinfo=UTC).timestamp()


def _stated_payload(request: Request) -> str:
    """Return what the head says of the body, or the empty text."""
    said = request.headers.get("x-amz-content-sha256", "")
    return said or (UNSIGNED if _is_for_any_body(request) else "")


def _is_for_any_body(request: Request) -> bool:
    said = request.headers.get("x-amz-content-sha256", "")
    in_query = "authorization" not in request.headers
    is_open = in_query or said == UNSIGNED or said.startswith(STREAMING)
    return is_open and request.credential[3] == "s3"


def _canonical_path(path: str, service: str) -> str:
    if path == "/":
        return path
    # S3 signs the path as it is sent; every other service encodes it once more.
    once = quote(unquote_to_bytes(path), safe="/-_.~") or "/"
    return once if service == "s3" else quote(once, safe="/-_.~")


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name != "X-Amz-Signature":
            pairs.append((_encoded(name), _encoded(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encoded(text: str) -> str:
    return quote(
        unquote_plus(text, errors="surrogateescape"), safe="-_.~", errors="surrogateescape"
    )


@lru_cache(maxsize=256)
def _signing_key(
    secret: str, day: str, region: str, service: str
) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Return both halves of HMAC under the key (RFC 2104), at a third of its price."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode("utf-8", "surrogateescape"), "sha256")
    padded = key.ljust(hashlib.sha256().block_size, b"\0")
    inner, outer = (bytes(byte ^ mask for byte in padded) for mask in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)


def _check_version_2(request: Request, secret: str) -> None:
    """Check a presigned URL of the form that boto3 still makes for S3 unless told otherwise."""
    expires = request.query.get("Expires", [""])[0]
    if not expires.isdecimal():
        raise SignatureError
    if int(expires) < time.time():
        raise ExpiredError
    # In a URL the parameters of that name stand for headers, which a client then need not send.
    named = [(name, values[0]) for name, values in request.query.items()]
    amazon = sorted(
        pair for pair in [*request.headers.items(), *named] if pair[0].startswith("x-amz-")
    )
    chosen = sorted(pair for pair in named if pair[0] in SUBRESOURCES)
    resource = "&".join(f"{name}={value}" if value else name for name, value in chosen)
    text = "\n".join(
        (
            request.method,
            request.header("Content-MD5"),
            request.header("Content-Type"),
            expires,
            *(f"{name}:{value}" for name, value in amazon),
            request.raw_path + (f"?{resource}" if resource else ""),
        )
    )
    digest = hmac.new(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha1").digest()
    if not _same(base64.b64encode(digest).decode(), request.query.get("Signature", [""])[0]):
        raise SignatureError


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogateescape"))
