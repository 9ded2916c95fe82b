"""The emulator with a recognizer: which requests reach it, and how its answers go out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from emulator import admin
from emulator.faults import Faults
from emulator.recognizer.boxes import Box
from emulator.recognizer.detector import Found
from emulator.recognizer.labels import to_labels
from emulator.recognizer.text import Piece, join, to_detections
from emulator.secret import Secret
from emulator.server import Emulator
from emulator.shapes import output_problems
from tests import signing

if TYPE_CHECKING:
    from pathlib import Path


class MadeUp:
    """Sees two cars and a word, or is too busy."""

    def __init__(self, *, busy: bool = False) -> None:
        self.asked: list[tuple[str, str]] = []
        self._busy = busy

    def close(self) -> None:
        """Have nothing to end."""

    def recognize(self, operation: str, data: bytes) -> dict[str, Any] | None:
        """Answer as the real recognizer does."""
        self.asked.append((operation, hashlib.sha256(data).hexdigest()))
        if self._busy:
            return None
        if operation == "DetectLabels":
            box = Box(0.1, 0.2, 0.3, 0.4)
            return to_labels([Found(2, 0.5, box), Found(2, 0.2, box), Found(0, 0.2, box)])
        return to_detections(
            join([Piece("GO 77", 0.95, ((0, 0), (9, 0), (9, 9), (0, 9)))]), 100, 100
        )


def picture(tint: int) -> bytes:
    """Draw a picture; each tint has other bytes."""
    data = io.BytesIO()
    Image.new("L", (80, 80), tint).save(data, "PNG")
    return data.getvalue()


def ask(front: Emulator, operation: str, image: bytes, **parameters: Any) -> tuple[int, Any]:
    """Make a request; return the status and the body."""
    body = {"Image": {"Bytes": base64.b64encode(image).decode()}, **parameters}
    request = signing.rekognition(front.secret, operation, json.dumps(body).encode())
    answer = signing.answer(front, request)
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("operation", ["DetectLabels", "DetectText"])
def test_what_is_recognized_goes_out_as_the_services_answer(operation: str) -> None:
    """For an image without a recorded answer, and valid by botocore's model."""
    recognizer, image = MadeUp(), picture(1)
    status, answer = ask(
        Emulator(None, "us-east-1", Faults(), secret=Secret(), recognizer=recognizer),
        operation,
        image,
    )
    assert status == 200
    assert output_problems(operation, answer) == []
    assert recognizer.asked == [(operation, hashlib.sha256(image).hexdigest())]
    names = [label["Name"] for label in answer.get("Labels", [])]
    texts = [found["DetectedText"] for found in answer.get("TextDetections", [])]
    if operation == "DetectLabels":
        assert names[0] == "Car"
        assert {"Transportation", "Vehicle", "Person"} <= set(names)
    else:
        assert texts == ["GO 77", "GO", "77"]


def test_a_requests_own_limits_hold_for_the_recognizer_too() -> None:
    """What is less sure than asked for is left out, as from a recorded answer."""
    front = Emulator(None, "us-east-1", Faults(), secret=Secret(), recognizer=MadeUp())
    _, answer = ask(front, "DetectLabels", picture(1), MinConfidence=90, MaxLabels=1)
    assert [label["Name"] for label in answer["Labels"]] == ["Car"]


@pytest.mark.parametrize("operation", ["DetectLabels", "DetectText"])
def test_a_recorded_answer_goes_first(tmp_path: Path, operation: str) -> None:
    """Also when it says that there is nothing, or nothing of the other operation."""
    (tmp_path / "answers").mkdir()
    (tmp_path / "1.png").write_bytes(picture(1))
    recorded: Any = {"DetectLabels": {"Labels": []}}
    (tmp_path / "answers" / "1.png.json").write_text(json.dumps(recorded))
    recognizer = MadeUp()
    front = Emulator(tmp_path, "us-east-1", Faults(), secret=Secret(), recognizer=recognizer)
    _, answer = ask(front, operation, picture(1))
    assert not answer.get("Labels")
    assert not answer.get("TextDetections")
    assert recognizer.asked == []
    ask(front, operation, picture(2))
    assert len(recognizer.asked) == 1


def test_a_busy_recognizer_slows_its_caller_down() -> None:
    """The answer is Rekognition's for too many requests, which the workers' rate limiter heeds."""
    front = Emulator(None, "us-east-1", Faults(), secret=Secret(), recognizer=MadeUp(busy=True))
    status, answer = ask(front, "DetectText", picture(1))
    assert (status, answer["__type"]) == (400, "ThrottlingException")


def test_an_image_that_rekognition_refuses_is_not_recognized() -> None:
    """The emulator judges the bytes first."""
    recognizer = MadeUp()
    status, answer = ask(
        Emulator(None, "us-east-1", Faults(), secret=Secret(), recognizer=recognizer),
        "DetectText",
        b"no image",
    )
    assert (status, answer["__type"]) == (400, "InvalidImageFormatException")
    assert recognizer.asked == []


@pytest.mark.parametrize("recognizer", [None, MadeUp()])
def test_it_can_be_asked_whether_there_is_a_recognizer(recognizer: MadeUp | None) -> None:
    """Who asked for one does not know otherwise whether it could be loaded, and what was not seen."""
    front = Emulator(None, "us-east-1", Faults(), secret=Secret(), recognizer=recognizer)
    for operation in ("DetectLabels", "DetectText"):
        ask(front, operation, picture(1))
    request = signing.request("GET", "/_carscribe/recognizer")
    answer = asyncio.run(admin.answer(front, request))
    loaded = recognizer is not None
    assert json.loads(answer.body) == {"loaded": loaded, "unseen": 0 if loaded else 1}
