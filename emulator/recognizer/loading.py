"""Loads the recognizer where it is installed, and says in one sentence why where it is not."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.recognizer.recognizer import Recognizer

CACHE = Path(__file__).resolve().parents[2] / "build" / "cache" / "recognizer"
PACKAGES = ("cv2", "numpy", "onnx", "onnxruntime", "rapidocr")


class UnavailableError(Exception):
    """There is no recognizer; the sentence says why and what follows."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Without a recognizer, recorded answers alone are used: {reason.rstrip('.')}."
        )


def load(cache: Path = CACHE) -> Recognizer:
    """Load the models, which takes a second, and fetch them if this is the first time."""
    try:
        for name in PACKAGES:
            importlib.import_module(name)
    except ImportError as error:
        raise UnavailableError(
            f"the Python package {error.name} is not installed: "
            "'pip install -r requirements/recognizer.txt' brings it"
        ) from error
    # Imported late: the emulator must start without these packages too.
    from emulator.recognizer.detector import Detector  # noqa: PLC0415 # see above
    from emulator.recognizer.recognizer import Recognizer  # noqa: PLC0415 # see above
    from emulator.recognizer.text_reader import TextReader  # noqa: PLC0415 # see above
    from emulator.recognizer.translation import detector_model  # noqa: PLC0415 # see above
    from emulator.recognizer.translation.fetch import FetchError  # noqa: PLC0415 # see above

    try:
        return Recognizer(Detector(detector_model(cache)), TextReader())
    except FetchError as error:
        raise UnavailableError(str(error)) from error
