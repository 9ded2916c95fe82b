"""The hosts of whatever is up; ``make verify`` runs these tests, which change nothing.

The same for AWS and local.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live.reached import Worker, connect, names

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


NAMES = names()


@pytest.fixture(scope="session", params=NAMES)
def worker(request: pytest.FixtureRequest, reach: Callable[[str], Worker]) -> Worker:
    """Each worker's host in turn."""
    return reach(request.param)


@pytest.fixture(
    scope="session",
    params=[name[1:] for name in NAMES if name[0] == "a"],
    ids=lambda suffix: suffix[1:] or "1",
)
def pair(request: pytest.FixtureRequest) -> str:
    """Each pair in turn, as its hosts' names end."""
    return str(request.param)


@pytest.fixture(scope="session")
def worker_a(reach: Callable[[str], Worker], pair: str) -> Worker:
    """The host of the pair's worker A."""
    return reach(f"a{pair}")


@pytest.fixture(scope="session")
def worker_b(reach: Callable[[str], Worker], pair: str) -> Worker:
    """The host of the pair's worker B."""
    return reach(f"b{pair}")
