"""Which resources are a deployment's, told by their names."""

from __future__ import annotations

from typing import Any

import pytest

from carscribe import leftovers

TIME = "202611281645001234"
DIGITS, HEXADECIMAL = f"{TIME}00000001", f"{TIME}0000000b"
OURS = {
    "queue": [
        *(f"cars-{name}-{DIGITS}" for name in ("indexes", "dead-letter", "indexes-2")),
        f"cars-indexes-{HEXADECIMAL}",
    ],
    "role": [f"cars-{name}-{DIGITS}" for name in ("worker-a", "worker-b-2", "worker-a-16")],
}


class Client:
    """A service that has resources of these names."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def can_paginate(self, _: str) -> bool:
        """All is said at once."""
        return False

    def list_queues(self, **_: str) -> dict[str, Any]:
        """As SQS."""
        return {"QueueUrls": [f"https://sqs.example.org/1/{name}" for name in self.names]}

    def list_roles(self) -> dict[str, Any]:
        """As IAM."""
        return {"Roles": [{"RoleName": name} for name in self.names]}


@pytest.mark.parametrize("name", ["cars", None])
@pytest.mark.parametrize("kind", OURS)
def test_those_of_every_pair_are_known(kind: str, name: str | None) -> None:
    """By the deployment's name, and where nobody knows that; another's are not."""
    [asked] = [one for one in leftovers.TABLE if one.name == kind]
    others = [f"{one}-{DIGITS}" for one in ("cars-worker-c", "cars-other", "worker-a", "cars-a-2")]
    found = leftovers._found(asked, Client(*OURS[kind], *others), name)
    assert [one.id.rpartition("/")[2] for one in found] == OURS[kind]
    assert {one.deployment for one in found} == {"cars"}
