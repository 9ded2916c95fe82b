"""From things found to labels."""

from __future__ import annotations

import json

import pytest

from emulator.recognizer.boxes import Box
from emulator.recognizer.detector import Found
from emulator.recognizer.labels import KINDS, to_labels
from emulator.rekognition.labels import detect_labels
from emulator.shapes import output_problems

PERSON, CAR, TRUCK = 0, 2, 7
BOX = Box(0.25, 0.5, 0.75, 0.6)


def test_there_is_a_name_for_each_class_of_coco() -> None:
    """Eighty classes in COCO's order, each by a name of its own."""
    names = [name for name, *_ in KINDS]
    assert len(names) == len(set(names)) == 80
    assert (names[PERSON], names[CAR], names[TRUCK], names[79]) == (
        "Person",
        "Car",
        "Truck",
        "Toothbrush",
    )


def test_only_cars_are_called_car() -> None:
    """Vans, buses and trucks are labels of their own, which worker A must not take for cars."""
    for number in range(80):
        labels = to_labels([Found(number, 0.9, BOX)])["Labels"]
        assert [label["Name"] == "Car" for label in labels] == [number == CAR]


def test_a_label_has_all_its_instances() -> None:
    """Two cars are one label, as sure as the surer one, with two boxes."""
    other = Box(0.0, 0.0, 0.125, 1.0)
    labels = to_labels([Found(CAR, 0.2, BOX), Found(CAR, 0.3, other)])["Labels"]
    assert len(labels) == 1
    assert labels[0]["Name"] == "Car"
    assert labels[0]["Confidence"] == pytest.approx(90.0)
    assert [parent["Name"] for parent in labels[0]["Parents"]] == ["Transportation", "Vehicle"]
    assert labels[0]["Aliases"] == [{"Name": "Automobile"}]
    assert labels[0]["Categories"] == [{"Name": "Vehicles and Automotive"}]
    first, second = labels[0]["Instances"]
    assert first["Confidence"] == pytest.approx(70.0)
    assert first["BoundingBox"] == pytest.approx(
        {"Left": 0.25, "Top": 0.5, "Width": 0.5, "Height": 0.1}
    )
    assert second["BoundingBox"] == {"Left": 0.0, "Top": 0.0, "Width": 0.125, "Height": 1.0}


def test_the_surest_label_comes_first() -> None:
    """As in Rekognition's answers."""
    labels = to_labels([Found(TRUCK, 0.2, BOX), Found(PERSON, 0.5, BOX), Found(CAR, 0.3, BOX)])
    assert [label["Name"] for label in labels["Labels"]] == ["Person", "Car", "Truck"]


def test_what_is_hardly_seen_is_left_out() -> None:
    """Below 55 percent Rekognition itself says nothing, unless it is asked to."""
    labels = to_labels([Found(CAR, 0.1249, BOX), Found(TRUCK, 0.1251, BOX)])["Labels"]
    assert [label["Name"] for label in labels] == ["Truck"]


def test_answers_are_as_the_service_returns_them() -> None:
    """Every class, and nothing at all, passes the same check as a recorded answer."""
    for found in ([], [Found(number, 0.5, BOX) for number in range(80)]):
        answer = detect_labels(json.loads(json.dumps(to_labels(found))), {"MinConfidence": 0})
        assert output_problems("DetectLabels", answer) == []
        # Each class, and its parents as labels of their own.
        assert len(answer["Labels"]) >= len(found)
