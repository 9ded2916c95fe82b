"""The real eyes, opened once for all tests; their model is fetched the first time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator.recognizer.loading import open_eyes

if TYPE_CHECKING:
    from emulator.recognizer.recognizer import Eyes

IMAGES = Path(__file__).resolve().parents[2] / "images"


def opened() -> Eyes:
    """Open the eyes as the stand-in does, but let who waits for them wait on a busy machine."""
    eyes = open_eyes()
    eyes._wait_seconds = 240.0
    return eyes


@pytest.fixture(scope="session")
def eyes() -> Eyes:
    """Share one pair: the models take a while to load."""
    return opened()


@pytest.fixture(scope="session")
def images() -> Path:
    """Return the folder of the images that the project draws itself."""
    return IMAGES
