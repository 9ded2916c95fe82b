"""DetectLabels: which labels a request gets."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.rekognition.errors import InvalidParameterException
from emulator.rekognition.labels import detect_labels, with_parents
from tests import samples


def label(name: str, confidence: float, *parents: str, category: str = "Things") -> dict[str, Any]:
    """Make a label of a category that most tests do not ask about."""
    return samples.label(name, confidence, category, *parents)


RECORDED = {
    "LabelModelVersion": "3.0",
    "Labels": [
        label("Tree", 54.9, category="Plants"),
        label("Car", 98.5, "Transportation", "Vehicle", category="Vehicles"),
        label("Cardboard", 90.0, "Box"),
        label("Road", 55.0, category="Places"),
    ],
}


def names(request: dict[str, Any]) -> list[str]:
    """Ask for labels and return their names, in order."""
    return [found["Name"] for found in detect_labels(RECORDED, request)["Labels"]]


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        (90.0, ["Car", "Transportation", "Vehicle", "Cardboard", "Box"]),
        (90.01, ["Car", "Transportation", "Vehicle"]),
        (98.5, ["Car", "Transportation", "Vehicle"]),
        (100, []),
    ],
)
def test_min_confidence_is_inclusive(least: float, expected: list[str]) -> None:
    """A label exactly at MinConfidence is returned, one below is not."""
    assert names({"MinConfidence": least}) == expected


def test_the_default_min_confidence_is_55() -> None:
    """Without MinConfidence a label at 55.0 is returned and one at 54.9 is not."""
    assert "Road" in names({})
    assert "Tree" not in names({})
    assert "Tree" in names({"MinConfidence": 0})


def test_max_labels_cuts_the_least_sure_ones() -> None:
    """MaxLabels keeps the surest labels; parents count as labels of their own."""
    assert names({"MaxLabels": 2}) == ["Car", "Transportation"]
    assert names({"MaxLabels": 0}) == []


def test_parents_are_labels_of_their_own() -> None:
    """A parent that was not recorded comes back as sure as its surest child."""
    labels = with_parents([label("Van", 70.0, "Vehicle"), label("Car", 98.5, "Vehicle")])
    assert [(found["Name"], found["Confidence"]) for found in labels] == [
        ("Van", 70.0),
        ("Car", 98.5),
        ("Vehicle", 98.5),
    ]


def test_a_recorded_parent_is_not_added_again() -> None:
    """A parent that was recorded keeps what was recorded of it."""
    recorded = [label("Car", 98.5, "Vehicle"), label("Vehicle", 99.0)]
    assert with_parents(recorded) == recorded


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"LabelInclusionFilters": ["Car"]}, ["Car"]),
        ({"LabelInclusionFilters": ["car"]}, []),
        ({"LabelInclusionFilters": ["Vehicle", "Road"]}, ["Vehicle", "Road"]),
        (
            {"LabelExclusionFilters": ["Car", "Box"]},
            ["Transportation", "Vehicle", "Cardboard", "Road"],
        ),
        ({"LabelCategoryInclusionFilters": ["Places"]}, ["Road"]),
        ({"LabelCategoryExclusionFilters": ["Vehicles"]}, ["Cardboard", "Box", "Road"]),
        (
            {"LabelInclusionFilters": ["Cardboard"], "LabelCategoryInclusionFilters": ["Places"]},
            ["Cardboard", "Road"],
        ),
        (
            {"LabelCategoryInclusionFilters": ["Vehicles"], "LabelExclusionFilters": ["Vehicle"]},
            ["Car", "Transportation"],
        ),
        (
            {"LabelInclusionFilters": ["Car"], "LabelCategoryExclusionFilters": ["Vehicles"]},
            [],
        ),
    ],
)
def test_filters_include_and_exclude_labels_and_categories(
    settings: dict[str, list[str]], expected: list[str]
) -> None:
    """Included by exact name or by category, unless excluded by one of them."""
    assert names({"Settings": {"GeneralLabels": settings}}) == expected


def test_filters_come_before_max_labels() -> None:
    """MaxLabels counts the labels that the filters let through."""
    request = {"MaxLabels": 1, "Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Road"]}}}
    assert names(request) == ["Road"]


def test_image_properties_are_answered_when_they_were_recorded() -> None:
    """IMAGE_PROPERTIES alone brings the recorded properties and no labels."""
    properties = {"Quality": {"Brightness": 50.0}}
    answer = detect_labels({"ImageProperties": properties}, {"Features": ["IMAGE_PROPERTIES"]})
    assert answer == {"ImageProperties": properties, "LabelModelVersion": "carscribe-emulator"}


def test_image_properties_are_refused_when_they_were_not_recorded() -> None:
    """IMAGE_PROPERTIES that nobody recorded are an invalid parameter, not made up."""
    with pytest.raises(InvalidParameterException, match="IMAGE_PROPERTIES"):
        detect_labels(RECORDED, {"Features": ["IMAGE_PROPERTIES"]})


@pytest.mark.parametrize(
    "extra",
    [{"MaxLabels": 1}, {"MinConfidence": 50.0}, {"Settings": {"GeneralLabels": {}}}],
)
def test_settings_of_labels_need_their_feature(extra: dict[str, Any]) -> None:
    """What only labels heed is refused where no labels are asked for."""
    with pytest.raises(InvalidParameterException, match="GENERAL_LABELS"):
        detect_labels(RECORDED, {"Features": ["IMAGE_PROPERTIES"], **extra})
