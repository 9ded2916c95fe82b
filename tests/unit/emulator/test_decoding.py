"""Pictures of every kind of JPEG and PNG, opened as a browser shows them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from emulator import decoding
from emulator.decoding import DecodingError, decode

if TYPE_CHECKING:
    from collections.abc import Sequence

ORIENTATION = 0x0112
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
GRAY, RGB, PALETTE = 0, 2, 3
"""Kinds of color of a PNG's header."""


def saved(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    """Write an image into memory."""
    data = io.BytesIO()
    image.save(data, kind, **more)
    return data.getvalue()


def png(kind: int, bits: int, row: bytes, width: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """Write a PNG of two equal rows, which Pillow itself cannot write in every kind."""
    header = struct.pack(">IIBBBBB", width, 2, bits, kind, 0, 0, 0)
    body = zlib.compress((b"\0" + row) * 2)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


def colors(data: bytes) -> list[tuple[int, ...]]:
    """Open a picture; return the colors of its first row."""
    image = decode(data, 1000)
    assert image.mode == "RGB"
    return [tuple(color) for color in np.asarray(image)[0].tolist()]


def test_grays_of_sixteen_bits_keep_their_shades() -> None:
    """From black over the middle to white, and not white from 255 up."""
    shades = np.array([[0, 0x4000, 0x8000, 0xC000, 0xFFFF]] * 2, np.uint16)
    assert colors(saved(Image.fromarray(shades))) == [(v,) * 3 for v in (0, 64, 128, 192, 255)]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize(("alpha", "shade"), [(0, 255), (255, 0), (51, 204)])
def test_what_can_be_seen_through_stands_on_white(mode: str, alpha: int, shade: int) -> None:
    """Black of each opacity is mixed with white."""
    image = Image.new("RGBA", (4, 4), (0, 0, 0, alpha)).convert(mode)
    assert colors(saved(image)) == [(shade,) * 3] * 4


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png(GRAY, 1, b"\x40", 2, (b"tRNS", b"\0\0")), [WHITE, WHITE]),
        (png(GRAY, 1, b"\x40", 2, (b"tRNS", b"\0\1")), [BLACK, WHITE]),
        (png(GRAY, 2, b"\x1b", 4, (b"tRNS", b"\0\1")), [BLACK, WHITE, (170,) * 3, WHITE]),
        (png(GRAY, 8, b"\x10\x20", 2, (b"tRNS", b"\0\x10")), [WHITE, (32,) * 3]),
        (png(GRAY, 16, b"\x12\x34\x80\x80", 2, (b"tRNS", b"\x12\x34")), [WHITE, (128,) * 3]),
        (png(RGB, 8, b"\1\2\3\4\5\6", 2, (b"tRNS", b"\0\1\0\2\0\3")), [WHITE, (4, 5, 6)]),
        (png(RGB, 16, b"\x10\1\x20\2\x30\3", 1, (b"tRNS", b"\x10\1\x20\2\x30\3")), [WHITE]),
        (
            png(PALETTE, 8, b"\0\1\2", 3, (b"PLTE", bytes(range(9))), (b"tRNS", b"\0\xff\x33")),
            [WHITE, (3, 4, 5), (205, 205, 206)],
        ),
    ],
    ids=["1 bit", "1 bit, white", "2 bits", "gray", "16 bits", "RGB", "RGB of 16 bits", "palette"],
)
def test_a_transparent_color_is_white(data: bytes, expected: list[tuple[int, ...]]) -> None:
    """One color of the picture, or some of its palette, may be declared to be transparent."""
    assert colors(data) == expected


def test_a_palette_is_made_smaller_by_its_colors() -> None:
    """Stripes of black and white become gray, not one of the two nor a color in between."""
    image = Image.new("P", (200, 200))
    image.putpalette([0, 0, 0, 255, 0, 0, 255, 255, 255])
    image.putdata([0, 2] * 20_000)
    red, green, blue = np.asarray(decode(saved(image), 50)).reshape(-1, 3).mean(0)
    assert red == pytest.approx(127, abs=8)
    assert red == green == blue


