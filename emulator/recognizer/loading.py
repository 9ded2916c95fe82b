"""Opens the eyes where they are installed, and says in one sentence why where they are not."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.recognizer import fetch

if TYPE_CHECKING:
    from emulator.recognizer.recognizer import Eyes

CACHE = Path(__file__).resolve().parents[2] / "build" / "cache" / "recognizer"
PACKAGES = ("cv2", "numpy", "onnx", "onnxruntime", "rapidocr")


class ClosedError(Exception):
    """The eyes cannot be opened; the sentence says why and what follows."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The eyes stay closed, and answers alone are used, because {reason.rstrip('.')}."
        )


def open_eyes(cache: Path = CACHE) -> Eyes:
    """Load the models, which takes a second, and fetch them if this is the first time."""
    try:
        for name in PACKAGES:
            importlib.import_module(name)
    except ImportError as error:
        raise ClosedError(
            f"the Python package {error.name} is not installed: "
            "'pip install -r requirements/recognizer.txt' brings it"
        ) from error
    # Imported late: the stand-in must start without these packages too.
    from emulator.recognizer import tfjs  # noqa: PLC0415 # see above
    from emulator.recognizer.detector import Detector  # noqa: PLC0415 # see above
    from emulator.recognizer.recognizer import Eyes  # noqa: PLC0415 # see above
    from emulator.recognizer.text_reader import Reader  # noqa: PLC0415 # see above

    try:
        return Eyes(Detector(tfjs.load(fetch.model(cache))), Reader())
    except (fetch.FetchError, tfjs.GraphError) as error:
        raise ClosedError(str(error)) from error
