"""Judges an image by its content: the format, the number of bytes, the number of pixels."""

from __future__ import annotations

import hashlib
import io
import threading
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from emulator.rekognition.errors import (
    ImageTooLargeException,
    InvalidImageFormatException,
    InvalidParameterException,
    RekognitionError,
)

# Source: developer guide, "Guidelines and quotas in Amazon Rekognition", "Set quotas".
MAX_BYTES_IN_REQUEST = 5 * 1024 * 1024
MAX_BYTES_IN_S3 = 15 * 1024 * 1024
MIN_SIDE_PIXELS = 80
MAX_SIDE_PIXELS = 10_000

# A JPEG with several pictures in one file is "MPO" to Pillow.
FORMATS = {"JPEG", "PNG", "MPO"}
MAX_VERDICTS_KEPT = 50_000
QUICK_DECODE_PIXELS = (MIN_SIDE_PIXELS, MIN_SIDE_PIXELS)

_verdicts: dict[str, RekognitionError | None] = {}
_verdicts_lock = threading.Lock()


@dataclass(frozen=True)
class Checked:
    """An image that Rekognition would look at."""

    data: bytes
    sha256: str


def check(data: bytes, max_bytes: int) -> Checked:
    """Raise the error that Rekognition gives for this image, if any."""
    if len(data) > max_bytes:
        raise ImageTooLargeException
    sha256 = hashlib.sha256(data).hexdigest()
    with _verdicts_lock:
        known = sha256 in _verdicts
        verdict = _verdicts.get(sha256)
    if not known:
        verdict = _verdict(data)
        with _verdicts_lock:
            if len(_verdicts) >= MAX_VERDICTS_KEPT:
                _verdicts.clear()
            _verdicts[sha256] = verdict
    if verdict is not None:
        raise type(verdict)(str(verdict))
    return Checked(data, sha256)


def _verdict(data: bytes) -> RekognitionError | None:
    try:
        with warnings.catch_warnings():
            # A bomb is refused below by its own limit of pixels.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                if image.format not in FORMATS:
                    return InvalidImageFormatException()
                width, height = image.size
                if max(width, height) > MAX_SIDE_PIXELS:
                    return ImageTooLargeException()
                if min(width, height) < MIN_SIDE_PIXELS:
                    return InvalidParameterException(
                        f"Minimum image height and width are {MIN_SIDE_PIXELS} pixels: "
                        f"got {width} x {height}"
                    )
                # Decode to the end, in a smaller scale where the format has one:
                # only so is a file that was cut off found out.
                image.draft("RGB", QUICK_DECODE_PIXELS)
                image.load()
    except Image.DecompressionBombError:
        return ImageTooLargeException()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return InvalidImageFormatException()
    return None
