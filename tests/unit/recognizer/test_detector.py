"""The detector's square, its maps, and both around a graph that is known by heart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from emulator.recognizer.boxes import Box
from emulator.recognizer.detector import Detector, Found, decode, distinct, letterbox

if TYPE_CHECKING:
    from tests.unit.recognizer.conftest import SmallGraph

CAR = 2


@pytest.mark.parametrize(
    ("size", "inside"),
    [
        ((1024, 512), Box(0, 128, 512, 384)),
        ((100, 200), Box(128, 0, 384, 512)),
        ((80, 80), Box(0, 0, 512, 512)),
        ((10_000, 80), Box(0, 254, 512, 258)),
    ],
)
def test_the_image_keeps_its_proportions(size: tuple[int, int], inside: Box) -> None:
    """It lies in the middle of a black square, as large as fits."""
    square, found = letterbox(Image.new("RGB", size, "white"))
    assert square.size == (512, 512)
    assert found == inside
    left, top, right, bottom = square.getbbox() or (0, 0, 0, 0)
    assert Box(left, top, right, bottom) == inside


def maps() -> tuple[Any, Any]:
    """Make maps in which nothing is seen."""
    return np.zeros((128, 128, 4), np.float32), np.zeros((128, 128, 80), np.float32)


def test_a_peak_is_a_thing() -> None:
    """Its box reaches as far to each side as the other map says, in pixels of the square."""
    sizes, scores = maps()
    scores[50, 20, CAR] = 0.7
    sizes[50, 20] = [8, 16, 32, 64]
    (thing,) = decode(sizes, scores)
    assert thing.kind == CAR
    assert thing.score == pytest.approx(0.7)
    assert thing.box == Box(80 - 8, 200 - 16, 80 + 32, 200 + 64)


@pytest.mark.parametrize(("score", "number"), [(0.0999, 0), (0.1, 1)])
def test_what_is_less_sure_than_a_tenth_is_nothing(score: float, number: int) -> None:
    """The least score counts itself."""
    sizes, scores = maps()
    scores[0, 127, CAR] = score
    assert len(decode(sizes, scores)) == number


def test_the_neighbors_of_a_peak_are_the_same_thing() -> None:
    """But not those of another class, and not those two cells away."""
    sizes, scores = maps()
    scores[50, 20, CAR] = 0.7
    scores[51, 21, CAR] = 0.6
    scores[51, 21, CAR + 1] = 0.5
    scores[50, 22, CAR] = 0.65
    found = decode(sizes, scores)
    assert [(thing.kind, round(thing.score, 2)) for thing in found] == [
        (CAR, 0.7),
        (CAR, 0.65),
        (CAR + 1, 0.5),
    ]


def test_no_more_than_a_hundred_things_are_found() -> None:
    """The surest ones are kept."""
    sizes, scores = maps()
    scores[::8, ::8, CAR] = np.linspace(0.2, 0.9, 256).reshape(16, 16)
    found = decode(sizes, scores)
    assert len(found) == 100
    assert found[0].score == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("other", "number"),
    [
        (Found(CAR, 0.5, Box(0, 0, 10, 5.1)), 1),
        (Found(CAR, 0.5, Box(0, 0, 10, 4.9)), 2),
        (Found(CAR + 1, 0.5, Box(0, 0, 10, 10)), 2),
        (Found(CAR, 0.5, Box(20, 0, 30, 10)), 2),
    ],
)
def test_what_covers_the_same_is_the_same(other: Found, number: int) -> None:
    """More than half in common, and of the same class."""
    assert len(distinct([Found(CAR, 0.9, Box(0, 0, 10, 10)), other])) == number


@pytest.fixture
def detector(small_graph: SmallGraph) -> Detector:
    """Take what is red for a car, 40 pixels wide and 20 high."""
    small_graph.image(512, 512, 3)
    to_scores = np.zeros((1, 1, 3, 80))
    to_scores[0, 0, :, CAR] = [0.1, -0.1, -0.1]
    bias = np.full(80, -20.0)
    small_graph.constant("red", to_scores)
    small_graph.constant("sides", np.zeros((1, 1, 3, 4)))
    small_graph.constant("bias", bias)
    small_graph.constant("half", np.array([20.0, 10.0, 20.0, 10.0]))
    attributes: dict[str, Any] = {
        "padding": "VALID",
        "strides": [1, 4, 4, 1],
        "fused_ops": ["BiasAdd"],
    }
    small_graph.node("_FusedConv2D", "linear", "image", "red", "bias", **attributes)
    small_graph.node("Sigmoid", "tower_0/keypoints", "linear")
    small_graph.node("_FusedConv2D", "tower_0/wh", "image", "sides", "half", **attributes)
    return Detector(small_graph.translated("tower_0/wh", "tower_0/keypoints"))


def test_boxes_are_shares_of_the_image_and_not_of_the_square(detector: Detector) -> None:
    """A red spot a quarter from the left of a wide image is there, whatever lies above it."""
    image = Image.new("RGB", (512, 256), "blue")
    image.paste("red", (124, 60, 132, 68))
    found = detector.detect(image)
    assert found
    assert {thing.kind for thing in found} == {CAR}
    box = found[0].box
    assert (box.left + box.right) / 2 == pytest.approx(0.25, abs=0.01)
    assert (box.top + box.bottom) / 2 == pytest.approx(0.25, abs=0.02)
    assert box.right - box.left == pytest.approx(40 / 512)
    assert box.bottom - box.top == pytest.approx(20 / 256)


def test_a_box_ends_where_the_image_ends(detector: Detector) -> None:
    """A thing at the edge is cut to it."""
    image = Image.new("RGB", (512, 256), "blue")
    image.paste("red", (0, 0, 6, 6))
    box = detector.detect(image)[0].box
    assert (box.left, box.top) == (0.0, 0.0)


def test_nothing_is_found_where_nothing_is(detector: Detector) -> None:
    """Without anything red, and in the black around the image, there is no car."""
    assert detector.detect(Image.new("RGB", (100, 400), "blue")) == []
