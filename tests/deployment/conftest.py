"""A deployment on this machine for each module, whose tests go in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import networks
from tests.deployment.checkout import CHECKOUT, Copy

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def copy(worker_id: str) -> Copy:
    """A copy of the checkout, which meets no other that is tested at the same time."""
    number = int(worker_id.removeprefix("gw") if worker_id.startswith("gw") else 0)
    root = CHECKOUT / "build" / "tests" / f"a deployment {number}"
    return Copy.make(root, networks.free(root / "build" / "local", range(100 + number % 4, 200, 4)))


@pytest.fixture(scope="module")
def empty(copy: Copy) -> Iterator[Copy]:
    """The copy with nothing up; whatever is up in it at the end is removed."""
    yield copy
    copy.make_target("down", "YES=1", code=None)


@pytest.fixture(scope="module")
def up(empty: Copy) -> Copy:
    """The copy with everything up."""
    empty.make_target("up", "TARGET=local")
    return empty
