"""Values are checked against botocore's own model."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.shapes import input_problems, output_problems

IMAGE = {"S3Object": {"Bucket": "photos", "Name": "1.jpg"}}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "Image: missing"),
        ({"Image": IMAGE, "MinConfidence": 100.1}, "MinConfidence: 100.1 is above the most, 100"),
        ({"Image": IMAGE, "MinConfidence": -0.1}, "MinConfidence: -0.1 is below the least, 0"),
        ({"Image": IMAGE, "MinConfidence": "90"}, "MinConfidence: expected a number"),
        ({"Image": IMAGE, "MinConfidence": True}, "MinConfidence: expected a number"),
        ({"Image": IMAGE, "MaxLabels": 1.5}, "MaxLabels: expected an integer"),
        ({"Image": IMAGE, "MaxLabels": -1}, "MaxLabels: -1 is below the least, 0"),
        ({"Image": IMAGE, "Features": ["FACES"]}, "Features[0]: 'FACES' is none of"),
        ({"Image": IMAGE, "Features": "GENERAL_LABELS"}, "Features: expected a list"),
        ({"Image": IMAGE, "Labels": 1}, "Labels: not known here"),
        ({"Image": {"S3Object": {"Bucket": "x", "Name": "1"}}}, "Bucket: 1 is below the least, 3"),
        ({"Image": {"S3Object": {"Bucket": "a b c", "Name": "1"}}}, "does not match"),
        (
            {"Image": IMAGE, "Settings": {"GeneralLabels": {"LabelInclusionFilters": ["x"] * 101}}},
            "101 is above the most, 100 items",
        ),
    ],
)
def test_a_wrong_request_is_told_with_its_place(request_: dict[str, Any], said: str) -> None:
    """Missing, unknown, mistyped and out of range: each is named."""
    assert said in "; ".join(input_problems("DetectLabels", request_))


def test_a_right_request_has_no_problems() -> None:
    """The bounds of ranges are inside, and null counts as not given."""
    request = {
        "Image": IMAGE,
        "MinConfidence": 100,
        "MaxLabels": 0,
        "Features": ["GENERAL_LABELS"],
        "Settings": None,
    }
    assert input_problems("DetectLabels", request) == []


def test_a_number_that_is_none_is_a_problem() -> None:
    """Python's JSON knows NaN, the service does not."""
    value = {"Labels": [{"Confidence": float("nan")}]}
    assert output_problems("DetectLabels", value) == [
        "DetectLabels.Labels[0].Confidence: expected a finite number"
    ]
