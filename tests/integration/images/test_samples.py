"""The sample images, their answers and the expected output agree with one another."""

from __future__ import annotations

import json
import pathlib
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.model import ListShape, StructureShape
from botocore.validate import ParamValidator
from PIL import Image, ImageStat

from carscribe_common import rules

if TYPE_CHECKING:
    from botocore.model import Shape

FOLDER = pathlib.Path(__file__).parents[3] / "images"
NAMES = sorted((path.name for path in FOLDER.glob("*.jpg")), key=rules.natural_key)
MODEL = botocore.session.get_session().get_service_model("rekognition")


def recorded(name: str) -> dict[str, Any]:
    """Return the answers that lie beside an image."""
    text = (FOLDER / "answers" / f"{name}.json").read_text(encoding="utf-8")
    answers: dict[str, Any] = json.loads(text)
    return answers


def unknown_members(value: Any, shape: Shape, where: str) -> list[str]:
    """Name whatever the service's model does not know."""
    if isinstance(shape, StructureShape):
        found = []
        for name, member in value.items():
            if name in shape.members:
                found += unknown_members(member, shape.members[name], f"{where}.{name}")
            else:
                found.append(f"{where}.{name}")
        return found
    if isinstance(shape, ListShape):
        return [fault for item in value for fault in unknown_members(item, shape.member, where)]
    return []


def test_every_image_has_its_answer_and_its_purpose() -> None:
    """Ten images, an answer for each and none without, and a row for each in the README."""
    assert [f"{number}.jpg" for number in range(1, 11)] == NAMES
    assert {path.name for path in (FOLDER / "answers").iterdir()} == {f"{n}.json" for n in NAMES}
    table = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    assert [
        row.split("|")[1].strip() for row in table if row.startswith("| ") and ".jpg" in row
    ] == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("operation", ["DetectLabels", "DetectText"])
def test_answer_fits_the_model_of_the_service(name: str, operation: str) -> None:
    """Every answer is one that botocore's model of Rekognition allows, member by member."""
    shape = MODEL.operation_model(operation).output_shape
    assert shape is not None
    answer = recorded(name)[operation]
    assert not ParamValidator().validate(answer, shape).has_errors()
    assert unknown_members(answer, shape, operation) == []


@pytest.mark.parametrize("name", NAMES)
def test_parents_are_labels_of_their_own(name: str) -> None:
    """A label's parents come back as labels too, at least as sure as the label itself."""
    labels = {label["Name"]: label for label in recorded(name)["DetectLabels"]["Labels"]}
    for label in labels.values():
        for parent in label["Parents"]:
            assert labels[parent["Name"]]["Confidence"] >= label["Confidence"]


@pytest.mark.parametrize("name", NAMES)
def test_words_lie_in_their_line(name: str) -> None:
    """A word's text is part of its line's, and its box lies in its line's box."""
    detections = recorded(name)["DetectText"]["TextDetections"]
    assert [item["Id"] for item in detections] == list(range(len(detections)))
    for word in (item for item in detections if item["Type"] == "WORD"):
        line = detections[word["ParentId"]]
        inner, outer = word["Geometry"]["BoundingBox"], line["Geometry"]["BoundingBox"]
        assert line["Type"] == "LINE"
        assert word["DetectedText"] in line["DetectedText"].split()
        assert inner["Left"] >= outer["Left"] - 1e-5
        assert inner["Left"] + inner["Width"] <= outer["Left"] + outer["Width"] + 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_text_box_holds_ink(name: str) -> None:
    """The picture is busier inside the box of a text than a flat surface is."""
    with Image.open(FOLDER / name) as image:
        gray = image.convert("L")
    for item in recorded(name)["DetectText"]["TextDetections"]:
        box = item["Geometry"]["BoundingBox"]
        left, top = box["Left"] * image.width, box["Top"] * image.height
        right, bottom = left + box["Width"] * image.width, top + box["Height"] * image.height
        spread = ImageStat.Stat(gray.crop((round(left), round(top), round(right), round(bottom))))
        assert spread.stddev[0] > 5, item["DetectedText"]


@pytest.mark.parametrize("name", NAMES)
def test_image_is_one_that_rekognition_takes(name: str) -> None:
    """Each sample is a JPEG of more than 80 pixels a side and of 250 kB at most."""
    with Image.open(FOLDER / name) as image:
        assert image.format == "JPEG"
        assert min(image.size) >= 80
    assert (FOLDER / name).stat().st_size <= 250_000


def test_expected_output_follows_from_the_answers() -> None:
    """The rules, applied to the answers in natural order, give the expected output."""
    output = []
    for name in NAMES:
        answers = recorded(name)
        car = rules.find_car(answers["DetectLabels"])
        lines = rules.counting_lines(answers["DetectText"]["TextDetections"], 80.0)
        if car is not None and rules.is_car(car["Confidence"], 90.0) and lines:
            output.append(rules.result_line(name, rules.result_text(lines)))
    expected = (FOLDER / "expected-output.txt").read_text(encoding="utf-8")
    assert "".join(f"{line}\n" for line in output) == expected


def test_samples_hold_the_boundaries() -> None:
    """Among the samples are a car of exactly 90 and labels that only look like a car."""
    four, five, six = (
        {label["Name"]: label["Confidence"] for label in recorded(name)["DetectLabels"]["Labels"]}
        for name in ("4.jpg", "5.jpg", "6.jpg")
    )
    assert four["Car"] == 90.0
    assert "Vehicle" in five
    assert "Car" not in five
    assert "Cardboard" in six
    assert "Car" not in six
