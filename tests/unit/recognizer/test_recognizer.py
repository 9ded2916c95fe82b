"""The recognizer around a detector and a reader that the tests make up."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from emulator.decoding import DecodingError
from emulator.recognizer.boxes import Box
from emulator.recognizer.detector import Found
from emulator.recognizer.recognizer import MAX_SIDE_PIXELS, MAX_WAITING, Recognizer
from emulator.recognizer.text import Line, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ORIENTATION = 0x0112
TURNED = 6
"""The camera was held upright: the image is to be turned by a quarter with the clock."""


CAR = [Found(2, 0.5, Box(0, 0, 1, 1))]


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
    """Detects a car and reads a word in whatever it is shown, and notes what that was."""

    def __init__(
        self, meanwhile: Callable[[], object] = lambda: None, things: Sequence[Found] = CAR
    ) -> None:
        self.seen: list[tuple[str, tuple[int, int]]] = []
        self.cars: list[Box] = []
        self._things = list(things)
        self._meanwhile = meanwhile

    def detect(self, image: Image.Image) -> list[Found]:
        """Find a car."""
        self._meanwhile()
        self.seen.append((image.mode, image.size))
        return self._things

    def read(self, picture: Image.Image, cars: Sequence[Box]) -> list[Line]:
        """Find a word as large as the image."""
        width, height = picture.size
        self.cars = list(cars)
        return [Line((Piece("WORD", 0.9, ((0, 0), (width, 0), (width, height), (0, height))),))]


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


def test_the_reader_is_told_where_vehicles_are() -> None:
    """In pixels: cars, buses and trucks, one box for what is seen as two of them, nobody else."""
    things = [
        Found(2, 0.9, Box(0.1, 0.2, 0.5, 0.6)),
        Found(7, 0.8, Box(0.11, 0.2, 0.5, 0.6)),
        Found(0, 0.7, Box(0.7, 0.7, 0.9, 0.9)),
        Found(5, 0.2, Box(0.5, 0.5, 1, 1)),
        Found(2, 0.19, Box(0.0, 0.8, 0.1, 0.9)),
    ]
    made = Made(things=things)
    Recognizer(made, made).recognize("DetectText", picture(200, 100))
    assert made.cars == [Box(20, 20, 100, 60), Box(100, 50, 200, 100)]


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
    with ThreadPoolExecutor(2) as pool:
        sizes = [picture(200), picture(201)]
        assert all(pool.map(lambda data: recognizer.recognize("DetectText", data), sizes))
    assert len(made.seen) == 2


def test_labels_do_not_wait_for_text() -> None:
    """Text takes seconds, and worker B has nothing to do before A knows labels."""
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        if threading.current_thread().name == "texts":
            entered.set()
            leave.wait(10)

    made = Made(meanwhile=hold)
    recognizer = Recognizer(made, made, at_once=1)
    with ThreadPoolExecutor(1) as pool:
        text = pool.submit(recognizer.recognize, "DetectText", picture())
        entered.wait(10)
        assert recognizer.recognize("DetectLabels", picture()) is not None
        assert not text.done()
        leave.set()


def test_who_waits_too_long_finds_the_answer_later() -> None:
    """The work goes on though nobody waits, and is not done twice."""
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        leave.wait(10)

    made = Made(meanwhile=hold)
    recognizer = Recognizer(made, made, at_once=1, wait_seconds=0.05)
    assert recognizer.recognize("DetectText", picture()) is None
    assert entered.wait(10)
    assert recognizer.recognize("DetectText", picture()) is None
    leave.set()
    answer = None
    end = time.monotonic() + 10
    while answer is None and time.monotonic() < end:
        answer = recognizer.recognize("DetectText", picture())
    assert answer == recognizer.recognize("DetectText", picture())
    assert len(made.seen) == 1


def test_no_more_pictures_are_held_than_memory_has_room_for() -> None:
    """Who comes when all places are taken gets no answer, and a place when one is free."""
    leave = threading.Event()
    made = Made(meanwhile=lambda: leave.wait(10))
    recognizer = Recognizer(made, made, at_once=1, wait_seconds=0.01)
    for width in range(MAX_WAITING + 5):
        assert recognizer.recognize("DetectText", picture(100 + width)) is None
    leave.set()
    end = time.monotonic() + 10
    while len(made.seen) < MAX_WAITING and time.monotonic() < end:
        time.sleep(0.01)
    recognizer.close()
    assert len(made.seen) == MAX_WAITING


def test_what_is_no_picture_is_its_callers_matter() -> None:
    """The error reaches who asked, each time, and the next picture is recognized."""
    recognizer = Recognizer(Made(), Made(), at_once=1)
    for _ in range(MAX_WAITING + 1):
        with pytest.raises(DecodingError, match="cannot identify"):
            recognizer.recognize("DetectText", b"no image")
    assert recognizer.recognize("DetectText", picture()) is not None


def test_a_failure_is_not_kept() -> None:
    """Memory that was short at the first attempt may be there at the second."""
    failures = [MemoryError("no memory")]

    def fail_once() -> None:
        if failures:
            raise failures.pop()

    recognizer = Recognizer(Made(meanwhile=fail_once), Made())
    with pytest.raises(MemoryError):
        recognizer.recognize("DetectLabels", picture())
    assert recognizer.recognize("DetectLabels", picture()) is not None


def test_old_answers_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not grow without end; who asks again is looked for again."""
    monkeypatch.setattr("emulator.recognizer.recognizer.MAX_KEPT", 2)
    made = Made()
    recognizer = Recognizer(made, made)
    for width in (100, 101, 102, 100, 100):
        assert recognizer.recognize("DetectLabels", picture(width)) is not None
    assert len(made.seen) == 4


def test_a_closed_recognizer_begins_nothing() -> None:
    """What is under way is waited for, so that the process can end in peace."""
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        leave.wait(10)

    made = Made(meanwhile=hold)
    recognizer = Recognizer(made, made, at_once=1, wait_seconds=0.01)
    recognizer.recognize("DetectText", picture(100))
    entered.wait(10)
    recognizer.recognize("DetectText", picture(101))
    threading.Timer(0.1, leave.set).start()
    recognizer.close()
    assert len(made.seen) == 1
    assert not any(thread.is_alive() for thread in recognizer._threads)
