"""One image: as bytes or by reference, as it was listed or not at all."""

from __future__ import annotations

import io
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from botocore.response import StreamingBody

from carscribe_common import aws
from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.picture import ByteBudget
from carscribe_worker_b.settings import SettingsB
from carscribe_worker_b.text_detection import TextResult, detect_text
from tests.unit.common.test_errors import answer
from tests.unit.fake_aws import Service, caller, regions
from tests.unit.worker_b.conftest import ETAG, car

if TYPE_CHECKING:
    from pathlib import Path

    from carscribe_common.protocol import Car

LIMIT = 10
"""Pictures up to so many bytes are downloaded here."""

LINE = {"DetectedText": "GO 77", "Type": "LINE", "Id": 0, "Confidence": 99.0, "Geometry": {}}
HEAD = {"ETag": ETAG, "LastModified": "today", "ContentLength": 3}
REFERENCE = {"S3Object": {"Bucket": "photos", "Name": "1.jpg"}}
CHANGED = "changed", "it was replaced while the run was going on"


def detections(*found: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of DetectText."""
    return {"TextDetections": list(found)}


def content(data: bytes, length: int | None = None) -> dict[str, Any]:
    """Return an answer of GetObject."""
    size = len(data) if length is None else length
    return {"Body": StreamingBody(io.BytesIO(data), size), "ContentLength": size}


@pytest.fixture
def settings(tmp_path: Path) -> SettingsB:
    """Settings with a low limit."""
    return SettingsB(
        run_id="run-1",
        bucket="photos",
        queue_url="http://queue",
        region="us-east-1",
        state_dir=tmp_path,
        text_download_max_bytes=LIMIT,
    )


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing between two tries."""
    monkeypatch.setattr(aws, "FIRST_PAUSE_SECONDS", 0.0)


def detect(
    settings: SettingsB,
    of: Car,
    *,
    works: bool = True,
    **answers: list[Any],
) -> tuple[TextResult, Service]:
    """Have an image read by a service that answers this, and all of it; return what it was asked."""
    written = {operation: list(said) for operation, said in answers.items()}
    service = Service(**answers)
    call, _ = caller(service, works=works)
    found = detect_text(regions(call), settings, ByteBudget(LIMIT), of)
    assert len(service.asked) == sum(map(len, written.values())), "something was not asked for"
    return found, service


def test_another_region_gets_the_bytes_of_a_large_picture_too(settings: SettingsB) -> None:
    """Downloaded as it was listed, so that there is nothing to look at before or after."""
    service = Service(
        get_object=[content(b"x" * 11)],
        detect_text=[detections(LINE) | {"TextModelVersion": "3.1"}],
    )
    call, _ = caller(service)
    both = regions(call, {"us-east-1": 50.0, "us-west-2": 50.0})
    both.home.in_flight = both.home.cap - 1
    found = detect_text(both, settings, ByteBudget(2 * LIMIT), car(1, size=LIMIT + 1))
    assert (found.line, found.failure) == ("GO 77", None)
    assert (found.region, found.model, found.bytes_elsewhere) == ("us-west-2", "3.1", 11)
    assert [operation for operation, _ in service.asked] == ["get_object", "detect_text"]


@pytest.mark.parametrize("member", [*LINE])
def test_a_detection_without_one_of_its_members_stops_nothing(
    settings: SettingsB, member: str
) -> None:
    """Rekognition's model promises none of them; what it does not give does not count."""
    lacks = {name: value for name, value in LINE.items() if name != member}
    found, _ = detect(
        settings,
        car(1, size=LIMIT),
        get_object=[content(b"x" * LIMIT)],
        detect_text=[detections(lacks, LINE | {"DetectedText": "TAXI", "Id": 1})],
    )
    counts = member in {"Id", "Geometry"}
    assert (found.line, found.failure) == ("GO 77 | TAXI" if counts else "TAXI", None)
    assert found.text is not None
    assert [item["text"] for item in found.text] == [lacks.get("DetectedText", ""), "TAXI"]


def test_a_small_picture_is_passed_as_bytes(settings: SettingsB) -> None:
    """Downloaded as it was listed, with no look at it before or after."""
    found, service = detect(
        settings,
        car(1, size=LIMIT),
        get_object=[content(b"x" * LIMIT)],
        detect_text=[detections(LINE)],
    )
    assert service.asked == [
        ("get_object", {"Bucket": "photos", "Key": "1.jpg", "IfMatch": ETAG}),
        ("detect_text", {"Image": {"Bytes": b"x" * LIMIT}}),
    ]
    assert (found.line, found.failure, found.billed) == ("GO 77", None, True)


def test_a_large_picture_is_passed_by_reference(settings: SettingsB) -> None:
    """From one byte above the limit on, between two looks at the object."""
    found, service = detect(
        settings,
        car(1, size=LIMIT + 1),
        head_object=[HEAD, HEAD],
        detect_text=[detections(LINE)],
    )
    look = ("head_object", {"Bucket": "photos", "Key": "1.jpg"})
    assert service.asked == [look, ("detect_text", {"Image": REFERENCE}), look]
    assert (found.line, found.billed) == ("GO 77", True)


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1])
def test_the_size_that_a_message_does_not_say(settings: SettingsB, size: int) -> None:
    """Older programs send none: the first look says it, and serves for the one before."""
    head = HEAD | {"ContentLength": size}
    answers: dict[str, list[Any]] = (
        {"head_object": [head], "get_object": [content(b"x" * size)]}
        if size == LIMIT
        else {"head_object": [head, head]}
    )
    answers["detect_text"] = [detections(LINE)]
    found, _ = detect(settings, car(1, size=None), works=True, **answers)
    assert found.line == "GO 77"


