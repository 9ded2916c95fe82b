"""DetectText: which lines and words a request gets."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.rekognition.errors import InvalidParameterException
from emulator.rekognition.texts import MAX_WORDS, detect_text

Box = tuple[float, float, float, float]


def detection(
    number: int, text: str, confidence: float, box: Box, parent: int | None = None
) -> dict[str, Any]:
    """Make a word (with a parent) or a line as the API returns it."""
    left, top, width, height = box
    value: dict[str, Any] = {
        "DetectedText": text,
        "Type": "LINE" if parent is None else "WORD",
        "Id": number,
        "Confidence": confidence,
        "Geometry": {"BoundingBox": {"Left": left, "Top": top, "Width": width, "Height": height}},
    }
    if parent is not None:
        value["ParentId"] = parent
    return value


RECORDED = {
    "TextDetections": [
        detection(0, "LP 610", 95.0, (0.1, 0.1, 0.4, 0.1)),
        detection(1, "sale", 17.0, (0.6, 0.6, 0.2, 0.05)),
        detection(2, "LP", 97.0, (0.1, 0.1, 0.1, 0.1), 0),
        detection(3, "610", 80.0, (0.3, 0.1, 0.2, 0.1), 0),
        detection(4, "sale", 17.0, (0.6, 0.6, 0.2, 0.05), 1),
    ]
}


def ids(filters: dict[str, Any] | None = None) -> list[int]:
    """Ask for texts and return their ids, in order."""
    request = {} if filters is None else {"Filters": filters}
    return [found["Id"] for found in detect_text(RECORDED, request)["TextDetections"]]


def test_without_filters_everything_comes_back() -> None:
    """Words of very low confidence come back when no filter is given."""
    assert ids() == [0, 1, 2, 3, 4]
    assert ids({}) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("word_filter", "expected"),
    [
        ({"MinConfidence": 17.0}, [0, 1, 2, 3, 4]),
        ({"MinConfidence": 17.01}, [0, 2, 3]),
        ({"MinConfidence": 80.0}, [0, 2, 3]),
        ({"MinConfidence": 80.01}, [0, 2]),
        ({"MinConfidence": 99}, []),
        ({}, [0, 2, 3]),
        ({"MinConfidence": 0, "MinBoundingBoxHeight": 0.1}, [0, 2, 3]),
        ({"MinConfidence": 0, "MinBoundingBoxWidth": 0.2}, [0, 1, 3, 4]),
        ({"MinConfidence": 0, "MinBoundingBoxWidth": 0.11, "MinBoundingBoxHeight": 0.06}, [0, 3]),
    ],
)
def test_a_word_filter_leaves_words_out(word_filter: dict[str, float], expected: list[int]) -> None:
    """The bounds are inclusive; a line goes when its last word goes."""
    assert ids({"WordFilter": word_filter}) == expected


def box_region(left: float, top: float, width: float, height: float) -> dict[str, Any]:
    """Make a region of interest that is a box."""
    return {"BoundingBox": {"Left": left, "Top": top, "Width": width, "Height": height}}


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        ([box_region(0, 0, 0.5, 0.5)], [0, 2, 3]),
        ([box_region(0, 0, 0.25, 0.5)], [0, 2]),
        ([box_region(0, 0, 0.4, 0.5)], [0, 2]),
        ([box_region(0, 0, 0.41, 0.5)], [0, 2, 3]),
        ([box_region(0.5, 0.5, 0.5, 0.5)], [1, 4]),
        ([box_region(0, 0, 0.25, 0.5), box_region(0.5, 0.5, 0.5, 0.5)], [0, 1, 2, 4]),
        ([box_region(0, 0.8, 1, 0.2)], []),
        ([{"Polygon": [{"X": 0, "Y": 0}, {"X": 0.6, "Y": 0}, {"X": 0, "Y": 0.6}]}], [0, 2, 3]),
        ([{"Polygon": [{"X": 1, "Y": 1}, {"X": 1, "Y": 0.4}, {"X": 0.5, "Y": 1}]}], []),
    ],
)
def test_regions_keep_what_lies_more_than_half_inside(
    regions: list[dict[str, Any]], expected: list[int]
) -> None:
    """A word is kept when more than half of it, not just half, lies in one of the regions."""
    assert ids({"RegionsOfInterest": regions}) == expected


@pytest.mark.parametrize(
    "region", [{}, {**box_region(0, 0, 1, 1), "Polygon": [{"X": 0.0, "Y": 0.0}]}]
)
def test_a_region_is_a_box_or_a_polygon(region: dict[str, Any]) -> None:
    """A region that is neither or both is an invalid parameter."""
    with pytest.raises(InvalidParameterException, match="BoundingBox or a Polygon"):
        ids({"RegionsOfInterest": [region]})


def test_at_most_a_hundred_words_come_back() -> None:
    """Words above the service's limit are left out, with their lines."""
    texts = [detection(2 * n, "x", 99.0, (0, 0, 0.1, 0.1)) for n in range(MAX_WORDS + 1)]
    texts += [
        detection(2 * n + 1, "x", 99.0, (0, 0, 0.1, 0.1), 2 * n) for n in range(MAX_WORDS + 1)
    ]
    found = detect_text({"TextDetections": texts}, {})["TextDetections"]
    assert sum(item["Type"] == "WORD" for item in found) == MAX_WORDS
    assert sum(item["Type"] == "LINE" for item in found) == MAX_WORDS


def test_a_line_recorded_without_words_is_judged_as_a_word() -> None:
    """A line that stands alone in the answers is filtered by its own confidence."""
    recorded = {"TextDetections": [detection(0, "GO 77", 70.0, (0, 0, 0.1, 0.1))]}
    request = {"Filters": {"WordFilter": {"MinConfidence": 71}}}
    assert detect_text(recorded, {})["TextDetections"]
    assert detect_text(recorded, request)["TextDetections"] == []
