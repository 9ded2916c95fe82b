"""DetectText: which of an image's lines and words a request gets.

Source: API reference, DetectText, DetectionFilter and RegionOfInterest.
"""

from __future__ import annotations

from typing import Any

from emulator.rekognition.errors import InvalidParameterException
from emulator.rekognition.regions import share_inside

MAX_WORDS = 100
# Of a WordFilter that does not name it; without a WordFilter nothing is left out.
DEFAULT_FILTER_MIN_CONFIDENCE = 80.0
MODEL_VERSION = "carscribe-emulator"
"""Of an answer that names none: nobody has looked at the image."""

Detection = dict[str, Any]


def detect_text(recorded: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Answer a request from what is known of the image."""
    filters = request.get("Filters") or {}
    regions = filters.get("RegionsOfInterest") or []
    for index, region in enumerate(regions):
        if bool(region.get("BoundingBox")) == bool(region.get("Polygon")):
            raise InvalidParameterException(
                f"Filters.RegionsOfInterest[{index}]: give a BoundingBox or a Polygon, not both"
            )
    detections: list[Detection] = recorded.get("TextDetections") or []
    words = [d for d in detections if d.get("Type") == "WORD"]
    kept = [
        word
        for word in words
        if _passes(word, filters.get("WordFilter")) and _in_a_region(word, regions)
    ][:MAX_WORDS]
    kept_ids = {word.get("Id") for word in kept}
    lines_with_words = {word.get("ParentId") for word in words}
    lines_kept = {word.get("ParentId") for word in kept}

    def stays(detection: Detection) -> bool:
        """A line stays while one of its words does; one without words is judged as a word."""
        if detection.get("Type") == "WORD":
            return detection.get("Id") in kept_ids
        if detection.get("Id") in lines_with_words:
            return detection.get("Id") in lines_kept
        return _passes(detection, filters.get("WordFilter")) and _in_a_region(detection, regions)

    return {
        "TextDetections": [d for d in detections if stays(d)],
        "TextModelVersion": recorded.get("TextModelVersion", MODEL_VERSION),
    }


def _passes(word: Detection, word_filter: dict[str, Any] | None) -> bool:
    if word_filter is None:
        return True
    least = word_filter.get("MinConfidence")
    least = DEFAULT_FILTER_MIN_CONFIDENCE if least is None else least
    box = _box(word)
    return bool(
        word.get("Confidence", 0.0) >= least
        and box["Height"] >= (word_filter.get("MinBoundingBoxHeight") or 0.0)
        and box["Width"] >= (word_filter.get("MinBoundingBoxWidth") or 0.0)
    )


def _in_a_region(word: Detection, regions: list[dict[str, Any]]) -> bool:
    """More than half of it lies in one of the regions, where any is given."""
    return not regions or any(share_inside(_box(word), region) > 0.5 for region in regions)


def _box(word: Detection) -> dict[str, float]:
    box = (word.get("Geometry") or {}).get("BoundingBox") or {}
    return {name: float(box.get(name, 0.0)) for name in ("Left", "Top", "Width", "Height")}
