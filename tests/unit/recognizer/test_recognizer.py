"""The recognizer around a detector and a reader that the tests make up."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from emulator.decoding import DecodingError
from emulator.recognizer.detector import Box, Found
from emulator.recognizer.recognizer import MAX_SIDE_PIXELS, Recognizer
from emulator.recognizer.text import Piece

if TYPE_CHECKING:
    from collections.abc import Callable

ORIENTATION = 0x0112
TURNED = 6
"""The camera was held upright: the image is to be turned by a quarter with the clock."""


def picture(
    width: int = 200, height: int = 100, kind: str = "JPEG", mode: str = "RGB", exif: int = 1
) -> bytes:
    """Draw a picture whose left half is light."""
    image = Image.new("L", (width, height))
    image.paste(255, (0, 0, width // 2, height))
    data = io.BytesIO()
    tags = Image.Exif()
    tags[ORIENTATION] = exif
    image.convert(mode).save(data, kind, exif=tags)
    return data.getvalue()


class Made:
    """ThingDetector a car and reads a word in whatever it is shown, and notes what that was."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.seen: list[tuple[str, tuple[int, int]]] = []
        self._meanwhile = meanwhile

    def detect(self, image: Image.Image) -> list[Found]:
        """Find a car."""
        self._meanwhile()
        self.seen.append((image.mode, image.size))
        return [Found(2, 0.5, Box(0, 0, 1, 1))]

    def read(self, image: Image.Image) -> list[Piece]:
        """Find a word as large as the image."""
        width, height = image.size
        self.seen.append((image.mode, image.size))
        return [Piece("WORD", 0.9, ((0, 0), (width, 0), (width, height), (0, height)))]


def test_each_operation_asks_for_what_it_answers() -> None:
    """DetectLabels asks the detector, DetectText the reader; boxes are relative to the image."""
    made = Made()
    recognizer = Recognizer(made, made)
    labels: Any = recognizer.recognize("DetectLabels", picture())
    text: Any = recognizer.recognize("DetectText", picture())
    assert [label["Name"] for label in labels["Labels"]] == ["Car"]
    assert [found["DetectedText"] for found in text["TextDetections"]] == ["WORD", "WORD"]
    box = text["TextDetections"][0]["Geometry"]["BoundingBox"]
    assert box == {"Left": 0.0, "Top": 0.0, "Width": 1.0, "Height": 1.0}


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA")]
)
def test_any_image_is_shown_in_red_green_and_blue(kind: str, mode: str) -> None:
    """Gray, with an alpha channel or for print: the models know RGB alone."""
    made = Made()
    Recognizer(made, made).recognize("DetectLabels", picture(kind=kind, mode=mode))
    assert made.seen == [("RGB", (200, 100))]


def test_an_image_is_opened_as_a_browser_shows_it() -> None:
    """Upright, and no larger than the models can use, in its proportions."""
    made = Made()
    Recognizer(made, made).recognize("DetectLabels", picture(6000, 3000, exif=TURNED))
    assert made.seen == [("RGB", (MAX_SIDE_PIXELS // 2, MAX_SIDE_PIXELS))]


def test_several_are_recognized_at_once() -> None:
    """Two calls meet in the middle, which they could not one after the other."""
    made = Made(meanwhile=threading.Barrier(2, timeout=10).wait)
    recognizer = Recognizer(made, made, at_once=2)
    threads = [
        threading.Thread(target=recognizer.recognize, args=("DetectLabels", picture()))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(made.seen) == 2


def test_who_waits_too_long_gets_no_answer() -> None:
    """And the place is free again when the call before is over, even one that failed."""
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        leave.wait(10)

    made = Made(meanwhile=hold)
    recognizer = Recognizer(made, made, at_once=1, wait_seconds=0.05)
    thread = threading.Thread(target=recognizer.recognize, args=("DetectLabels", picture()))
    thread.start()
    entered.wait(10)
    assert recognizer.recognize("DetectText", picture()) is None
    leave.set()
    thread.join(10)
    with pytest.raises(DecodingError, match="cannot identify"):
        recognizer.recognize("DetectText", b"no image")
    assert recognizer.recognize("DetectText", picture()) is not None
