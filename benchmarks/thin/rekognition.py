"""DetectLabels and DetectText, each with its quota and latency."""

import asyncio
import base64
import binascii
import json
import random
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.thin.counts import Counts
from benchmarks.thin.http import Request
from benchmarks.images import Images
from emulator.quota import Latency, Schedule, TokenBucket

JSON_11 = "Content-Type: application/x-amz-json-1.1\r\n"
BYTES_MAX = 5 * 1024 * 1024
CONFIDENCE_MIN = 55.0  # of DetectLabels, where the caller names none
THROTTLED = (
    ("ProvisionedThroughputExceededException", "Provisioned rate exceeded"),
    ("ThrottlingException", "Rate exceeded"),
)
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"


class Refused(Exception):  # noqa: N818  it is the service's answer, not a fault of ours
    """An error that the service answers."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code, self.message, self.status = code, message, status


@dataclass(frozen=True)
class Behavior:
    """How one operation behaves."""

    schedule: Schedule
    latency_median_seconds: float = 0.0
    latency_p99_seconds: float | None = None
    burst_seconds: float = 1.0


def box(left: float, top: float, width: float, height: float) -> dict[str, float]:
    """Return a bounding box."""
    return {"Width": width, "Height": height, "Left": left, "Top": top}


def labels(
    confidence: float | None, wanted: list[str] | None, confidence_min: float
) -> dict[str, Any]:
    """Return the answer of DetectLabels for one image."""
    found: list[dict[str, Any]] = []
    if confidence is not None:
        found = [
            {
                "Name": "Car",
                "Confidence": confidence,
                "Instances": [
                    {"BoundingBox": box(0.1, 0.2, 0.5, 0.4), "Confidence": confidence - 0.5}
                ],
                "Parents": [{"Name": "Transportation"}, {"Name": "Vehicle"}],
                "Aliases": [{"Name": "Automobile"}],
                "Categories": [{"Name": "Vehicles and Automotive"}],
            }
        ]
    found.append(
        {
            "Name": "Vehicle" if confidence else "Tree",
            "Confidence": confidence or 77.0,
            "Instances": [],
            "Parents": [],
            "Aliases": [],
            "Categories": [{"Name": "Vehicles and Automotive" if confidence else "Plants"}],
        }
    )
    found = [
        label
        for label in found
        if label["Confidence"] >= confidence_min and (wanted is None or label["Name"] in wanted)
    ]
    return {"Labels": found, "LabelModelVersion": "3.0"}


def text(index: int) -> dict[str, Any]:
    """Return the answer of DetectText for one image: a line of two words."""
    words = [f"CAR{index:05d}", "AB"]
    geometry = {
        "BoundingBox": box(0.2, 0.5, 0.3, 0.1),
        "Polygon": [
            {"X": 0.2, "Y": 0.5},
            {"X": 0.5, "Y": 0.5},
            {"X": 0.5, "Y": 0.6},
            {"X": 0.2, "Y": 0.6},
        ],
    }
    line = {"DetectedText": " ".join(words), "Type": "LINE", "Id": 0}
    found = [{**line, "Confidence": 97.25, "Geometry": geometry}]
    for number, word in enumerate(words, start=1):
        detection = {"DetectedText": word, "Type": "WORD", "Id": number, "ParentId": 0}
        found.append({**detection, "Confidence": 97.0 + number / 4, "Geometry": geometry})
    return {"TextDetections": found, "TextModelVersion": "3.0"}


class Rekognition:
    """The service; it answers what the images' seed says."""

    def __init__(
        self, images: Images, bucket: str, behaviors: dict[str, Behavior], counts: Counts, seed: int
    ) -> None:
        self.images = images
        self.bucket = bucket
        self.counts = counts
        self.buckets = {
            name: TokenBucket(each.schedule, each.burst_seconds) for name, each in behaviors.items()
        }
        self.latencies = {
            name: Latency(
                each.latency_median_seconds,
                each.latency_p99_seconds,
                random.Random(f"{seed}:{name}"),
            )
            for name, each in behaviors.items()
        }
        self.dice = random.Random(seed)
        self.answered: dict[str, dict[int, float]] = {name: {} for name in behaviors}

    def handle(self, operation: str, request: Request) -> None:
        """Answer one call, after its latency."""
        seen = self.counts[f"rekognition.{operation}"]
        seen.begin()
        loop = asyncio.get_running_loop()
        if operation not in self.buckets:
            self._refuse(request, Refused("UnknownOperationException", operation))
            seen.end("errors")
            return
        if not self.buckets[operation].take(loop.time()):
            code, message = self.dice.choice(THROTTLED)
            self._refuse(request, Refused(code, message))
            seen.end("throttled")
            return

        seen.admit()

        def answer() -> None:
            try:
                index, body = self._answer(operation, json.loads(request.body))
            except Refused as refused:
                self._refuse(request, refused)
                seen.end("errors")
            else:
                self.answered[operation][index] = time.time()
                seen.end("ok")
                request.reply(json.dumps(body).encode(), JSON_11)

        latency = self.latencies[operation].draw()
        if latency > 0:
            loop.call_later(latency, answer)
        else:
            answer()

    def _answer(self, operation: str, parameters: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        index = self._image(parameters.get("Image", {}))
        if operation == "DetectText":
            return index, text(index)
        settings = parameters.get("Settings", {}).get("GeneralLabels", {})
        return index, labels(
            self.images.confidences[index],
            settings.get("LabelInclusionFilters"),
            parameters.get("MinConfidence", CONFIDENCE_MIN),
        )

    def _image(self, image: dict[str, Any]) -> int:
        if "Bytes" in image:
            return self._image_of_bytes(image["Bytes"])
        place = image.get("S3Object")
        if place is None:
            raise Refused("InvalidParameterException", "Request has invalid parameters")
        index = self.images.index(place.get("Name", ""))
        if place.get("Bucket") != self.bucket or index is None:
            raise Refused(
                "InvalidS3ObjectException",
                "Unable to get object metadata from S3. "
                "Check object key, region and/or access permissions.",
            )
        return index

    def _image_of_bytes(self, encoded: str) -> int:
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise Refused("SerializationException", "not base64") from error
        if len(data) > BYTES_MAX:
            raise Refused("ImageTooLargeException", "Image size is too large")
        if not data.startswith((JPEG, PNG)):
            raise Refused("InvalidImageFormatException", "Request has invalid image format")
        index = self.images.index_of_data(data)
        if index is None:
            raise Refused("InvalidImageFormatException", "Request has invalid image format")
        return index

    @staticmethod
    def _refuse(request: Request, refused: Refused) -> None:
        body = json.dumps({"__type": refused.code, "Message": refused.message}).encode()
        request.reply(body, JSON_11, refused.status)
