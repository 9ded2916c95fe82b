"""What unit tests share: a folder in memory, and AWS by the test's own answers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pipeline import IN_MEMORY
from tests.unit.stubs import StubbedAWS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """Give an empty folder; in memory, where the machine has a place for it."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        yield Path(folder)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubbedAWS]:
    """AWS as the test writes it down; all of it must have been asked for in the end."""
    monkeypatch.setattr("carscribe_common.aws.FIRST_PAUSE_SECONDS", 0.0)
    with StubbedAWS() as stubbed:
        yield stubbed
