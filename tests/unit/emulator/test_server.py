"""What the front lets through before it looks at anything else."""

from __future__ import annotations

import pytest

from emulator.faults import Faults
from emulator.secret import Secret
from emulator.server import Emulator
from tests import signing

SECRET = Secret()


def status(path: str, token: str = SECRET.token, client: str = signing.ADDRESS) -> int:
    """Make a request with a token; return the answer's status."""
    front = Emulator(None, "us-east-1", Faults(), secret=SECRET)
    method = "GET" if path.endswith("counts") else "POST"
    given = {"Authorization": f"Bearer {token}"} if token else {}
    return signing.answer(
        front, signing.request(method, path, given=given, client=client, server=client)
    ).status


@pytest.mark.parametrize(
    ("address", "path", "wanted"),
    [
        ("127.0.0.1", "/_carscribe/counts", 200),
        ("127.3.4.5", "/_carscribe/counts", 200),
        ("10.73.1.4", "/_carscribe/counts", 403),
        ("10.73.1.4", "/_carscribe/faults", 403),
        ("10.73.1.4", "/moto-api/reset", 403),
        ("::1", "/_carscribe/counts", 200),
    ],
)
def test_admin_calls_are_answered_to_this_machine_alone(
    address: str, path: str, wanted: int
) -> None:
    """A host of the deployment can neither read the counts nor switch faults on or reset."""
    assert status(path, client=address) == wanted


@pytest.mark.parametrize(
    "token",
    ["", "wrong", SECRET.access_key, SECRET.token[:-1]],
    ids=["none", "wrong", "the-key", "cut-off"],  # the same in each process of a test run
)
@pytest.mark.parametrize("path", ["/_carscribe/counts", "/_carscribe/faults", "/moto-api/reset"])
def test_admin_calls_need_the_token(path: str, token: str) -> None:
    """Another account of the machine is a client on this machine too."""
    assert status(path, token) == 401
