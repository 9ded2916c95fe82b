"""From things found to DetectLabels: COCO's classes by Rekognition's names.

Source: Rekognition's developer guide, "Detecting labels", and its list of
labels with parents, aliases and categories.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.recognizer.boxes import Box
    from emulator.recognizer.detector import Found

MODEL_VERSION = "carscribe-recognizer-1"
"""Says plainly that it is not Rekognition's model that answered."""

Kind = tuple[str, list[str], list[str], str]
"""A label's name, parents, aliases and category."""


def _kinds() -> tuple[Kind, ...]:
    rows = [
        line.split("\t")
        for line in Path(__file__).with_name("labels.tsv").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    return tuple(
        (name, _names(parents), _names(aliases), category)
        for name, parents, aliases, category in rows
    )


def _names(text: str) -> list[str]:
    return text.split(", ") if text else []


KINDS = _kinds()

# A score is no probability: CenterNet's authors draw what scores 0.3 or more,
# and so did we find it with the image letterboxed. Photographs without a car
# scored up to 0.21, recognizable cars 0.43 and more. So 0.30 becomes 90 percent,
# Rekognition's "sure enough" in this project, and what lies above and below
# spreads over straight lines that only rise. Measured: see docs/recognizer.md.
SCORES = (0.0, 0.10, 0.30, 0.60, 1.0)
PERCENTS = (0.0, 50.0, 90.0, 98.5, 100.0)

LEAST_PERCENT = 55.0
"""What Rekognition itself leaves out unless it is asked for more."""


def confidence_percent(score: float) -> float:
    """Return the confidence for a score; a higher score never gives a lower one."""
    return float(np.interp(score, SCORES, PERCENTS))


def to_labels(found: Iterable[Found]) -> dict[str, Any]:
    """Return what DetectLabels answers: a label a class, with every instance of it."""
    labels: dict[int, dict[str, Any]] = {}
    for thing in found:
        confidence = confidence_percent(thing.score)
        if confidence < LEAST_PERCENT:
            continue
        if thing.kind not in labels:
            labels[thing.kind] = _label(KINDS[thing.kind])
        label = labels[thing.kind]
        label["Confidence"] = max(label["Confidence"], confidence)
        label["Instances"].append({"BoundingBox": _box(thing.box), "Confidence": confidence})
    ordered = sorted(labels.values(), key=lambda label: -label["Confidence"])
    return {"Labels": ordered, "LabelModelVersion": MODEL_VERSION}


def _label(kind: Kind) -> dict[str, Any]:
    name, parents, aliases, category = kind
    return {
        "Name": name,
        "Confidence": 0.0,
        "Instances": [],
        "Parents": [{"Name": parent} for parent in parents],
        "Aliases": [{"Name": alias} for alias in aliases],
        "Categories": [{"Name": category}],
    }


def _box(box: Box) -> dict[str, float]:
    return {
        "Width": box.right - box.left,
        "Height": box.bottom - box.top,
        "Left": box.left,
        "Top": box.top,
    }
