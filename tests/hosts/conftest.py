"""Deployments for the tests, in folders and subnets that no real one uses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hosts.world import CHECKOUT, World

if TYPE_CHECKING:
    from collections.abc import Iterator

STATES = CHECKOUT / "build" / "tests"


def _deployed(name: str, network: str) -> Iterator[World]:
    world = World(STATES / name, network)
    world.local("down")
    try:
        yield world
    finally:
        world.local("down")
        for suffix in (".key", ".key.pub", ".known_hosts", ".lock"):
            Path(f"{world.state}{suffix}").unlink(missing_ok=True)


@pytest.fixture
def world() -> Iterator[World]:
    """A deployment with nothing in it yet, and nothing left of it afterwards."""
    yield from _deployed("own", "10.218")


@pytest.fixture(scope="session")
def hosts() -> Iterator[World]:
    """Two hosts that are up; a test leaves both running, B with a volume."""
    for world in _deployed("shared", "10.217"):
        world.local("serve-start")
        world.make_instances()
        world.local("up")
        yield world
