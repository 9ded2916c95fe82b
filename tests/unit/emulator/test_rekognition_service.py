"""From a request's body to the answer's: every way in which an image may be brought."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from emulator.messages import Request
from emulator.rekognition.answers import Answers
from emulator.rekognition.service import Rekognition

if TYPE_CHECKING:
    from pathlib import Path


def picture(side: int = 90) -> bytes:
    """Draw a PNG whose Base64 has slashes, which some clients escape."""
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 90).save(buffer, "PNG")
    return buffer.getvalue()


def record(folder: Path, data: bytes, text: str) -> None:
    """Record that a text is on a picture."""
    (folder / "answers").mkdir(exist_ok=True)
    (folder / "1.png").write_bytes(data)
    found = {"DetectedText": text, "Type": "LINE", "Id": 0, "Confidence": 99.0}
    answer = {"DetectText": {"TextDetections": [found], "TextModelVersion": "3.0"}}
    (folder / "answers" / "1.png.json").write_text(json.dumps(answer))


def ask(rekognition: Rekognition, body: bytes) -> Any:
    """Ask for the text of an image."""
    return json.loads(rekognition.answer("DetectText", Request("POST", "/", body=body)).body)


def written(data: bytes) -> dict[str, bytes]:
    """Write the same request in several ways, as clients do."""
    text = base64.b64encode(data).decode()
    assert "/" in text
    return {
        "with blanks": json.dumps({"Image": {"Bytes": text}}).encode(),
        "without": json.dumps({"Image": {"Bytes": text}}, separators=(",", ":")).encode(),
        "escaped": json.dumps({"Image": {"Bytes": text}}).replace("/", "\\/").encode(),
        "broken": json.dumps({"Image": {"Bytes": text}}, indent=1).encode(),
        "with more": json.dumps({"Image": {"Bytes": text}, "Filters": {}}).encode(),
        "in another order": json.dumps({"Filters": {}, "Image": {"Bytes": text}}).encode(),
    }


def test_an_image_may_be_written_in_any_way(tmp_path: Path) -> None:
    """However a client writes its JSON, the same bytes have the same text."""
    data = picture()
    record(tmp_path, data, "GO 77")
    rekognition = Rekognition(Answers(tmp_path))
    for way, body in written(data).items():
        found = ask(rekognition, body).get("TextDetections")
        assert found, way
        assert found[0]["DetectedText"] == "GO 77"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"Image": {"Bytes": "no*base64"}}', "SerializationException"),
        ('{"Image": {"Bytes": "nö"}}'.encode(), "SerializationException"),
        (b'{"Image": {"Bytes": "QUJD", "x": "QUJD"}}', "InvalidParameterException"),
        (b'{"Image": {"Bytes": "QUJD"}}', "InvalidImageFormatException"),
        (b'{"Image": {"Bytes": 5}}', "InvalidParameterException"),
        (b'{"Image": {}}', "InvalidParameterException"),
        (b"\xff", "SerializationException"),
    ],
)
def test_what_is_no_image_has_its_error(body: bytes, code: str) -> None:
    """What stands between the ends of the commonest request is looked at as well."""
    assert ask(Rekognition(Answers(None)), body)["__type"] == code


def test_an_answer_that_changes_is_told_at_once(tmp_path: Path) -> None:
    """What was said before is not said again when another answer is recorded."""
    data = picture()
    told = []
    record(tmp_path, data, "GO 77")
    answers = Answers(tmp_path)
    rekognition = Rekognition(answers)
    body = written(data)["without"]
    for text in ("GO 77", "GO 78 X"):
        record(tmp_path, data, text)
        answers.rescan()
        told += [ask(rekognition, body), ask(rekognition, body)]
    said = [each["TextDetections"][0]["DetectedText"] for each in told]
    assert said == ["GO 77", "GO 77", "GO 78 X", "GO 78 X"]


def test_options_tell_answers_apart(tmp_path: Path) -> None:
    """The same image asked about with a filter and without has two answers."""
    data = picture()
    record(tmp_path, data, "GO 77")
    rekognition = Rekognition(Answers(tmp_path))
    text = base64.b64encode(data).decode()
    sure = {"WordFilter": {"MinConfidence": 99.5}}
    for filters, count in ((None, 1), (sure, 0), (None, 1), (sure, 0)):
        asked = {"Image": {"Bytes": text}} | ({"Filters": filters} if filters else {})
        assert len(ask(rekognition, json.dumps(asked).encode())["TextDetections"]) == count
