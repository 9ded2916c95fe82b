"""Deployments for the tests, in folders and subnets that no real one uses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import networks
from tests.hosts.world import CHECKOUT, World

if TYPE_CHECKING:
    from collections.abc import Iterator

STATES = CHECKOUT / "build" / "tests"


def _deployed(name: str, numbers: range) -> Iterator[World]:
    world = World(STATES / name)
    # What a session that was killed has left here.
    world.local("down")
    world.network = f"10.{networks.free(world.state, numbers)}"
    try:
        yield world
    finally:
        world.local("down")
        for suffix in (".key", ".key.pub", ".known_hosts", ".lock"):
            Path(f"{world.state}{suffix}").unlink(missing_ok=True)


@pytest.fixture
def world() -> Iterator[World]:
    """A deployment with nothing in it yet, and nothing left of it afterwards."""
    yield from _deployed("own", range(200, 228, 2))


@pytest.fixture(scope="session")
def hosts() -> Iterator[World]:
    """Two hosts that are up; a test leaves both running, B with a volume."""
    for world in _deployed("shared", range(201, 228, 2)):
        world.local("serve-start")
        world.make_instances()
        world.local("up")
        yield world
