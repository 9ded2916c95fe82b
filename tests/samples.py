"""Images, answers and requests that tests of several kinds share."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

BUCKET = "photos"


def picture(kind: str = "JPEG", width: int = 100, height: int = 100, tint: int = 0) -> bytes:
    """Draw a picture with some content; each tint has other bytes."""
    image = Image.radial_gradient("L").resize((width, height)).point(lambda v: (v + tint) % 256)
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()


def box(left: float, top: float, width: float, height: float) -> dict[str, Any]:
    """Make the geometry of a rectangle as the API returns it."""
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    return {
        "BoundingBox": {"Left": left, "Top": top, "Width": width, "Height": height},
        "Polygon": [{"X": x, "Y": y} for x, y in corners],
    }


def label(name: str, confidence: float, category: str, *parents: str) -> dict[str, Any]:
    """Make a label as the API returns it."""
    return {
        "Name": name,
        "Confidence": confidence,
        "Instances": [],
        "Parents": [{"Name": parent} for parent in parents],
        "Aliases": [],
        "Categories": [{"Name": category}],
    }


def text(number: int, value: str, confidence: float, where: dict[str, Any], **more: int) -> Any:
    """Make a line, or with ParentId a word, as the API returns it."""
    return {
        "DetectedText": value,
        "Type": "WORD" if "ParentId" in more else "LINE",
        "Id": number,
        "Confidence": confidence,
        "Geometry": where,
        **more,
    }


LEFT, RIGHT = box(0.1, 0.1, 0.2, 0.1), box(0.6, 0.6, 0.2, 0.05)
ANSWER = {
    "DetectLabels": {
        "LabelModelVersion": "3.0",
        "Labels": [
            label("Car", 98.5, "Vehicles and Automotive", "Transportation", "Vehicle"),
            label("Cardboard", 90.0, "Materials"),
            label("Road", 55.0, "Public Spaces"),
            label("Tree", 54.9, "Plants and Flowers"),
        ],
    },
    "DetectText": {
        "TextModelVersion": "3.0",
        "TextDetections": [
            text(0, "GO 77", 95.0, LEFT),
            text(1, "sale", 17.0, RIGHT),
            text(2, "GO", 97.0, LEFT, ParentId=0),
            text(3, "77", 80.0, LEFT, ParentId=0),
            text(4, "sale", 17.0, RIGHT, ParentId=1),
        ],
    },
}
CAR = ["Car", "Transportation", "Vehicle"]

# What is asked of the sample image, and the names or ids that must come back.
LABEL_REQUESTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "default confidence": ({}, [*CAR, "Cardboard", "Road"]),
    "inclusive confidence": ({"MinConfidence": 90.0}, [*CAR, "Cardboard"]),
    "above": ({"MinConfidence": 90.01}, CAR),
    "max labels": ({"MaxLabels": 1}, ["Car"]),
    "features": ({"Features": ["GENERAL_LABELS"], "MaxLabels": 1}, ["Car"]),
    "label in": (
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Car"]}}},
        ["Car"],
    ),
    "label out": (
        {"Settings": {"GeneralLabels": {"LabelExclusionFilters": ["Car", "Road"]}}},
        ["Transportation", "Vehicle", "Cardboard"],
    ),
    "category in": (
        {"Settings": {"GeneralLabels": {"LabelCategoryInclusionFilters": ["Materials"]}}},
        ["Cardboard"],
    ),
    "category out": (
        {
            "Settings": {
                "GeneralLabels": {"LabelCategoryExclusionFilters": ["Vehicles and Automotive"]}
            }
        },
        ["Cardboard", "Road"],
    ),
}
TEXT_REQUESTS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "no filter": ({}, [0, 1, 2, 3, 4]),
    "confidence": ({"Filters": {"WordFilter": {"MinConfidence": 80.01}}}, [0, 2]),
    "height": (
        {"Filters": {"WordFilter": {"MinConfidence": 0, "MinBoundingBoxHeight": 0.06}}},
        [0, 2, 3],
    ),
    "width": ({"Filters": {"WordFilter": {"MinConfidence": 0, "MinBoundingBoxWidth": 0.3}}}, []),
    "region": (
        {"Filters": {"RegionsOfInterest": [{"BoundingBox": RIGHT["BoundingBox"]}]}},
        [1, 4],
    ),
    "polygon": ({"Filters": {"RegionsOfInterest": [{"Polygon": LEFT["Polygon"]}]}}, [0, 2, 3]),
}

# Content, and the error that both operations have for it.
BAD_IMAGES: dict[str, tuple[bytes, str]] = {
    "a GIF named .jpg": (picture("GIF"), "InvalidImageFormatException"),
    "text": (b"no image at all", "InvalidImageFormatException"),
    "a JPEG cut off": (picture()[:700], "InvalidImageFormatException"),
    "a PNG cut off": (picture("PNG")[:700], "InvalidImageFormatException"),
    "79 px": (picture("PNG", 79, 100), "InvalidParameterException"),
    "10,001 px": (picture("PNG", 10_001, 80), "ImageTooLargeException"),
}
