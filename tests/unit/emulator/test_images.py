"""An image is judged by its content."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from emulator.rekognition import images
from emulator.rekognition.errors import (
    ImageTooLargeException,
    InvalidImageFormatException,
    InvalidParameterException,
    RekognitionError,
)


def picture(kind: str, width: int = 90, height: int = 90) -> bytes:
    """Draw a picture that is not all of one color, so that its file has some length."""
    image = Image.radial_gradient("L").resize((width, height))
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()


JPEG, PNG = picture("JPEG"), picture("PNG")


@pytest.mark.parametrize("data", [JPEG, PNG, picture("JPEG", 80, 80), picture("PNG", 10_000, 80)])
def test_jpeg_and_png_within_the_limits_are_looked_at(data: bytes) -> None:
    """Both formats are accepted from 80 to 10,000 pixels a side."""
    assert images.check(data, images.MAX_BYTES_IN_REQUEST).data == data


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", InvalidImageFormatException),
        (b"not an image", InvalidImageFormatException),
        (picture("GIF"), InvalidImageFormatException),
        (picture("BMP"), InvalidImageFormatException),
        (picture("WEBP"), InvalidImageFormatException),
        (JPEG[: len(JPEG) // 2], InvalidImageFormatException),
        (PNG[: len(PNG) // 2], InvalidImageFormatException),
        (JPEG[:20], InvalidImageFormatException),
        (picture("JPEG", 79, 80), InvalidParameterException),
        (picture("PNG", 80, 79), InvalidParameterException),
        (picture("PNG", 10_001, 80), ImageTooLargeException),
        (picture("PNG", 80, 10_001), ImageTooLargeException),
    ],
)
def test_other_content_is_refused_by_its_real_name(
    data: bytes, error: type[RekognitionError]
) -> None:
    """What is no JPEG or PNG, is cut off, too small or too large has its own error."""
    for _ in range(2):  # the second time from memory
        with pytest.raises(error):
            images.check(data, images.MAX_BYTES_IN_REQUEST)


def test_the_limit_of_bytes_is_inclusive() -> None:
    """An image of exactly the limit is looked at, one byte more is too large."""
    padded = JPEG + b"\0" * (images.MAX_BYTES_IN_REQUEST - len(JPEG))
    assert images.check(padded, images.MAX_BYTES_IN_REQUEST)
    with pytest.raises(ImageTooLargeException):
        images.check(padded + b"\0", images.MAX_BYTES_IN_REQUEST)
