"""Rekognition's answers about the generated images, as the images' seed says."""

import time
from functools import lru_cache
from typing import Any

from benchmarks.images import Images
from emulator.messages import Request
from emulator.rekognition.answers import Answers
from emulator.rekognition.errors import (
    ImageTooLargeException,
    InvalidImageFormatException,
    InvalidS3ObjectException,
)
from emulator.rekognition.images import MAX_BYTES_IN_REQUEST
from emulator.rekognition.service import Rekognition


def box(left: float, top: float, width: float, height: float) -> dict[str, float]:
    """Return a bounding box."""
    return {"Width": width, "Height": height, "Left": left, "Top": top}


TEXT_PLACE = {
    "BoundingBox": box(0.2, 0.5, 0.3, 0.1),
    "Polygon": [
        {"X": 0.2, "Y": 0.5},
        {"X": 0.5, "Y": 0.5},
        {"X": 0.5, "Y": 0.6},
        {"X": 0.2, "Y": 0.6},
    ],
}


@lru_cache(maxsize=5_000)
def labels(confidence: float | None) -> dict[str, Any]:
    """Return all labels of an image, with a car of this confidence or without one."""
    if confidence is None:
        tree = {"Parents": [], "Aliases": [], "Categories": [{"Name": "Plants"}]}
        return {"Labels": [{"Name": "Tree", "Confidence": 77.0, "Instances": [], **tree}]}
    vehicles = [{"Name": "Vehicles and Automotive"}]
    car = {
        "Name": "Car",
        "Confidence": confidence,
        "Instances": [{"BoundingBox": box(0.1, 0.2, 0.5, 0.4), "Confidence": confidence - 0.5}],
        "Parents": [{"Name": "Transportation"}, {"Name": "Vehicle"}],
        "Aliases": [{"Name": "Automobile"}],
        "Categories": vehicles,
    }
    return {"Labels": [car]}


@lru_cache(maxsize=5_000)
def text(index: int) -> dict[str, Any]:
    """Return the text of an image: a line of two words."""
    words = [f"CAR{index:05d}", "AB"]
    line = {"DetectedText": " ".join(words), "Type": "LINE", "Id": 0}
    found = [{**line, "Confidence": 97.25, "Geometry": TEXT_PLACE}]
    for number, word in enumerate(words, start=1):
        detection = {"DetectedText": word, "Type": "WORD", "Id": number, "ParentId": 0}
        found.append({**detection, "Confidence": 97.0 + number / 4, "Geometry": TEXT_PLACE})
    return {"TextDetections": found}


class GeneratedRekognition(Rekognition):
    """Rekognition that knows the generated images without reading them."""

    def __init__(self, images: Images, bucket: str) -> None:
        super().__init__(Answers(None))
        self.images, self.bucket = images, bucket
        self.answered: dict[str, dict[int, float]] = {"DetectLabels": {}, "DetectText": {}}
        """By operation, when each image was answered, in seconds since the epoch."""

    def known(self, operation: str, image: dict[str, Any], request: Request) -> dict[str, Any]:
        """Return what there is to say of an image."""
        del request
        index = self._index(image)
        self.answered[operation][index] = time.time()
        return (
            labels(self.images.confidences[index]) if operation == "DetectLabels" else text(index)
        )

    def _index(self, image: dict[str, Any]) -> int:
        place = image.get("S3Object")
        if place is None:
            data = image["Bytes"]
            if len(data) > MAX_BYTES_IN_REQUEST:
                raise ImageTooLargeException
            index = self.images.index_of_data(data)
            if index is None:
                raise InvalidImageFormatException
            return index
        index = self.images.index(place.get("Name", ""))
        if place.get("Bucket") != self.bucket or index is None:
            raise InvalidS3ObjectException
        return index
