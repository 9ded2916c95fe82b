"""A folder in memory: every commit of a store waits for its disk, and a disk may be busy."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pipeline import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """Give an empty folder; in memory, where the machine has a place for it."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        yield Path(folder)
