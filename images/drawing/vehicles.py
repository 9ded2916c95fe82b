"""Cars and a truck. Each returns its box, and the text written on it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from images.drawing.canvas import Box, Canvas, Gradient, Line, Paint, Point, mix, path, ring, slab

if TYPE_CHECKING:
    from collections.abc import Sequence

GLASS = Gradient("#bfe0ee", "#5d8aa3")
GLASS_AT_NIGHT = Gradient("#46566f", "#1f2838")
RUBBER, CHROME = "#20242c", "#d9dee5"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a thing stands: the middle of its wheels on the ground, and its size."""

    canvas: Canvas
    x: float
    y: float
    scale: float
    mirrored: bool = False

    def at(self, points: Sequence[Point]) -> list[Point]:
        """Move an outline from the thing's own coordinates into the picture's."""
        sign = -1 if self.mirrored else 1
        return [(self.x + sign * self.scale * x, self.y + self.scale * y) for x, y in points]

    def fill(self, points: Sequence[Point], paint: Paint, opacity: float = 1) -> Box:
        """Fill an outline given in the thing's own coordinates."""
        return self.canvas.fill(self.at(points), paint, opacity)

    def both(self, points: Sequence[Point], paint: Paint, opacity: float = 1) -> Box:
        """Fill an outline and its mirror image."""
        one = self.fill(points, paint, opacity)
        return one.around(self.fill([(-x, y) for x, y in points], paint, opacity))

    def text(self, center: Point, text: str, size: float, paint: str, weight: str = "Bold") -> Line:
        """Write upon the thing."""
        return self.canvas.text(self.at([center])[0], text, size * self.scale, paint, weight=weight)


BODY_FROM_FRONT = path(
    "M-146 -44 C-152 -92 -148 -116 -133 -128 L133 -128 C148 -116 152 -92 146 -44"
    " C146 -28 138 -22 126 -22 L-126 -22 C-138 -22 -146 -28 -146 -44"
)
CABIN = path(
    "M-130 -124 C-117 -172 -106 -202 -88 -211 C-58 -220 58 -220 88 -211 C106 -202 117 -172 130 -124"
)
SCREEN = path(
    "M-112 -130 C-103 -168 -93 -193 -80 -199 C-50 -206 50 -206 80 -199 C93 -193 103 -168 112 -130"
)
GLARE = path("M-72 -201 C-60 -203 -46 -204 -34 -204 L-62 -130 L-104 -130")
HOOD = path(
    "M-133 -127 C-80 -142 80 -142 133 -127 C139 -120 143 -112 145 -104 C90 -116 -90 -116 -145 -104"
)


def _from_ahead(place: Place, color: str, glass: Gradient) -> Box:
    """Draw what front and rear have in common."""
    place.canvas.shadow(
        (place.x, place.y - 2 * place.scale), 165 * place.scale, 13 * place.scale, 0.5
    )
    box = place.both(slab(90, -56, 132, 0, 9), RUBBER)
    place.both(slab(96, -10, 126, -2, 3), "#353b46")
    box = box.around(
        place.both(
            path("M126 -146 C136 -156 158 -156 161 -146 C162 -136 152 -132 128 -134"),
            mix(color, "#000000", 0.12),
        )
    )
    box = box.around(
        place.fill(CABIN, Gradient(mix(color, "#ffffff", 0.18), mix(color, "#000000", 0.1)))
    )
    place.fill(SCREEN, glass)
    place.fill(GLARE, "#ffffff", 0.2)
    return box.around(
        place.fill(
            BODY_FROM_FRONT, Gradient(mix(color, "#ffffff", 0.06), mix(color, "#000000", 0.26))
        )
    )


def _plate(place: Place, y: float, text: str, face: str, ink: str) -> Line:
    place.fill(slab(-62, y - 16, 62, y + 16, 4), mix(face, "#000000", 0.55))
    place.fill(slab(-60, y - 14, 60, y + 14, 3), face)
    return place.text((0, y), text, 21, ink, "ExtraBold")


