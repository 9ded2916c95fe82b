"""Boxes are where the objects are, seen in the pixels of a screenshot."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops

from tests.browser import runs
from tests.browser.chromium import resize

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Page

CAR, TEXT = (79, 213, 232), (255, 174, 87)  # the colors of the boxes
CAR_PLACE, TEXT_PLACE = (0.25, 0.3, 0.5, 0.4), (0.4, 0.55, 0.2, 0.1)
SHAPES = {"wide.jpg": (900, 300), "tall.jpg": (300, 900), "usual.jpg": (900, 600)}


def picture(size: tuple[int, int], orientation: int = 1) -> bytes:
    """Return a gray image with a black block where the car is said to be."""
    width, height = size
    image = Image.new("RGB", size, (120, 120, 120))
    left, top, wide, high = CAR_PLACE
    block = (
        round(left * width),
        round(top * height),
        round((left + wide) * width),
        round((top + high) * height),
    )
    image.paste((0, 0, 0), block)
    exif = Image.Exif()
    if orientation == 6:  # stored lying down: a viewer turns it by 90 degrees clockwise
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of images of several shapes, each with a car and a text at known places."""
    names = sorted([*SHAPES, "turned.jpg"])
    a = [
        runs.image(name, runs.START + n, 0.5, n=n, car=runs.car(99, CAR_PLACE))
        for n, name in enumerate(names, 1)
    ]
    b = [
        runs.reading(one, [runs.line(0, "AB 1", 99.0, TEXT_PLACE)], runs.START + 9, 0.5)
        for one in a
    ]

    def read(key: str, _: str) -> bytes:
        return picture((900, 600), 6) if key == "turned.jpg" else picture(SHAPES[key])

    return runs.write_run(tmp_path_factory.mktemp("boxes") / "run", a, b, read)


def extent(image: Image.Image, color: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Return where pixels of about this color begin and end."""
    near = [
        band.point([255 * (abs(value - wanted) < 12) for value in range(256)])
        for band, wanted in zip(image.split(), color, strict=True)
    ]
    box = ImageChops.multiply(ImageChops.multiply(near[0], near[1]), near[2]).getbbox()
    assert box, f"no pixel of the color {color}"
    return box


@pytest.mark.parametrize("name", [*SHAPES, "turned.jpg"])
def test_box_is_where_the_car_is(page: Page, drawn: Path, name: str) -> None:
    """The blue box lies on the edge of the black block, in images of any shape and turn."""
    resize(page.driver, 1300, 1400, 2)
    page.open(drawn)
    page.wait_for_pictures()
    position = page.keys().index(name)
    frame = page.driver.find_elements("css selector", ".card .frame")[position]
    with Image.open(io.BytesIO(frame.screenshot_as_png)) as shot:
        seen = shot.convert("RGB")
    box, text, block = extent(seen, CAR), extent(seen, TEXT), extent(seen, (0, 0, 0))
    for line, edge in zip(box, block, strict=True):
        assert abs(line - edge) <= 5  # the line is 2 pixels wide, and each is drawn as 4
    # The text's place follows from the car's, since both are shares of one picture.
    for side in range(4):
        axis = side % 2
        wide = (block[axis + 2] - block[axis]) / CAR_PLACE[axis + 2]
        start = block[axis] - CAR_PLACE[axis] * wide
        share = TEXT_PLACE[axis] + (TEXT_PLACE[axis + 2] if side > 1 else 0)
        assert abs(text[side] - (start + share * wide)) <= 5


def test_large_picture_has_its_box_there_too(page: Page, drawn: Path) -> None:
    """The same holds in the dialog."""
    page.open(drawn)
    page.driver.find_elements("css selector", ".card")[page.keys().index("tall.jpg")].click()
    page.wait_for_pictures()
    frame = page.driver.find_element("css selector", "#dialog .frame")
    with Image.open(io.BytesIO(frame.screenshot_as_png)) as shot:
        seen = shot.convert("RGB")
    for line, edge in zip(extent(seen, CAR), extent(seen, (0, 0, 0)), strict=True):
        assert abs(line - edge) <= 3
