"""DetectLabels: which of an image's labels a request gets.

Source: API reference, DetectLabels and GeneralLabelsSettings.
"""

from __future__ import annotations

from typing import Any

from emulator.rekognition.errors import InvalidParameterException

DEFAULT_MIN_CONFIDENCE = 55.0
GENERAL_LABELS = "GENERAL_LABELS"
IMAGE_PROPERTIES = "IMAGE_PROPERTIES"
MODEL_VERSION = "3.0"

Label = dict[str, Any]


def detect_labels(recorded: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Answer a request from what is known of the image."""
    features = request.get("Features") or [GENERAL_LABELS]
    settings = (request.get("Settings") or {}).get("GeneralLabels")
    response: dict[str, Any] = {}
    if GENERAL_LABELS in features:
        labels = with_parents(recorded.get("Labels") or [])
        least = request.get("MinConfidence")
        least = DEFAULT_MIN_CONFIDENCE if least is None else least
        labels = [label for label in labels if label.get("Confidence", 0.0) >= least]
        labels = [label for label in labels if _passes(label, settings or {})]
        labels.sort(key=lambda label: -label.get("Confidence", 0.0))
        most = request.get("MaxLabels")
        response["Labels"] = labels if most is None else labels[:most]
    elif settings is not None or any(
        request.get(name) is not None for name in ("MaxLabels", "MinConfidence")
    ):
        raise InvalidParameterException(
            "MaxLabels, MinConfidence and GeneralLabels need the feature GENERAL_LABELS"
        )
    if IMAGE_PROPERTIES in features:
        if "ImageProperties" not in recorded:
            raise InvalidParameterException(
                "IMAGE_PROPERTIES: the emulator has no such answer recorded for this image"
            )
        response["ImageProperties"] = recorded["ImageProperties"]
    response["LabelModelVersion"] = recorded.get("LabelModelVersion", MODEL_VERSION)
    return response


def with_parents(labels: list[Label]) -> list[Label]:
    """Add the parents that are no labels of their own yet, as sure as their surest child."""
    known = {label.get("Name") for label in labels}
    added: dict[str, Label] = {}
    for label in labels:
        for parent in label.get("Parents") or []:
            name = parent.get("Name", "")
            if name in known:
                continue
            confidence = label.get("Confidence", 0.0)
            if name not in added or added[name]["Confidence"] < confidence:
                added[name] = {
                    "Name": name,
                    "Confidence": confidence,
                    "Instances": [],
                    "Parents": [],
                    "Aliases": [],
                    "Categories": label.get("Categories") or [],
                }
    return [*labels, *added.values()]


def _passes(label: Label, settings: dict[str, Any]) -> bool:
    """Included by name or category (when any is to be included), and excluded by neither."""
    name = label.get("Name")
    categories = {category.get("Name") for category in label.get("Categories") or []}
    names_in = settings.get("LabelInclusionFilters") or []
    categories_in = settings.get("LabelCategoryInclusionFilters") or []
    if (names_in or categories_in) and not (
        name in names_in or categories.intersection(categories_in)
    ):
        return False
    excluded = settings.get("LabelCategoryExclusionFilters") or []
    return name not in (settings.get("LabelExclusionFilters") or []) and not (
        categories.intersection(excluded)
    )
