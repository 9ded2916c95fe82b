"""Signatures as botocore makes them, and what they hold for."""

from __future__ import annotations

import pytest

from emulator import signatures
from emulator.secret import Secret
from tests import signing

SECRET = Secret()
URL = f"http://{signing.ADDRESS}:{signing.PORT}"


@pytest.mark.parametrize("value", ["a", "a b", "a  b   c", "a\tb", "a\u00a0b", ""])
@pytest.mark.parametrize("service", ["s3", "sqs"])
def test_blanks_in_a_header_count_as_one(value: str, service: str) -> None:
    """However many blanks stand in a signed header, the signature is the same."""
    given = {"x-amz-meta-a": value}
    signed = signing.headers(SECRET, "PUT", f"{URL}/b/k%20%2B?x=1&a", b"body", service, given)
    asked = signing.request("PUT", "/b/k%20%2B?x=1&a", given=signed, body=b"body")
    signatures.check(asked, SECRET.access_key)


def test_another_secret_is_refused() -> None:
    """The same request under another secret has another signature."""
    signed = signing.headers(SECRET, "GET", f"{URL}/")
    with pytest.raises(signatures.SignatureError):
        signatures.check(signing.request("GET", "/", given=signed), Secret().access_key)


@pytest.mark.parametrize(
    ("name", "value"), [("x-amz-meta-a", "2"), ("x-amz-date", "20200101T000000Z")]
)
def test_what_is_signed_cannot_be_changed(name: str, value: str) -> None:
    """A header of Amazon's that is another than signed, or was not signed, is refused."""
    signed = signing.headers(SECRET, "GET", f"{URL}/")
    asked = signing.request("GET", "/", given={**signed, name: value})
    with pytest.raises(signatures.SignatureError):
        signatures.check(asked, SECRET.access_key)
