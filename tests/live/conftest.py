"""Both hosts of whatever is up; ``make verify`` runs these tests, which change nothing.

The same for AWS and local.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live.reached import Worker, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def reach() -> Iterator[Callable[[str], Worker]]:
    """One connection to each host for all tests, and `ansible-inventory` on the path."""
    with (
        # Not where TMPDIR says: a socket's address has at most 107 characters (unix(7)).
        tempfile.TemporaryDirectory(prefix="carscribe-", dir="/tmp") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        shared = f"-o ControlMaster=auto -o ControlPersist=10s -o ControlPath={folder}/%C"
        patch.setenv("ANSIBLE_SSH_EXTRA_ARGS", shared)
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield connect


@pytest.fixture(scope="session", params=["a", "b"])
def worker(request: pytest.FixtureRequest, reach: Callable[[str], Worker]) -> Worker:
    """Each worker's host in turn."""
    return reach(request.param)


@pytest.fixture(scope="session")
def worker_a(reach: Callable[[str], Worker]) -> Worker:
    """Worker A's host."""
    return reach("a")


@pytest.fixture(scope="session")
def worker_b(reach: Callable[[str], Worker]) -> Worker:
    """Worker B's host."""
    return reach("b")
