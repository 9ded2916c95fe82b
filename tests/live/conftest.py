"""Both hosts of whatever is up; ``make verify`` runs these tests, which change nothing.

The same for AWS and local.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live.reached import Worker, connect

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _ansible_on_path() -> Iterator[None]:
    """Testinfra calls `ansible-inventory`, which is where this Python is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session", params=["a", "b"])
def worker(request: pytest.FixtureRequest, _ansible_on_path: None) -> Worker:
    """Each worker's host in turn."""
    return connect(request.param)


@pytest.fixture(scope="session")
def worker_a(_ansible_on_path: None) -> Worker:
    """Worker A's host."""
    return connect("a")


@pytest.fixture(scope="session")
def worker_b(_ansible_on_path: None) -> Worker:
    """Worker B's host."""
    return connect("b")