def front(
    place: Place,
    color: str,
    plate: str,
    *,
    lit: bool = False,
    face: str = "#fbfbf7",
    ink: str = "#16181d",
) -> tuple[Box, Line]:
    """Draw a car that comes towards us."""
    box = _from_ahead(place, color, GLASS_AT_NIGHT if lit else GLASS)
    for x in (-46, 46):
        place.fill(ring((x, -143), 23, 19), "#1d2733", 0.35)
    place.fill(HOOD, Gradient(mix(color, "#ffffff", 0.28), mix(color, "#ffffff", 0.04)))
    place.fill(slab(-70, -103, 70, -80, 10), "#1c2028")
    for bar in (-98, -92, -86):
        place.fill(slab(-64, bar, 64, bar + 1.6), "#59616f")
    place.fill(ring((0, -92), 9), CHROME)
    for sign in (-1, 1):
        if lit:
            place.canvas.glow(place.at([(sign * 109, -92)])[0], 60 * place.scale, "#fff2b8", 0.55)
        lamp = path(
            "M80 -104 C100 -108 126 -108 138 -102 C138 -88 132 -80 120 -79 C104 -78 88 -80 80 -86"
        )
        place.fill([(sign * x, y) for x, y in lamp], "#fffbe6" if lit else "#eef4f8")
        place.fill(ring((sign * 112, -92), 10), "#ffffff" if lit else "#c9d6df")
    place.fill(slab(-140, -68, 140, -30, 12), mix(color, "#000000", 0.42))
    place.both(slab(92, -58, 128, -46, 5), "#f2b04a" if lit else "#3a4049")
    return box, _plate(place, -52, plate, face, ink)


def rear(
    place: Place,
    color: str,
    plate: str | None,
    badge: str = "",
    *,
    lit: bool = False,
    face: str = "#fbfbf7",
) -> tuple[Box, list[Line]]:
    """Draw a car that drives away from us."""
    box = _from_ahead(place, color, GLASS_AT_NIGHT if lit else Gradient("#8fb3c4", "#3f5f73"))
    place.fill(
        path(
            "M-136 -127 C-80 -133 80 -133 136 -127 C141 -121 144 -114 146 -106 C90 -112 -90 -112 -146 -106"
        ),
        mix(color, "#ffffff", 0.2),
    )
    for sign in (-1, 1):
        if lit:
            place.canvas.glow(place.at([(sign * 116, -92)])[0], 46 * place.scale, "#ff5a4a", 0.5)
        lamp = path(
            "M84 -104 C108 -110 130 -110 144 -104 C146 -92 144 -82 138 -78 L96 -80 C88 -84 84 -92 84 -104"
        )
        place.fill([(sign * x, y) for x, y in lamp], "#ff4436" if lit else "#c8271f")
        place.fill([(sign * x, y) for x, y in slab(100, -98, 122, -88, 4)], "#ffb3a6")
    place.fill(slab(-140, -40, 140, -24, 8), "#2a2f38")
    place.both(slab(88, -30, 118, -22, 4), CHROME)
    lines = []
    if badge:
        lines.append(place.text((0, -96), badge, 19, "#f6f1e4", "SemiBold"))
    if plate:
        lines.append(_plate(place, -60, plate, face, "#16181d"))
    return box, lines


SEDAN = path(
    "M-194 -40 C-198 -62 -195 -82 -186 -89 C-160 -95 -134 -96 -114 -98 C-92 -124 -62 -143 -26 -144"
    " C16 -145 44 -139 60 -127 C80 -113 92 -103 106 -96 C146 -92 178 -85 189 -70"
    " C197 -58 197 -44 194 -34 C192 -27 188 -25 180 -25 L-178 -25 C-188 -25 -193 -30 -194 -40"
)
SEDAN_WINDOWS = (
    "M-94 -99 C-78 -119 -54 -133 -26 -134 L-12 -134 L-12 -99",
    "M-3 -99 L-3 -134 C24 -134 44 -127 56 -118 C68 -109 76 -104 84 -99",
)
ESTATE = path(
    "M-194 -40 C-198 -70 -196 -92 -190 -104 C-184 -128 -176 -148 -164 -153 C-120 -160 -10 -160 28 -154"
    " C56 -146 84 -116 106 -98 C146 -93 178 -85 189 -70 C197 -58 197 -44 194 -34"
    " C192 -27 188 -25 180 -25 L-178 -25 C-188 -25 -193 -30 -194 -40"
)
ESTATE_WINDOWS = ("M-20 -106 L-20 -146 C0 -147 14 -146 24 -143 C48 -134 64 -118 78 -106",)


