"""Answers are found by the SHA-256 of the image's bytes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from emulator.rekognition import answers
from emulator.rekognition.answers import Answers, AnswersError

if TYPE_CHECKING:
    from pathlib import Path

CAR = {"DetectLabels": {"Labels": [{"Name": "Car", "Confidence": 98.5}]}}


def put(folder: Path, image: str, answer: str, value: Any, data: bytes = b"image") -> str:
    """Write an image and its answer; return the image's SHA-256."""
    (folder / image).parent.mkdir(parents=True, exist_ok=True)
    (folder / answer).parent.mkdir(parents=True, exist_ok=True)
    (folder / image).write_bytes(data)
    text = value if isinstance(value, str) else json.dumps(value)
    (folder / answer).write_text(text)
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("image", "answer"),
    [
        ("2.jpg", "answers/2.jpg.json"),
        ("a/2.jpg", "a/answers/2.jpg.json"),
        ("a/2.jpg", "answers/a/2.jpg.json"),
        ("ü 1%.PNG", "answers/ü 1%.PNG.json"),
    ],
)
def test_the_answer_lies_in_answers_beside_the_image_or_at_the_top(
    tmp_path: Path, image: str, answer: str
) -> None:
    """Both places of an answer are found, also for folders below and odd names."""
    sha256 = put(tmp_path, image, answer, CAR)
    assert Answers(tmp_path).find(sha256, image) == CAR


def test_an_image_without_an_answer_shows_nothing_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No answer means no labels and no text, and one line in the log."""
    known = Answers(tmp_path)
    assert known.find("0" * 64, "x.jpg") == {}
    assert known.find("0" * 64, "x.jpg") == {}
    assert [record.message for record in caplog.records].count(
        f"no answer for x.jpg (SHA-256 {'0' * 64}): no labels, no text"
    ) == 1


def test_answers_that_come_later_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file added, or changed, after the start counts."""
    monkeypatch.setattr(answers, "RESCAN_SECONDS", 0.0)
    known = Answers(tmp_path)
    sha256 = put(tmp_path, "2.jpg", "answers/2.jpg.json", CAR)
    assert known.find(sha256, "2.jpg") == CAR
    put(tmp_path, "2.jpg", "answers/2.jpg.json", {"DetectText": {}})
    known.rescan()
    assert known.find(sha256, "2.jpg") == {"DetectText": {}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "expected"),
        ('{"DetectFaces": {}}', "expected"),
        ('{"DetectLabels": {"Labels": [{"Confidence": 101}]}}', "Labels[0].Confidence: 101"),
        ('{"DetectLabels": {"Labels": [{"Confidence": "98"}]}}', "expected a number"),
        ('{"DetectText": {"TextDetections": [{"Type": "PAGE"}]}}', "none of LINE, WORD"),
        ('{"DetectText": {"Texts": []}}', "DetectText.Texts: not known here"),
        ('{"DetectText": []}', "expected an object"),
    ],
)
def test_an_unusable_answer_is_named_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    """At the start a file that is not as the API returns it is an error that names it."""
    put(tmp_path, "2.jpg", "answers/2.jpg.json", text)
    with pytest.raises(AnswersError) as caught:
        Answers(tmp_path)
    assert str(tmp_path / "answers" / "2.jpg.json") in str(caught.value)
    assert said in str(caught.value)


def test_an_unusable_answer_that_comes_later_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While the emulator runs, a bad file is an error in the log, and no answer."""
    known = Answers(tmp_path)
    sha256 = put(tmp_path, "2.jpg", "answers/2.jpg.json", "{")
    known.rescan()
    assert known.find(sha256, "2.jpg") == {}
    assert "2.jpg.json: is no JSON" in caplog.text


def test_what_boto3_adds_is_accepted(tmp_path: Path) -> None:
    """An answer recorded through boto3 keeps working: ResponseMetadata is left out."""
    value = {"DetectText": {"TextDetections": [], "ResponseMetadata": {"HTTPStatusCode": 200}}}
    sha256 = put(tmp_path, "2.jpg", "answers/2.jpg.json", value)
    assert Answers(tmp_path).find(sha256, "2.jpg") == {"DetectText": {"TextDetections": []}}
