"""Where the pictures play: an avenue that leads away from us, and a promenade seen from across it."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING

from images.drawing.canvas import (
    HEIGHT,
    WIDTH,
    Canvas,
    Color,
    Gradient,
    Paint,
    Point,
    mix,
    path,
    ring,
    slab,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Light:
    """The hour of the day, as colors."""

    sky: Gradient
    haze: str
    walls: tuple[str, ...]
    window: str
    window_lit: str
    lit_share: float
    road: str
    pavement: str
    leaves: str
    sun: str
    shade: float = 0.0
    haze_per_meter: float = 0.012


NOON = Light(
    Gradient("#6fb7dd", "#e3f1ee"),
    "#dfeeee",
    ("#e9c9a3", "#d98f6c", "#f1e3cf", "#b9cdb9", "#cfa7a0", "#9fb7c9"),
    "#6d94ab",
    "#a9cbd9",
    0.25,
    "#626873",
    "#c9c3b8",
    "#5f9a5c",
    "#fff6d6",
)
MORNING = Light(
    Gradient("#8fc6de", "#fde7cf"),
    "#fbe3cf",
    ("#f0d2b0", "#e6a884", "#f6ead9", "#c6d3bb", "#d9b5ae", "#b5c4cf"),
    "#7f9fb0",
    "#fff0c4",
    0.2,
    "#6b6a72",
    "#d6c9ba",
    "#79a866",
    "#fff1c9",
)
DUSK = Light(
    Gradient("#3d3c73", "#f6a174"),
    "#c98a86",
    ("#7a5a78", "#8d5f6e", "#5d5680", "#a3727a", "#6a6390", "#94707f"),
    "#3c3f63",
    "#ffd98a",
    0.45,
    "#43425a",
    "#77697c",
    "#5a6a50",
    "#ffd7a0",
    0.25,
)
NIGHT = Light(
    Gradient("#0d1530", "#34406b"),
    "#2b365c",
    ("#2b3358", "#343a60", "#262e50", "#3c3f63", "#2f3a66", "#39365a"),
    "#1a2140",
    "#ffd98a",
    0.4,
    "#262b3d",
    "#3d435b",
    "#22384a",
    "#f3f0dc",
    0.5,
)
FOG = Light(
    Gradient("#c3ced3", "#e7eaea"),
    "#dfe4e5",
    ("#b9bdbd", "#c4b8ae", "#cfccc4", "#adb8b3", "#bfb2b0", "#aab4ba"),
    "#93a3ab",
    "#e9e3cc",
    0.3,
    "#7e858b",
    "#c3c4c1",
    "#93a893",
    "#f4f5f1",
    0.0,
    0.05,
)
GOLDEN = Light(
    Gradient("#e8b57e", "#fbeecb"), "#f6dfba",
    ("#dd9f72", "#c97d5f", "#ecc99d", "#b59a7d", "#c98f7f", "#a8937f"),
    "#8a7463", "#fff0c4", 0.3, "#716461", "#d7c0a2", "#a78a45", "#fffbe8",
)  # fmt: skip


def sky(canvas: Canvas, light: Light, sun: Point, seed: int, clouds: int = 4) -> None:
    """Paint the sky, its sun or moon, and some clouds."""
    rng = random.Random(seed)
    canvas.fill(slab(0, 0, WIDTH, HEIGHT), light.sky)
    canvas.glow(sun, 120, light.sun, 0.35)
    canvas.fill(ring(sun, 38), light.sun, 0.95)
    if light is NIGHT:
        for _ in range(70):
            at = rng.uniform(0, WIDTH), rng.uniform(0, 240)
            canvas.fill(ring(at, rng.uniform(0.5, 1.5)), "#ffffff", rng.uniform(0.3, 0.9))
        return
    for _ in range(clouds):
        x, y, size = rng.uniform(40, WIDTH - 40), rng.uniform(40, 170), rng.uniform(0.6, 1.3)
        puffs = ((-52, 4, 22), (-22, -10, 30), (16, -16, 36), (50, 2, 24))
        outlines = [ring((x + dx * size, y + dy * size), r * size) for dx, dy, r in puffs]
        outlines.append(slab(x - 74 * size, y + 2 * size, x + 74 * size, y + 26 * size, 12 * size))
        canvas.fill_all(outlines, Gradient("#ffffff", mix("#ffffff", light.haze, 0.7)), 0.8)


def skyline(canvas: Canvas, light: Light, base: float, seed: int) -> None:
    """Paint far houses as two flat layers."""
    rng = random.Random(seed)
    for share, tall in ((0.82, 150), (0.62, 100)):
        x = -20.0
        color = mix(light.walls[2], light.haze, share)
        while x < WIDTH:
            wide, high = rng.uniform(34, 84), rng.uniform(0.4, 1) * tall
            canvas.fill(slab(x, base - high, x + wide, base + 4), color)
            if rng.random() < 0.3:
                canvas.fill(
                    [(x, base - high), (x + wide / 2, base - high - 22), (x + wide, base - high)],
                    color,
                )
            x += wide


class Avenue:
    """A street in perspective. Meters: x to the right, height up, z away from us."""

    focal, horizon, eye = 620.0, 292.0, 2.6

    def __init__(self, canvas: Canvas, light: Light, seed: int) -> None:
        self.canvas, self.light, self.rng = canvas, light, random.Random(seed)

    def at(self, x: float, height: float, z: float) -> Point:
        """Return where a point of the street is in the picture."""
        return WIDTH / 2 + self.focal * x / z, self.horizon + self.focal * (self.eye - height) / z

    def hazed(self, color: str | Color, z: float) -> Color:
        """Return a color as seen through `z` meters of air."""
        return mix(color, self.light.haze, 1 - 2.718 ** (-self.light.haze_per_meter * z))

    def quad(
        self, corners: Sequence[tuple[float, float, float]], paint: Paint, opacity: float = 1
    ) -> None:
        """Fill a flat shape given in meters."""
        self.canvas.fill([self.at(*corner) for corner in corners], paint, opacity)

    def draw(self) -> None:
        """Paint ground, houses, trees and lamps, the far ones first."""
        light = self.light
        ground = self.at(0, 0, 1000)[1]
        self.canvas.fill(
            slab(0, ground, WIDTH, HEIGHT),
            Gradient(mix(light.pavement, light.haze, 0.6), light.pavement),
        )
        near = 3.2
        road = Gradient(self.hazed(light.road, 45), light.road)
        self.quad([(-6.4, 0, near), (6.4, 0, near), (6.4, 0, 600), (-6.4, 0, 600)], road)
        for side in (-1, 1):
            for inner, outer, tint in ((6.0, 6.15, "#ffffff"), (6.4, 6.7, "#8f8a84")):
                self.quad(
                    [
                        (side * inner, 0, near),
                        (side * outer, 0, near),
                        (side * outer, 0, 300),
                        (side * inner, 0, 300),
                    ],
                    mix(tint, light.road, 0.3 + light.shade),
                )
        for dash in range(4, 160, 7):
            self.quad(
                [(-0.09, 0, dash), (0.09, 0, dash), (0.09, 0, dash + 3), (-0.09, 0, dash + 3)],
                self.hazed(mix("#ffffff", light.road, 0.2 + light.shade), dash),
            )
        for side in (-1, 1):
            self._houses(side)
        for z in (66, 54, 42, 32, 24, 17.5):
            for side in (-1, 1):
                self._tree(side * 8.4, z)

    def _houses(self, side: int) -> None:
        x, z, rows = side * 12.5, 8.0, []
        while z < 150:
            depth = self.rng.uniform(8, 14)
            rows.append((z, z + depth, self.rng.uniform(11, 21), self.rng.choice(self.light.walls)))
            z += depth
        for start, end, high, color in reversed(rows):
            shade = mix(color, "#101830", 0.12 if side > 0 else 0.0)
            front = mix(shade, "#101830", 0.12)
            self.quad(
                [
                    (x, 0, start),
                    (x + side * 12, 0, start),
                    (x + side * 12, high, start),
                    (x, high, start),
                ],
                self.hazed(front, start),
            )
            self.quad(
                [(x, 0, start), (x, high, start), (x, high, end), (x, 0, end)],
                self.hazed(shade, (start + end) / 2),
            )
            self.quad(
                [(x, high, start), (x, high + 0.5, start), (x, high + 0.5, end), (x, high, end)],
                self.hazed(mix(color, "#ffffff", 0.3), start),
            )
            floors, columns = int((high - 4.2) / 3), max(int((end - start) / 2.6), 1)
            step = (end - start) / columns
            for column in range(columns):
                a, b = start + step * (column + 0.24), start + step * (column + 0.76)
                for floor in range(floors):
                    low = 4.4 + 3 * floor
                    lit = self.rng.random() < self.light.lit_share
                    pane = self.light.window_lit if lit else self.light.window
                    self.quad(
                        [(x, low, a), (x, low + 1.8, a), (x, low + 1.8, b), (x, low, b)],
                        self.hazed(pane, a),
                    )
            glass = mix(self.light.window_lit, self.light.window, 0.5)
            inset = (end - start) * 0.06
            self.quad(
                [
                    (x, 0.5, start + inset),
                    (x, 2.9, start + inset),
                    (x, 2.9, end - inset),
                    (x, 0.5, end - inset),
                ],
                self.hazed(glass, start),
            )
            awning = self.rng.choice(("#b5483c", "#2f6b62", "#d8a23a", "#46618f"))
            self.quad(
                [
                    (x, 3.5, start + inset),
                    (x, 3.5, end - inset),
                    (x - side * 1.1, 2.9, end - inset),
                    (x - side * 1.1, 2.9, start + inset),
                ],
                self.hazed(mix(awning, "#101830", self.light.shade), start),
            )

    def _tree(self, x: float, z: float) -> None:
        base, top = self.at(x, 0, z), self.at(x, 3, z)
        unit = self.focal / z
        self.canvas.shadow(base, 1.6 * unit, 0.22 * unit, 0.25)
        self.canvas.fill(
            [
                (base[0] - 0.14 * unit, base[1]),
                (top[0] - 0.1 * unit, top[1]),
                (top[0] + 0.1 * unit, top[1]),
                (base[0] + 0.14 * unit, base[1]),
            ],
            self.hazed("#6b5344", z),
        )
        for dx, high, radius, tone in (
            (0, 4.3, 1.7, -0.1),
            (-0.7, 3.7, 1.1, -0.18),
            (0.8, 3.9, 1.1, 0.0),
            (-0.2, 4.9, 1.1, 0.1),
        ):
            leaf = mix(self.light.leaves, "#ffffff" if tone > 0 else "#10222a", abs(tone))
            self.canvas.fill(ring(self.at(x + dx, high, z), radius * unit), self.hazed(leaf, z))


def promenade(canvas: Canvas, light: Light, seed: int, ground: float = 470) -> None:
    """Paint a row of houses across the street, its pavement and the street itself."""
    rng = random.Random(seed)
    x = -30.0
    while x < WIDTH:
        wide, high = rng.choice((150, 180, 210)), rng.uniform(250, 350)
        color = rng.choice(light.walls)
        canvas.fill(
            slab(x, ground - high, x + wide, ground),
            Gradient(mix(color, "#ffffff", 0.08), mix(color, "#000000", 0.06)),
        )
        canvas.fill(
            slab(x - 3, ground - high - 9, x + wide + 3, ground - high + 2),
            mix(color, "#ffffff", 0.35),
        )
        columns = int(wide / 48)
        for column in range(columns):
            middle = x + wide * (column + 0.5) / columns
            for top in range(int(ground - high + 26), int(ground - 150), 66):
                pane = light.window_lit if rng.random() < light.lit_share else light.window
                canvas.fill(
                    slab(middle - 15, top - 3, middle + 15, top + 44, 2), mix(color, "#ffffff", 0.4)
                )
                canvas.fill(
                    slab(middle - 12, top, middle + 12, top + 40),
                    Gradient(mix(pane, "#ffffff", 0.2), pane),
                )
                canvas.fill(
                    slab(middle - 0.8, top, middle + 0.8, top + 40), mix(color, "#ffffff", 0.4)
                )
        canvas.fill(
            slab(x + 12, ground - 96, x + wide - 12, ground - 6), mix(color, "#1b2a33", 0.55)
        )
        canvas.fill(
            slab(x + 18, ground - 90, x + wide - 62, ground - 22),
            Gradient(mix(light.window_lit, "#ffffff", 0.2), light.window),
        )
        canvas.fill(
            slab(x + wide - 54, ground - 90, x + wide - 20, ground - 6), mix(color, "#14202a", 0.75)
        )
        stripe = rng.choice(("#b5483c", "#2f6b62", "#d8a23a", "#46618f"))
        for index in range(int((wide - 24) / 18)):
            left = x + 12 + index * (wide - 24) / int((wide - 24) / 18)
            tint = mix(stripe if index % 2 else "#f7f1e6", "#101830", light.shade)
            canvas.fill(
                path(
                    f"M{left} {ground - 108} L{left + 18.2} {ground - 108} L{left + 18.2} {ground - 82} C{left + 18} {ground - 74} {left} {ground - 74} {left} {ground - 82}"
                ),
                tint,
            )
        x += wide
    canvas.fill(
        slab(0, ground - 4, WIDTH, ground + 44),
        Gradient(mix(light.pavement, "#ffffff", 0.15), light.pavement),
    )
    canvas.fill(slab(0, ground + 44, WIDTH, ground + 54), mix(light.pavement, "#000000", 0.22))
    canvas.fill(
        slab(0, ground + 54, WIDTH, HEIGHT),
        Gradient(mix(light.road, "#ffffff", 0.06), mix(light.road, "#000000", 0.15)),
    )
    for left in range(-40, WIDTH, 150):
        canvas.fill(
            path(f"M{left} 640 L{left + 86} 640 L{left + 80} 648 L{left - 6} 648"),
            mix("#ffffff", light.road, 0.2 + light.shade),
        )


def tree(canvas: Canvas, light: Light, x: float, ground: float, size: float) -> None:
    """Paint a tree on the pavement."""
    canvas.shadow((x, ground), 60 * size, 7 * size, 0.25)
    canvas.fill(
        path(
            f"M{x - 7 * size} {ground} L{x - 4 * size} {ground - 120 * size} L{x + 4 * size} {ground - 120 * size} L{x + 7 * size} {ground}"
        ),
        "#6b5344",
    )
    for dx, dy, radius, tone in (
        (0, -170, 62, -0.12),
        (-40, -140, 42, -0.2),
        (42, -146, 42, -0.05),
        (-8, -204, 42, 0.1),
        (26, -184, 30, 0.16),
    ):
        color = mix(light.leaves, "#ffffff" if tone > 0 else "#10222a", abs(tone))
        canvas.fill(ring((x + dx * size, ground + dy * size), radius * size), color)


def lamp(canvas: Canvas, light: Light, x: float, ground: float) -> None:
    """Paint a street lamp, lit in the dark."""
    if light.shade:
        canvas.glow((x, ground - 236), 70, "#ffe2a0", 0.55)
    canvas.fill(slab(x - 3, ground - 230, x + 3, ground), "#2c343d")
    canvas.fill(slab(x - 9, ground - 10, x + 9, ground), "#2c343d")
    canvas.fill(
        path(
            f"M{x - 14} {ground - 254} L{x + 14} {ground - 254} L{x + 9} {ground - 228} L{x - 9} {ground - 228}"
        ),
        "#ffe9b0" if light.shade else "#eef2f2",
    )
    canvas.fill(
        path(f"M{x - 17} {ground - 254} L{x} {ground - 266} L{x + 17} {ground - 254}"), "#2c343d"
    )
