"""The real eyes, opened once for all tests; their model is fetched the first time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.eyes.opening import open_eyes

if TYPE_CHECKING:
    from local.eyes.engine import Eyes

IMAGES = Path(__file__).resolve().parents[2] / "images"


@pytest.fixture(scope="session")
def eyes() -> Eyes:
    """Open the eyes as the stand-in does."""
    return open_eyes()


@pytest.fixture(scope="session")
def images() -> Path:
    """Return the folder of the images that the project draws itself."""
    return IMAGES
