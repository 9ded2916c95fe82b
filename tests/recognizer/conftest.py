"""The real recognizer, loaded once for all tests; its model is fetched the first time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator.recognizer.loading import load

if TYPE_CHECKING:
    from emulator.recognizer.recognizer import Recognizer

IMAGES = Path(__file__).resolve().parents[2] / "images"


def loaded() -> Recognizer:
    """Load the recognizer as the emulator does, but let who waits for it wait on a busy machine."""
    recognizer = load()
    recognizer._wait_seconds = 240.0
    return recognizer


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    """Share one: the models take a while to load."""
    return loaded()


@pytest.fixture(scope="session")
def images() -> Path:
    """Return the folder of the sample images."""
    return IMAGES
