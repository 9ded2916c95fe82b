"""What is read off Terraform's state."""

from __future__ import annotations

from typing import Any

from carscribe.state import State

WRITTEN: dict[str, Any] = {
    "resources": [
        {
            "mode": "managed",
            "type": kind,
            "instances": [{"attributes": {"id": str(n)}} for n in range(number)],
        }
        for kind, number in (
            ("aws_instance", 2),
            ("aws_eip", 2),
            ("aws_route", 1),
            ("aws_s3_bucket", 1),
        )
    ]
}


def test_what_costs_or_keeps_data_is_counted() -> None:
    """Each kind is named once, in the right number; a route is not among them."""
    assert State(WRITTEN).counted() == "2 addresses, 1 bucket, 2 instances"


def test_nothing_is_nothing() -> None:
    """An empty state says nothing."""
    assert not State({}).counted()
