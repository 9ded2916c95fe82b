"""The ten pictures: what stands where, and what Rekognition is to say about it."""

from __future__ import annotations

import dataclasses

from images.drawing import streets, things, vehicles
from images.drawing.canvas import Box, Canvas, Line, slab
from images.drawing.streets import DUSK, FOG, GOLDEN, MORNING, NIGHT, NOON, Avenue
from images.drawing.vehicles import Place


@dataclasses.dataclass
class Scene:
    """A picture and what is in it, by confidence in percent."""

    canvas: Canvas = dataclasses.field(default_factory=Canvas)
    labels: dict[str, float] = dataclasses.field(default_factory=dict)
    objects: list[tuple[str, float, Box]] = dataclasses.field(default_factory=list)
    lines: list[tuple[float, Line]] = dataclasses.field(default_factory=list)

    def place(self, x: float, y: float, scale: float, *, mirrored: bool = False) -> Place:
        """Return a place on this picture."""
        return Place(self.canvas, x, y, scale, mirrored)


def plate_on_an_avenue() -> Scene:
    """A car with a plate."""
    scene = Scene(labels={"Car": 98.72, "City": 96.1, "Road": 94.83, "Street": 94.83, "Tree": 81.4})
    streets.sky(scene.canvas, NOON, (830, 96), 11)
    streets.skyline(scene.canvas, NOON, 296, 12)
    Avenue(scene.canvas, NOON, 13).draw()
    box, _ = vehicles.rear(scene.place(676, 424, 0.4), "#7d8f9c", None)
    scene.objects.append(("Car", 93.58, box))
    box, plate = vehicles.front(scene.place(322, 612, 1.15), "#c8372d", "SBR8167")
    scene.objects.append(("Car", 98.72, box))
    scene.lines.append((99.31, plate))
    return scene


def two_cars_without_text() -> Scene:
    """Cars seen from the side: nothing to read."""
    scene = Scene(labels={"Car": 99.64, "Sedan": 97.2, "Neighborhood": 88.37, "Tree": 93.02})
    streets.sky(scene.canvas, MORNING, (180, 110), 21)
    streets.promenade(scene.canvas, MORNING, 22)
    streets.tree(scene.canvas, MORNING, 120, 500, 1.05)
    streets.tree(scene.canvas, MORNING, 910, 500, 0.95)
    scene.objects.append(
        ("Car", 97.05, vehicles.side(scene.place(800, 560, 0.78), "#e0b13c", estate=True))
    )
    scene.objects.append(("Car", 99.64, vehicles.side(scene.place(360, 612, 1.18), "#2f6fa8")))
    return scene


def bakery() -> Scene:
    """Text, and no car anywhere."""
    scene = Scene(
        labels={"Shop": 95.7, "Awning": 90.12, "Bicycle": 97.44, "Machine": 97.44, "City": 84.6}
    )
    streets.sky(scene.canvas, GOLDEN, (860, 90), 31)
    lines = things.shop(scene.canvas, GOLDEN, "CORNER BAKERY", "OPEN")
    scene.lines += [(99.87, lines[0]), (98.15, lines[1])]
    scene.objects.append(("Bicycle", 97.44, things.bicycle(scene.place(250, 596, 1.25))))
    return scene


def car_in_fog() -> Scene:
    """A car of exactly 90: not above it, so not a car for us, plate or no plate."""
    scene = Scene(labels={"Car": 90.0, "Fog": 98.3, "Weather": 98.3, "Nature": 98.3, "Road": 91.57})
    streets.sky(scene.canvas, FOG, (240, 120), 41, clouds=0)
    streets.skyline(scene.canvas, FOG, 296, 42)
    Avenue(scene.canvas, FOG, 43).draw()
    box, plate = vehicles.front(scene.place(352, 530, 0.9), "#b9a24a", "YHI 907", lit=True)
    scene.canvas.fill([(0, 0), (1024, 0), (1024, 683), (0, 683)], "#dfe4e5", 0.3)
    scene.objects.append(("Car", 90.0, box))
    scene.lines.append((96.48, plate))
    return scene


def moving_truck() -> Scene:
    """A truck: a Vehicle, but no Car."""
    scene = Scene(labels={"Truck": 98.91, "Moving Van": 96.3, "Van": 96.3, "Neighborhood": 79.8})
    streets.sky(scene.canvas, NOON, (140, 100), 51)
    streets.promenade(scene.canvas, NOON, 52)
    streets.tree(scene.canvas, NOON, 66, 500, 1.0)
    streets.lamp(scene.canvas, NOON, 962, 500)
    box, line = vehicles.box_truck(scene.place(520, 612, 1.24), "#2f7f73", "EASY MOVE")
    scene.objects.append(("Truck", 98.91, box))
    scene.lines.append((99.72, line))
    return scene


