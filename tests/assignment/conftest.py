"""A bucket of six images that tell right from wrong, and queues between the two programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.samples import box, label, picture, text

if TYPE_CHECKING:
    from tests.emulator import Emulator

WHERE = box(0.1, 0.1, 0.2, 0.1)
KIND = "Vehicles and Automotive"


def car(confidence: float) -> list[dict[str, Any]]:
    """The labels of a car as they come back: the ancestors are as sure, and labels too."""
    ancestors = [label(name, confidence, KIND) for name in ("Transportation", "Vehicle")]
    return [*ancestors, label("Car", confidence, KIND, "Transportation", "Vehicle")]


def words(*lines: tuple[str, float]) -> list[dict[str, Any]]:
    """Lines, and behind them the words they are of."""
    found = [text(n, line, confidence, WHERE) for n, (line, confidence) in enumerate(lines)]
    for parent, (line, confidence) in enumerate(lines):
        found += [
            text(len(found) + n, word, confidence, WHERE, ParentId=parent)
            for n, word in enumerate(line.split())
        ]
    return found


IMAGES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "1.jpg": (car(98), words(("GO 77", 95), ("sale", 17))),
    "2.jpg": (car(90.0), words(("JUST 90", 95))),
    "3.jpg": ([label("Cardboard", 99, "Materials")], words(("FRAGILE", 99))),
    "4.jpg": ([label("Wheel", 99.5, KIND), *car(98)], words(("HI 4", 95))),
    "5.jpg": (car(98), []),
    "11.jpg": (car(98), words(("B 11", 95))),
}
RIGHT = ["1.jpg: GO 77", "4.jpg: HI 4", "11.jpg: B 11"]
BUCKET = "assignment"


@pytest.fixture
def bucket(emulator: Emulator) -> str:
    """A bucket with the six images."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for number, (key, (labels, texts)) in enumerate(IMAGES.items()):
        answer = {"DetectLabels": {"Labels": labels}, "DetectText": {"TextDetections": texts}}
        data = emulator.teach(picture(tint=100 + number), answer)
        s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    return BUCKET
