"""What the front lets through, by the address of the client."""

from __future__ import annotations

import pytest

from emulator.faults import Faults
from emulator.messages import Request
from emulator.server import StandIn


@pytest.mark.parametrize(
    ("address", "path", "status"),
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
    address: str, path: str, status: int
) -> None:
    """A host of the deployment can neither read the counts nor switch faults on or reset."""
    front = StandIn(None, "us-east-1", Faults())
    environ = {
        "REQUEST_METHOD": "GET" if path.endswith("counts") else "POST",
        "PATH_INFO": path,
        "REMOTE_ADDR": address,
    }
    assert front.answer(Request(environ, b"")).status == status