def _wheels(place: Place, xs: Sequence[float], radius: float = 31) -> Box:
    box = None
    for x in xs:
        here = place.fill(ring((x, -radius), radius + 6), "#15181e")
        place.fill(ring((x, -radius), radius), RUBBER)
        place.fill(ring((x, -radius), radius * 0.62), CHROME)
        place.fill(ring((x, -radius), radius * 0.5), "#9aa3ae")
        place.fill(ring((x, -radius), radius * 0.16), "#4d5560")
        box = here.around(box) if box else here
    if box is None:
        raise ValueError("a vehicle has wheels")
    return box


def side(place: Place, color: str, *, estate: bool = False) -> Box:
    """Draw a car from its side."""
    body, windows = (ESTATE, ESTATE_WINDOWS) if estate else (SEDAN, SEDAN_WINDOWS)
    place.canvas.shadow(
        (place.x, place.y - 2 * place.scale), 205 * place.scale, 11 * place.scale, 0.5
    )
    box = place.fill(body, Gradient(mix(color, "#ffffff", 0.2), mix(color, "#000000", 0.22)))
    for window in windows:
        place.fill(path(window), GLASS)
    place.fill(
        path(
            "M6 -99 L24 -133 L38 -129 L22 -99"
            if not estate
            else "M0 -106 L16 -145 L28 -141 L14 -106"
        ),
        "#ffffff",
        0.25,
    )
    place.fill(slab(-192, -42, 194, -36), mix(color, "#000000", 0.4), 0.6)
    door = mix(color, "#000000", 0.35)
    place.fill(slab(-8, -96, -6.6, -38), door)
    place.fill(slab(84, -94, 85.4, -60), door)
    place.fill(slab(-32 if not estate else 50, -84, -14 if not estate else 68, -79, 2), CHROME)
    place.fill(path("M186 -76 C172 -82 160 -84 152 -84 C154 -74 166 -68 191 -66"), "#fff6d8")
    place.fill(path("M-193 -84 C-184 -84 -176 -82 -172 -76 L-176 -66 L-195 -66"), "#c8271f")
    place.fill(
        path("M78 -108 C84 -118 98 -118 98 -108 C98 -102 88 -100 78 -100"),
        mix(color, "#000000", 0.15),
    )
    return box.around(_wheels(place, (-112, 118)))


def box_truck(place: Place, color: str, text: str) -> tuple[Box, Line]:
    """Draw a truck with a box behind its cab, from its side."""
    place.canvas.shadow(
        (place.x, place.y - 2 * place.scale), 300 * place.scale, 13 * place.scale, 0.5
    )
    place.fill(slab(-270, -56, 250, -40), "#2a2f38")
    box = place.fill(slab(-285, -268, 108, -52, 6), Gradient("#fdfcf8", "#d9dbdd"))
    place.fill(slab(-285, -92, 108, -74), color)
    for x in range(-240, 100, 45):
        place.fill(slab(x, -264, x + 1.4, -94), "#c9ccd0")
    cab = path(
        "M118 -44 L118 -214 C150 -218 196 -218 214 -210 C236 -188 246 -150 252 -122"
        " C272 -116 282 -106 284 -88 L286 -52 C286 -46 282 -40 274 -40 L124 -40"
    )
    box = box.around(
        place.fill(cab, Gradient(mix(color, "#ffffff", 0.2), mix(color, "#000000", 0.2)))
    )
    place.fill(
        path("M150 -124 L150 -196 C176 -198 196 -197 206 -192 C220 -176 228 -150 233 -124"), GLASS
    )
    place.fill(path("M160 -124 L176 -196 L192 -196 L176 -124"), "#ffffff", 0.25)
    place.fill(slab(152, -110, 172, -104, 3), CHROME)
    place.fill(path("M284 -90 C270 -94 262 -92 260 -84 L262 -74 L285 -72"), "#fff6d8")
    place.fill(slab(232, -58, 287, -42, 5), "#333943")
    line = place.text((-88, -178), text, 50, "#26303d", "ExtraBold")
    return box.around(_wheels(place, (-196, -120, 200), 38)), line
