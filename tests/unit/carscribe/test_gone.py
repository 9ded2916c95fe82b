"""What `make down` asks the API about."""

from __future__ import annotations

from typing import Any

from carscribe import gone
from carscribe.terraform import State

WRITTEN: dict[str, Any] = {
    "resources": [
        {"mode": "managed", "type": kind, "instances": [{"attributes": {"id": name}}]}
        for kind, name in (
            ("aws_instance", "i-1"),
            ("aws_instance", "i-2"),
            ("aws_route", "r-1"),
            ("aws_s3_bucket", "bucket"),
        )
    ]
}


def test_what_costs_or_keeps_data_is_asked_for() -> None:
    """Instances and buckets are among it, a route is not."""
    assert gone.made(State(WRITTEN)) == [
        ("aws_instance", "i-1"),
        ("aws_instance", "i-2"),
        ("aws_s3_bucket", "bucket"),
    ]


def test_the_sentence_counts_by_kind() -> None:
    """Each kind is named once, in the right number."""
    resources = [("aws_instance", "1"), ("aws_instance", "2"), ("aws_eip", "3"), ("aws_eip", "4")]
    assert gone.sentence(resources) == "2 addresses, 2 instances"
    assert gone.sentence([("aws_s3_bucket", "b")]) == "1 bucket"
