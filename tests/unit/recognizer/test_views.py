"""The parts of a picture that are read."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from emulator.recognizer import views
from emulator.recognizer.boxes import Box
from emulator.recognizer.text import Piece


def dotted(width: int, height: int, *dots: tuple[int, int]) -> Image.Image:
    """Make a white picture with black spots of some pixels."""
    image = Image.new("RGB", (width, height), "white")
    for x, y in dots:
        image.paste("black", (x - 4, y - 4, x + 5, y + 5))
    return image


def darkest(view: views.View) -> tuple[float, float]:
    """Return where in the picture the middle of what is dark in a view is."""
    shades = np.asarray(view.image.convert("L"), float)
    inside = shades[: round(shades.shape[0]), :]
    ys, xs = np.nonzero(inside < 100)
    return view.in_picture(float(xs.mean()) + 0.5, float(ys.mean()) + 0.5)


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((640, 480), (981, 736)),
        ((1280, 720), (1308, 736)),
        ((1600, 1200), (1600, 1200)),
        ((3200, 2400), (1600, 1200)),
        ((640, 240), (1600, 600)),
        ((3200, 80), (1600, 400)),  # a strip has a margin
        ((80, 3200), (400, 1600)),
    ],
)
def test_a_whole_picture_is_neither_small_nor_large(
    size: tuple[int, int], seen: tuple[int, int]
) -> None:
    """The shorter side gets 736 pixels, but the longer never more than 1600."""
    assert views.whole(Image.new("RGB", size)).image.size == seen


@pytest.mark.parametrize("size", [(640, 480), (3200, 2400), (1000, 100)])
def test_points_of_a_whole_picture_are_found_again(size: tuple[int, int]) -> None:
    """Whether it was enlarged or made smaller."""
    width, height = size
    picture = dotted(width, height, (width // 3, height // 4))
    if size[0] / size[1] > views.STRIP_RATIO:  # its margin is black
        x, y = views.whole(picture).in_picture(width / 3 * 1.6, 0)
        assert (x, y) == pytest.approx((width / 3, 0))
    else:
        assert darkest(views.whole(picture)) == pytest.approx((width / 3, height / 4), abs=2)


def test_a_car_is_seen_twice_and_enlarged() -> None:
    """All of it, and its lower part still larger; points are where they were."""
    picture = dotted(1000, 800, (300, 380))
    first, second = views.of_cars(picture, [Box(200, 200, 500, 400)])
    assert max(first.image.size) == 960
    assert max(second.image.size) == 1280
    assert second.scale > first.scale > 2
    assert first.in_picture(0, 0) == (185, 190)
    assert second.in_picture(0, 0) == (185, 290)
    for view in (first, second):
        assert darkest(view) == pytest.approx((300, 380), abs=1)


def test_no_view_ends_outside_of_the_picture() -> None:
    """A car at the edge has no margin there."""
    for view in views.of_cars(Image.new("RGB", (300, 200)), [Box(0, 0, 300, 200)]):
        right, bottom = view.in_picture(*view.image.size)
        assert view.left >= 0
        assert view.top >= 0
        assert right <= 300.5
        assert bottom <= 200.5


@pytest.mark.parametrize(
    ("cars", "number"),
    [
        ([], 0),
        ([Box(0, 0, 60, 60)], 1),
        ([Box(0, 0, 60, 60), Box(100, 0, 160, 21)], 2),
        ([Box(0, 0, 60, 60), Box(100, 0, 160, 19)], 1),
        ([Box(0, 0, 60, 60)] * 5, 2),
        ([Box(100, 0, 110, 10), Box(0, 0, 60, 60)], 1),
    ],
)
def test_the_largest_cars_are_read(cars: list[Box], number: int) -> None:
    """Two at most, and the second if it is a third of the first."""
    assert len(list(views.of_cars(Image.new("RGB", (200, 100)), cars))) == 2 * number


def test_shadow_is_evened_out() -> None:
    """What lies in the dark differs more than before, though it is light elsewhere."""
    shades = np.random.default_rng(1).integers(30, 50, (400, 400, 1), np.uint8).repeat(3, 2)
    shades[:, :200] += 180
    seen = np.asarray(views.equalized(Image.fromarray(shades)), float)
    assert seen[:, 250:].std() > 1.3 * shades[:, 250:].std()


def test_only_the_lower_part_of_a_car_is_evened_out() -> None:
    """So that one of the two views is right, whatever the light."""
    shades = np.random.default_rng(1).integers(30, 50, (400, 400, 1), np.uint8).repeat(3, 2)
    first, second = views.of_cars(Image.fromarray(shades), [Box(0, 0, 400, 400)])
    assert np.asarray(second.image).std() > 1.3 * np.asarray(first.image).std()


def test_contrast_is_spread() -> None:
    """The darkest becomes black and the lightest white; one color stays one."""
    shades = np.full((10, 10, 3), 100, np.uint8)
    shades[:5] = 120
    seen = np.asarray(views.spread_out(Image.fromarray(shades)))
    assert (seen.min(), seen.max()) == (0, 255)
    assert len(np.unique(np.asarray(views.spread_out(Image.new("RGB", (9, 9), "gray"))))) == 1


def test_close_ups_show_a_line_in_several_heights() -> None:
    """With something around it, however large it is in the picture."""
    picture = dotted(1000, 800, (550, 310))
    line = [Piece("A", 0.5, ((500, 300), (600, 300), (600, 320), (500, 320)))]
    found = list(views.close_ups(picture, line))
    assert [round(view.scale * 20) for view in found] == [32, 48, 48, 80]
    for view in found:
        assert darkest(view) == pytest.approx((550, 310), abs=1)
        assert view.left == 484
    wide = [Piece("A", 0.5, ((0, 0), (900, 0), (900, 20), (0, 20)))]
    assert all(max(view.image.size) <= 960 for view in views.close_ups(picture, wide))
