"""The reader around an engine that the tests make up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emulator.recognizer import text_reader, views
from emulator.recognizer.boxes import Box
from emulator.recognizer.text_reader import TextReader

PICTURE = Image.new("RGB", (1000, 800), "white")
CAR = Box(200, 200, 600, 600)
ON_CAR, BESIDE = (300, 500), (700, 100)


@dataclass
class Engine:
    """Finds a green mark in what it is shown, reads a text there, and counts how often."""

    text: str = "GO 77"
    scores: list[float] = field(default_factory=list)
    shown: int = 0
    blind: tuple[int, int] = (0, 0)
    """The size in which nothing is seen."""

    def __call__(self, pixels: Any) -> Any:
        """Answer as RapidOCR does; pixels are blue, green, red."""
        self.shown += 1
        ys, xs = np.nonzero((pixels[:, :, 1] > 150) & (pixels[:, :, 2] < 100))
        if not len(xs) or pixels.shape[1::-1] == self.blind:
            return Found(None, None, None)
        left, right, top, bottom = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        score = self.scores[min(self.shown, len(self.scores)) - 1]
        return Found(corners[np.newaxis], (self.text,), (score,))


@dataclass
class Found:
    """What RapidOCR returns, as far as it is used."""

    boxes: Any
    txts: Any
    scores: Any


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Put an engine in RapidOCR's place."""
    made = Engine()
    monkeypatch.setattr(text_reader, "RapidOCR", lambda **_: made)
    return made


def marked(at: tuple[int, int]) -> Image.Image:
    """Make a picture with a mark of 100 by 30 pixels."""
    picture = PICTURE.copy()
    picture.paste((0, 200, 0), (*at, at[0] + 100, at[1] + 30))
    return picture


def test_a_line_is_where_it_is_in_the_picture(engine: Engine) -> None:
    """However often it was seen, and in whatever size: it is one line."""
    engine.scores = [0.95]
    (line,) = TextReader().read(marked(ON_CAR), [CAR])
    assert engine.shown == 3  # the whole, the car, its lower part
    assert line.text == "GO 77"
    box = line.box
    assert (box.left, box.top) == pytest.approx(ON_CAR, abs=2)
    assert (box.right, box.bottom) == pytest.approx((400, 530), abs=2)


def test_without_a_car_a_picture_is_read_once(engine: Engine) -> None:
    """Whatever it says, and however unsure."""
    engine.scores = [0.6]
    assert [line.text for line in TextReader().read(marked(ON_CAR))] == ["GO 77"]
    assert engine.shown == 1


@pytest.mark.parametrize(
    ("text", "score", "at", "close"),
    [
        ("GO 77", 0.89, ON_CAR, True),
        ("GO 77", 0.91, ON_CAR, False),
        ("GO 77", 0.6, BESIDE, False),
        ("GO", 0.6, ON_CAR, False),
    ],
    ids=["unsure", "sure", "beside the car", "too short"],
)
def test_what_is_unsure_on_a_car_is_read_from_close_up(
    engine: Engine, text: str, score: float, at: tuple[int, int], *, close: bool
) -> None:
    """In four ways; what is sure, elsewhere or too short for a plate is not worth the time."""
    engine.text, engine.scores = text, [score]
    TextReader().read(marked(at), [CAR])
    assert engine.shown == (7 if close else 3)


def test_a_close_up_may_be_surer(engine: Engine) -> None:
    """Then the line is."""
    engine.scores = [0.6, 0.6, 0.6, 0.97]
    (line,) = TextReader().read(marked(ON_CAR), [CAR])
    assert line.score == pytest.approx(0.97)


@pytest.mark.parametrize(("text", "number"), [("O", 0), ("GO", 1)])
def test_a_letter_that_only_an_enlarged_car_shows_is_none(
    engine: Engine, text: str, number: int
) -> None:
    """It is a wheel or a lamp; what the whole picture shows stays."""
    engine.text, engine.scores = text, [0.95]
    picture = marked(ON_CAR)
    whole = views.whole(picture)
    assert len(TextReader().read(picture, [CAR])) == 1
    engine.blind = whole.image.size
    assert len(TextReader().read(picture, [CAR])) == number


def test_nothing_is_found_in_a_blank_picture(engine: Engine) -> None:
    """No lines, and no close-ups of none."""
    assert TextReader().read(PICTURE, [CAR]) == []
    assert engine.shown == 3