def cardboard_boxes() -> Scene:
    """Cardboard begins like Car."""
    scene = Scene(labels={"Cardboard": 99.21, "Box": 99.21, "Carton": 99.21, "Package": 94.66})
    streets.sky(scene.canvas, MORNING, (120, 100), 61)
    streets.promenade(scene.canvas, MORNING, 64)
    streets.lamp(scene.canvas, MORNING, 70, 500)
    boxes, line = things.boxes(scene.canvas, "FRAGILE")
    scene.objects += [
        ("Box", confidence, box)
        for confidence, box in zip((99.21, 98.4, 97.93), boxes, strict=True)
    ]
    scene.lines.append((99.05, line))
    return scene


def two_lines_at_dusk() -> Scene:
    """Two lines of text on one car."""
    scene = Scene(
        labels={"Car": 99.1, "Sports Car": 92.48, "Coupe": 92.48, "City": 95.2, "Road": 93.7}
    )
    streets.sky(scene.canvas, DUSK, (512, 262), 71)
    streets.skyline(scene.canvas, DUSK, 296, 72)
    Avenue(scene.canvas, DUSK, 73).draw()
    box, lines = vehicles.rear(
        scene.place(716, 622, 1.28), "#e07b2c", "LP 610 LB", "Aurelia", lit=True
    )
    scene.objects.append(("Car", 99.1, box))
    scene.lines += [(96.27, lines[0]), (99.44, lines[1])]
    return scene


def rain_at_night() -> Scene:
    """A plate that can hardly be read."""
    scene = Scene(labels={"Car": 97.36, "Night": 95.9, "Rain": 83.1, "Nature": 95.9, "Road": 90.84})
    streets.sky(scene.canvas, NIGHT, (790, 104), 81)
    streets.skyline(scene.canvas, NIGHT, 296, 82)
    Avenue(scene.canvas, NIGHT, 83).draw()
    box, _ = vehicles.rear(scene.place(676, 574, 1.05), "#4a5a86", None, lit=True)
    things.blurred_plate(scene.canvas, (676, 511))
    line = scene.canvas.text((676, 511), "K1 L0", 21, "#454b58", weight="Bold", blur=2.1)
    things.rain(scene.canvas, 84)
    scene.objects.append(("Car", 97.36, box))
    scene.lines.append((52.61, line))
    return scene


def letters_beyond_ascii() -> Scene:
    """A car with umlauts on its door."""
    scene = Scene(labels={"Car": 96.83, "Neighborhood": 86.5, "Tree": 90.2})
    streets.sky(scene.canvas, NOON, (880, 84), 91)
    streets.promenade(scene.canvas, NOON, 97)
    streets.tree(scene.canvas, NOON, 940, 500, 1.05)
    place = scene.place(480, 616, 1.66)
    box = vehicles.side(place, "#f3eee2", estate=True)
    scene.objects.append(("Car", 96.83, box))
    scene.lines += [
        (97.9, place.text((-102, -123), "MÜNCHEN", 24, "#a8322a", "ExtraBold")),
        (94.02, place.text((-102, -94), "Bäckerei Öl & Süß", 14, "#3b4a57", "Bold")),
    ]
    return scene


def taxi_at_dusk() -> Scene:
    """Two texts that count, and one that does not; its index tells 10 from 1."""
    scene = Scene(
        labels={"Car": 98.05, "Taxi": 97.7, "City": 97.3, "Road": 92.6, "Metropolis": 90.4}
    )
    streets.sky(scene.canvas, DUSK, (300, 250), 101)
    streets.skyline(scene.canvas, DUSK, 296, 102)
    Avenue(scene.canvas, DUSK, 103).draw()
    scene.lines.append((61.83, things.hotel_sign(scene.canvas)))
    place = scene.place(308, 610, 1.2)
    box, plate = vehicles.front(place, "#eab92d", "GO 77", lit=True)
    roof = place.fill(slab(-42, -244, 42, -212, 8), "#2a2620")
    place.fill(slab(-38, -240, 38, -216, 6), "#fff3c4")
    scene.objects.append(("Car", 98.05, box.around(roof)))
    scene.lines += [
        (99.58, place.text((0, -228), "TAXI", 19, "#2a2620", "ExtraBold")),
        (98.9, plate),
    ]
    return scene


SCENES = {
    "1.jpg": plate_on_an_avenue,
    "2.jpg": two_cars_without_text,
    "3.jpg": bakery,
    "4.jpg": car_in_fog,
    "5.jpg": moving_truck,
    "6.jpg": cardboard_boxes,
    "7.jpg": two_lines_at_dusk,
    "8.jpg": rain_at_night,
    "9.jpg": letters_beyond_ascii,
    "10.jpg": taxi_at_dusk,
}