@pytest.mark.parametrize(
    "after",
    [
        HEAD | {"ETag": '"other"'},
        HEAD | {"LastModified": "tomorrow"},
        HEAD | {"VersionId": "2"},
        {"ETag": ETAG, "ContentLength": 3},
    ],
)
def test_a_reference_to_what_was_replaced(settings: SettingsB, after: dict[str, Any]) -> None:
    """The same content written again counts, too: what Rekognition read is not known."""
    found, _ = detect(
        settings,
        car(1, size=LIMIT + 1),
        head_object=[HEAD, after],
        detect_text=[detections(LINE)],
    )
    assert found.failure == dict(zip(("reason", "detail"), CHANGED, strict=True))
    assert (found.text, found.line, found.billed) == (None, None, True)


def test_what_was_replaced_before_is_not_asked_about(settings: SettingsB) -> None:
    """No call is paid for an object that is another one already."""
    found, _ = detect(settings, car(1, size=LIMIT + 1), head_object=[HEAD | {"ETag": '"other"'}])
    assert found.failure is not None
    assert (found.failure["reason"], found.billed) == ("changed", False)


@pytest.mark.parametrize(
    ("size", "body", "reason"),
    [
        (3, content(b"x" * LIMIT), "changed"),  # more than memory was taken for
        (3, answer("PreconditionFailed", 412), "changed"),
        (3, answer("NoSuchKey", 404), "gone"),
        (0, content(b""), "invalid-image"),
    ],
)
def test_what_cannot_be_downloaded(settings: SettingsB, size: int, body: Any, reason: str) -> None:
    """Is that image's failure, and not asked about."""
    found, _ = detect(settings, car(1, size=size), get_object=[body])
    assert found.failure is not None
    assert (found.failure["reason"], found.text, found.billed) == (reason, None, False)


def test_a_download_that_is_cut_off_is_made_again(settings: SettingsB) -> None:
    """Half a picture is none."""
    found, _ = detect(
        settings,
        car(1),
        get_object=[content(b"x", 3), content(b"xyz")],
        detect_text=[detections(LINE)],
    )
    assert found.line == "GO 77"


def test_what_rekognition_refuses(settings: SettingsB) -> None:
    """Not a picture: that image's failure with the service's words, and not paid for."""
    found, _ = detect(
        settings,
        car(1),
        get_object=[content(b"xyz")],
        detect_text=[answer("InvalidImageFormatException", 400)],
    )
    assert found.failure is not None
    assert (found.failure["reason"], found.billed) == ("invalid-image", False)


def test_an_archived_picture(settings: SettingsB) -> None:
    """The object's own state decides what Rekognition's unclear answer means."""
    archived = HEAD | {"StorageClass": "GLACIER"}
    found, _ = detect(
        settings,
        car(1, size=LIMIT + 1),
        works=False,
        head_object=[archived, archived],
        detect_text=[answer("InvalidS3ObjectException", 400)],
    )
    assert found.failure is not None
    assert found.failure["reason"] == "archived"


def test_a_look_is_no_sign_that_rekognition_may_read(settings: SettingsB) -> None:
    """Where nothing was read yet, a reference that is refused is the set-up's fault."""
    with pytest.raises(WorkerExit) as end:
        detect(
            settings,
            car(1, size=LIMIT + 1),
            works=False,
            head_object=[HEAD, HEAD],
            detect_text=[answer("InvalidS3ObjectException", 400)],
        )
    assert end.value.code == Exit.DENIED


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (LINE | {"Confidence": 80.0}, "GO 77"),
        (LINE | {"Confidence": 79.99}, None),
        (LINE | {"Confidence": None}, None),
        ({name: LINE[name] for name in LINE if name != "Confidence"}, None),
        ({name: LINE[name] for name in LINE if name != "Id"}, "GO 77"),
        ({name: LINE[name] for name in LINE if name != "Type"}, None),
        ({name: LINE[name] for name in LINE if name != "DetectedText"}, None),
        (LINE | {"Geometry": {"BoundingBox": {"Width": 0.5}}}, "GO 77"),
        (LINE | {"Type": "WORD", "ParentId": 0}, None),
        (LINE | {"DetectedText": " "}, None),
    ],
)
def test_what_counts_as_text(settings: SettingsB, text: dict[str, Any], line: str | None) -> None:
    """Lines at or above the threshold that are not blank; all else is kept all the same."""
    found, _ = detect(
        settings,
        car(1),
        get_object=[content(b"xyz")],
        detect_text=[detections(text)],
    )
    assert found.line == line
    assert found.text is not None
    assert found.text[0]["text"] == text.get("DetectedText", "")
    assert found.text[0]["box"] == {}
    assert found.failure is None


def test_more_bytes_than_there_are_wait_for_others() -> None:
    """What is held at once never exceeds the budget, and is free again whatever happens."""
    budget = ByteBudget(LIMIT)
    entered = threading.Event()

    def take_all() -> None:
        with budget.hold(LIMIT):
            entered.set()

    waiting = threading.Thread(target=take_all, daemon=True)
    with suppress(KeyError), budget.hold(1):
        waiting.start()
        assert not entered.wait(0.1)
        raise KeyError
    waiting.join(5)
    assert entered.is_set()