@pytest.mark.parametrize(
    ("color", "ink"),
    [("white", (0, 0, 0, 0)), ("black", (0, 0, 0, 255)), ("red", (0, 255, 255, 0))],
)
def test_colors_for_print_are_those_on_the_screen(color: str, ink: Sequence[int]) -> None:
    """A CMYK JPEG is as light as it looks, and not its negative."""
    seen = colors(saved(Image.new("CMYK", (16, 16), tuple(ink)), "JPEG", quality=100))
    expected = Image.new("RGB", (1, 1), color).getpixel((0, 0))
    assert seen[8] == pytest.approx(expected, abs=4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_upright(orientation: int) -> None:
    """Whichever way the camera was held: the light corner is up on the left."""
    upright = Image.new("L", (64, 32))
    upright.paste(255, (0, 0, 16, 16))
    undo = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    stored = upright.transpose(decoding.TURNS[undo]) if undo in decoding.TURNS else upright
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = decode(saved(stored, "JPEG", exif=exif), 1000)
    assert image.size == (64, 32)
    shades = np.asarray(image)
    assert shades[2:14, 2:14].min() > 200
    assert shades[18:, 18:].max() < 50


# An orientation (6) and one more tag: its number, its kind, how many, and where.
TWO_TAGS = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.filterwarnings("ignore:Truncated File Read")
@pytest.mark.parametrize(
    ("exif", "size"),
    [
        (b"Exif\0\0nonsense", (64, 32)),
        (b"Exif\0\0II*\0\xff\xff\xff\xff", (64, 32)),
        (TWO_TAGS + b"\x1a\1\2\0\4\0\0\0abc\0\0\0\0\0", (32, 64)),  # a resolution that is text
        (TWO_TAGS + b"\0\1\2\0\4\0\0\0abc\0\0\0\0\0", (32, 64)),  # a width that is text
    ],
)
def test_damaged_exif_stops_nothing(exif: bytes, size: tuple[int, int]) -> None:
    """The orientation is heard if it can be read, and all else does not matter."""
    assert decode(saved(Image.new("RGB", (64, 32)), "JPEG", exif=exif), 1000).size == size


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(4000, 2000), (2000, 4000)])
def test_a_large_picture_is_made_smaller(kind: str, size: tuple[int, int]) -> None:
    """The longer side gets the pixels asked for, the other stays in proportion."""
    assert max(decode(saved(Image.new("L", size), kind), 500).size) == 500
    assert min(decode(saved(Image.new("L", size), kind), 500).size) == 250


def test_a_small_picture_stays_as_it_is() -> None:
    """Nothing is enlarged."""
    assert decode(saved(Image.new("RGB", (90, 80))), 500).size == (90, 80)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
        saved(Image.new("RGB", (900, 900)), "JPEG")[:800],
        saved(Image.effect_noise((90, 90), 50))[:3000],
        saved(Image.new("RGB", (90, 90)), "GIF"),
    ],
    ids=["empty", "text", "PNG's beginning", "half a JPEG", "half a PNG", "GIF"],
)
def test_what_is_no_whole_jpeg_or_png_is_refused(data: bytes) -> None:
    """With a sentence, and never with another error."""
    with pytest.raises(DecodingError, match=r"\w"):
        decode(data, 500)


@pytest.mark.parametrize("side", [10_001, 20_000])
def test_more_pixels_than_rekognition_takes_are_refused(side: int) -> None:
    """By the header alone: they would need gigabytes."""
    data = bytearray(png(GRAY, 1, b"\x40", 2))
    data[16:24] = struct.pack(">II", side, side)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    with pytest.raises(DecodingError, match="pixels"):
        decode(bytes(data), 500)
