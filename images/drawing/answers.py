"""What Rekognition is to say about a scene, in the form of its own API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from images.drawing.canvas import HEIGHT, WIDTH

if TYPE_CHECKING:
    from images.drawing.canvas import Box, Line
    from images.drawing.scenes import Scene

# Parents, aliases and category of each label, after Rekognition's own taxonomy.
VEHICLES, PLACES = "Vehicles and Automotive", "Buildings and Architecture"
TAXONOMY: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "Awning": (("Canopy",), (), PLACES),
    "Bicycle": (("Machine", "Transportation", "Vehicle"), ("Bike",), VEHICLES),
    "Box": ((), (), "Home and Indoors"),
    "Canopy": ((), (), PLACES),
    "Car": (("Transportation", "Vehicle"), ("Automobile",), VEHICLES),
    "Cardboard": (("Box",), (), "Home and Indoors"),
    "Carton": (("Box", "Cardboard"), (), "Home and Indoors"),
    "City": ((), ("Town",), PLACES),
    "Coupe": (("Car", "Sports Car", "Transportation", "Vehicle"), (), VEHICLES),
    "Fog": (("Nature", "Weather"), (), "Weather and Natural Disasters"),
    "Machine": ((), (), "Tools and Machinery"),
    "Metropolis": (("City", "Urban"), (), PLACES),
    "Moving Van": (("Transportation", "Van", "Vehicle"), (), VEHICLES),
    "Nature": ((), (), "Nature and Outdoors"),
    "Neighborhood": ((), (), PLACES),
    "Night": (("Nature",), (), "Nature and Outdoors"),
    "Package": (("Box",), (), "Home and Indoors"),
    "Plant": ((), (), "Plants and Flowers"),
    "Rain": (("Nature", "Weather"), (), "Weather and Natural Disasters"),
    "Road": ((), (), "Transport and Logistics"),
    "Sedan": (("Car", "Transportation", "Vehicle"), (), VEHICLES),
    "Shop": ((), ("Store",), PLACES),
    "Sports Car": (("Car", "Transportation", "Vehicle"), (), VEHICLES),
    "Street": (("City", "Road", "Urban"), (), PLACES),
    "Taxi": (("Car", "Transportation", "Vehicle"), ("Cab",), VEHICLES),
    "Transportation": ((), (), VEHICLES),
    "Tree": (("Plant",), (), "Plants and Flowers"),
    "Truck": (("Transportation", "Vehicle"), (), VEHICLES),
    "Urban": ((), (), PLACES),
    "Van": (("Transportation", "Vehicle"), (), VEHICLES),
    "Vehicle": (("Transportation",), (), VEHICLES),
    "Weather": (("Nature",), (), "Weather and Natural Disasters"),
}


def answer(scene: Scene) -> dict[str, Any]:
    """Return a scene's responses of DetectLabels and DetectText."""
    return {"DetectLabels": _labels(scene), "DetectText": _texts(scene)}


def _labels(scene: Scene) -> dict[str, Any]:
    confidences = dict(scene.labels)
    for name, confidence in scene.labels.items():
        for parent in TAXONOMY[name][0]:
            confidences[parent] = max(confidences.get(parent, 0.0), confidence)
    ordered = sorted(confidences.items(), key=lambda item: (-item[1], item[0]))
    return {
        "LabelModelVersion": "3.0",
        "Labels": [_label(scene, name, confidence) for name, confidence in ordered],
    }


def _label(scene: Scene, name: str, confidence: float) -> dict[str, Any]:
    parents, aliases, category = TAXONOMY[name]
    return {
        "Name": name,
        "Confidence": confidence,
        "Instances": [
            {"BoundingBox": _box(box), "Confidence": instance}
            for label, instance, box in scene.objects
            if label == name
        ],
        "Parents": [{"Name": parent} for parent in parents],
        "Aliases": [{"Name": alias} for alias in aliases],
        "Categories": [{"Name": category}],
    }


def _texts(scene: Scene) -> dict[str, Any]:
    """All lines come first, then the words with their line's Id, as the API does it."""
    lines = sorted(scene.lines, key=lambda item: (item[1].box.top, item[1].box.left))
    found = [
        _text("LINE", index, line.text, confidence, line.box)
        for index, (confidence, line) in enumerate(lines)
    ]
    for parent, (confidence, line) in enumerate(lines):
        for offset, (word, box) in enumerate(_words(line)):
            shade = round(confidence - 0.07 * offset, 2)
            found.append(_text("WORD", len(found), word, shade, box) | {"ParentId": parent})
    return {"TextModelVersion": "3.0", "TextDetections": found}


def _words(line: Line) -> tuple[tuple[str, Box], ...]:
    return line.words


def _text(kind: str, number: int, text: str, confidence: float, box: Box) -> dict[str, Any]:
    frame = _box(box)
    left, top = frame["Left"], frame["Top"]
    right, bottom = round(left + frame["Width"], 6), round(top + frame["Height"], 6)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return {
        "DetectedText": text,
        "Type": kind,
        "Id": number,
        "Confidence": confidence,
        "Geometry": {"BoundingBox": frame, "Polygon": [{"X": x, "Y": y} for x, y in corners]},
    }


def _box(box: Box) -> dict[str, float]:
    return {
        "Width": round((box.right - box.left) / WIDTH, 6),
        "Height": round((box.bottom - box.top) / HEIGHT, 6),
        "Left": round(box.left / WIDTH, 6),
        "Top": round(box.top / HEIGHT, 6),
    }
