"""Whatever else stands about: a shop, a bicycle, boxes, a sign, the rain."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from images.drawing.canvas import (
    HEIGHT,
    WIDTH,
    Box,
    Canvas,
    Gradient,
    Line,
    Point,
    mix,
    path,
    ring,
    slab,
)

if TYPE_CHECKING:
    from images.drawing.streets import Light
    from images.drawing.vehicles import Place


def shop(canvas: Canvas, light: Light, name: str, hint: str) -> list[Line]:
    """Paint the front of a shop, with its name above and a hint on its door."""
    canvas.fill(slab(0, 60, WIDTH, 540), Gradient("#c98f6b", "#b97b5b"))
    for row in range(60, 260, 14):
        for x in range(-30 if row % 28 else -10, WIDTH, 42):
            canvas.fill(
                slab(x, row, x + 40, row + 12),
                mix("#b97b5b", "#8d5743", ((x * 7 + row * 13) % 10) / 24),
                0.5,
            )
    for left in (110, 330, 610, 830):
        canvas.fill(slab(left - 7, 73, left + 97, 187, 3), "#f6e6cc")
        canvas.fill(slab(left, 80, left + 90, 180), Gradient("#fbe9c0", "#a88b72"))
        canvas.fill(slab(left + 43, 80, left + 47, 180), "#f6e6cc")
        canvas.fill(slab(left, 126, left + 90, 130), "#f6e6cc")
    canvas.fill(slab(70, 214, 954, 540), "#2e4a45")
    canvas.fill(slab(84, 226, 940, 296, 4), "#25403b")
    lines = [canvas.text((512, 261), name, 46, "#f7e2b0", weight="ExtraBold")]
    canvas.fill(slab(110, 330, 640, 506), Gradient("#fff3cd", "#dcb681"))
    for x in (240, 372, 506):
        canvas.fill(slab(x, 330, x + 5, 506), "#2e4a45")
    for shelf, kinds in ((420, "#b8713c #d99a52 #8f5228"), (494, "#d99a52 #e7c084 #b8713c")):
        canvas.fill(slab(110, shelf, 640, shelf + 6), "#8a5a3a")
        for index in range(11):
            color = kinds.split()[index % 3]
            canvas.fill(
                ring((138 + index * 47, shelf - 9), 19, 13),
                Gradient(mix(color, "#ffffff", 0.25), color),
            )
    canvas.fill(slab(700, 322, 900, 540), "#3d5d56")
    canvas.fill(slab(724, 344, 876, 470), Gradient("#fff3cd", "#dcb681"))
    canvas.fill(slab(884, 430, 890, 462, 3), "#e3c58a")
    canvas.fill(slab(750, 376, 850, 418, 6), "#25403b")
    lines.append(canvas.text((800, 397), hint, 27, "#f7e2b0", weight="ExtraBold"))
    for index in range(22):
        start = 84 + index * 38.9
        color = "#c25a45" if index % 2 else "#fbf3e4"
        canvas.fill(
            path(
                f"M{start} 300 L{start + 39.2} 300 L{start + 39.2} 336 C{start + 39} 350 {start} 350 {start} 336"
            ),
            color,
        )
    canvas.fill(slab(84, 336, 940, 360), "#1d2d2a", 0.12, blur=4)
    canvas.fill(
        slab(0, 536, WIDTH, 612), Gradient(mix(light.pavement, "#ffffff", 0.2), light.pavement)
    )
    for x in range(-20, WIDTH, 120):
        canvas.fill(
            path(f"M{x} 536 L{x + 2} 536 L{x - 24} 612 L{x - 27} 612"),
            mix(light.pavement, "#000000", 0.15),
        )
    canvas.fill(slab(0, 612, WIDTH, 622), mix(light.pavement, "#000000", 0.25))
    canvas.fill(slab(0, 622, WIDTH, HEIGHT), Gradient(light.road, mix(light.road, "#000000", 0.2)))
    return lines


def bicycle(place: Place) -> Box:
    """Paint a bicycle that leans on its stand."""
    place.canvas.shadow((place.x, place.y), 120 * place.scale, 7 * place.scale, 0.35)
    box = None
    for x in (-66, 66):
        for radius, color in ((42, "#23272e"), (38, "#d8c9ad"), (36, "#c7ab87")):
            here = place.fill(ring((x, -42), radius), color, 1 if radius != 36 else 0.85)
            box = here.around(box) if box else here
        place.fill(ring((x, -42), 5), "#23272e")
    if box is None:
        raise ValueError("a bicycle has wheels")

    def tube(start: Point, end: Point, width: float, color: str) -> Box:
        across = ((end[1] - start[1]), -(end[0] - start[0]))
        length = (across[0] ** 2 + across[1] ** 2) ** 0.5
        dx, dy = across[0] / length * width / 2, across[1] / length * width / 2
        corners = [
            (start[0] + dx, start[1] + dy),
            (end[0] + dx, end[1] + dy),
            (end[0] - dx, end[1] - dy),
            (start[0] - dx, start[1] - dy),
        ]
        return place.fill(corners, color)

    for start, end in (
        ((-66, -42), (-8, -42)),
        ((-8, -42), (-28, -104)),
        ((-66, -42), (-26, -96)),
        ((-26, -92), (44, -100)),
        ((-8, -42), (46, -92)),
        ((40, -116), (66, -42)),
    ):
        tube(start, end, 5.5, "#1f6f6a")
    box = box.around(tube((-46, -108), (-12, -108), 8, "#5a3a28"))
    box = box.around(tube((38, -118), (56, -126), 5, "#23272e"))
    place.fill(ring((-8, -42), 10), "#4d5560")
    tube((-8, -42), (2, -26), 4, "#23272e")
    return box


def boxes(canvas: Canvas, text: str) -> tuple[list[Box], Line]:
    """Paint three boxes of cardboard, one of them written upon."""
    found = []
    canvas.shadow((560, 628), 330, 18, 0.45)
    for left, top, right, bottom, color in (
        (330, 372, 610, 626, "#c79a63"),
        (600, 424, 830, 630, "#b98a54"),
        (392, 226, 592, 374, "#d3a872"),
    ):
        depth = 34
        canvas.fill(
            [
                (right, top),
                (right + depth, top - 20),
                (right + depth, bottom - 20),
                (right, bottom),
            ],
            mix(color, "#000000", 0.22),
        )
        canvas.fill(
            [(left, top), (left + depth, top - 20), (right + depth, top - 20), (right, top)],
            mix(color, "#ffffff", 0.22),
        )
        canvas.fill(
            slab(left, top, right, bottom),
            Gradient(mix(color, "#ffffff", 0.06), mix(color, "#000000", 0.08)),
        )
        middle = (left + right) / 2
        canvas.fill(slab(middle - 14, top, middle + 14, top + 54), "#e8d3ac", 0.8)
        canvas.fill(
            [
                (middle - 14, top),
                (middle + depth - 14, top - 20),
                (middle + depth + 14, top - 20),
                (middle + 14, top),
            ],
            "#efdfc0",
            0.9,
        )
        found.append(Box(left, top - 20, right + depth, bottom))
    line = canvas.text((470, 516), text, 48, "#8a2f25", weight="ExtraBold")
    for x in (420, 470, 520):
        canvas.fill(
            path(
                f"M{x - 9} 578 L{x} 560 L{x + 9} 578 L{x + 3} 578 L{x + 3} 602 L{x - 3} 602 L{x - 3} 578"
            ),
            "#8a2f25",
        )
    return found, line


def blurred_plate(canvas: Canvas, center: Point) -> None:
    """Paint a plate that spray has made dim."""
    x, y = center
    canvas.fill(slab(x - 62, y - 16, x + 62, y + 16, 4), "#3a404e")
    canvas.fill(slab(x - 60, y - 14, x + 60, y + 14, 3), "#8f95a3")


def rain(canvas: Canvas, seed: int) -> None:
    """Paint rain over all."""
    rng = random.Random(seed)
    for _ in range(420):
        x, y, length = rng.uniform(-20, WIDTH), rng.uniform(-20, HEIGHT), rng.uniform(12, 34)
        canvas.fill(
            [
                (x, y),
                (x + 1.3, y),
                (x + 1.3 - length * 0.22, y + length),
                (x - length * 0.22, y + length),
            ],
            "#cfdcf5",
            rng.uniform(0.12, 0.4),
        )


def hotel_sign(canvas: Canvas) -> Line:
    """Paint a neon sign far up on a house, half out of focus."""
    canvas.fill(slab(796, 168, 934, 214, 6), "#2b2440", 0.9)
    canvas.glow((865, 191), 70, "#ff8fb0", 0.4)
    return canvas.text((865, 191), "H0TEL", 30, "#ffb3c7", weight="Bold", blur=1.6, opacity=0.85)
