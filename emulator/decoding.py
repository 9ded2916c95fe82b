"""Opens a picture as a browser shows it: upright, on white, eight bits of red, green and blue.

The recognizer and the results page's thumbnails both open pictures here, so
that what is recognized is what a person sees. Pillow alone would clip grays of
16 bits to white, show transparent PNGs on black, and take a palette's numbers
for colors when it makes a picture smaller; its exif_transpose() fails where
another tag than the orientation is damaged.

Rekognition's boxes hold for the picture as its EXIF orientation turns it (API
reference, DetectLabels: "the bounding box coordinates are translated to
represent object locations after the orientation information is used").
"""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from typing import Any

from PIL import Image

PIXELS_MAX = 100_000_000
"""Rekognition's own limit: 10,000 by 10,000."""
LARGE_PIXELS = 24_000_000
"""One picture at a time of those that are larger than this when decoded."""

ORIENTATION = 0x0112  # of EXIF's tags
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# PNG gives a transparent gray in the file's bits, and Pillow spreads those over eight.
GRAYS = {"L;2": 85, "L;4": 17, "1": 255}

# Pillow's own limit is lower, and warns on standard error; ours is kept below.
Image.MAX_IMAGE_PIXELS = None
warnings.filterwarnings("ignore", module="PIL.TiffImagePlugin")  # damaged EXIF data

_large = threading.Lock()


class DecodingError(Exception):
    """The bytes are no picture that can be opened; the sentence says why."""


def decode(data: bytes, side: int) -> Image.Image:
    """Return a JPEG or PNG as an RGB image, made smaller if a side has more pixels than `side`.

    Raises:
        DecodingError: it is another format, damaged, or has more than PIXELS_MAX pixels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            pixels = image.width * image.height
            if pixels > PIXELS_MAX:
                raise DecodingError(f"it has {pixels} pixels: {PIXELS_MAX} are the most")
            image.draft("RGB", (side, side))
            with _large if image.width * image.height > LARGE_PIXELS else contextlib.nullcontext():
                small = _plain(image)
                small.thumbnail((side, side), reducing_gap=2.0)
            turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise DecodingError(str(error) or type(error).__name__) from error
    if small.mode == "RGBA":
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
    if turn is not None:
        small = small.transpose(turn)
    return small.convert("RGB")


def _plain(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, or as RGBA if some of it can be seen through."""
    key = image.info.get("transparency")
    if isinstance(key, int) and image.mode in {"1", "L"}:
        image.info["transparency"] = key * GRAYS.get(_raw_mode(image), 1)
    elif isinstance(key, tuple) and max(key) > 255:
        image.info["transparency"] = tuple(value >> 8 for value in key)
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        if isinstance(key, int):
            image.info["transparency"] = key >> 8
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _raw_mode(image: Image.Image) -> str:
    """Return how the pixels are packed in the file; known until they are read."""
    tiles: Any = getattr(image, "tile", None)
    arguments = tiles[0].args if tiles else ""
    return str(arguments if isinstance(arguments, str) else arguments[0])
