"""Many objects, strange keys, wrong set-ups: what a run makes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit
from tests.pipeline import Pipeline, car_answer, picture

if TYPE_CHECKING:
    from pathlib import Path

STRANGE_KEYS = [
    "a b.jpg",
    "a+b.jpg",
    "100%.jpg",
    "%20.jpg",
    "#1.jpg",
    "?x=1&y=2.jpg",
    "Größe/ÄÖÜß.jpg",
    "🚗/車.jpg",
    "deep/er/and/deeper.jpg",
    "//double//slash.jpg",
    "../up.jpg",
    "quo'te\"s.jpg",
    "back\\slash.jpg",
    "<b>&amp;.jpg",
    "$(reboot).jpg",
    "x" * 1020 + ".jpg",
    "ä" * 510 + ".jpg",
]


def test_strange_keys(pipeline: Pipeline) -> None:
    """Keys with spaces, signs, umlauts, emoji, slashes and 1,024 bytes go all the way."""
    for i, key in enumerate(STRANGE_KEYS):
        pipeline.add(key, car_answer(99.0, f"GO {i}"))
    b, a = pipeline.start("b"), pipeline.start("a")
    assert (a.wait(), b.wait()) == (0, 0)
    lines = dict(line.rsplit(": ", 1) for line in b.output.splitlines())
    assert lines == {key.replace("\\", "\\\\"): f"GO {i}" for i, key in enumerate(STRANGE_KEYS)}
    assert sorted(path.name for path in b.run_dir.iterdir()) == [
        "lock",
        "output.txt",
        "results.jsonl",
        "store.sqlite3",
        "summary.json",
    ]


def test_key_that_no_message_can_carry(pipeline: Pipeline) -> None:
    """It is A's own failure for that image; a key with a newline is carried, and escaped."""
    pipeline.add("bell\x07.jpg", car_answer(99.0, "NO"))
    pipeline.add("two\nlines.jpg", car_answer(99.0, "GO 77"))
    b, a = pipeline.start("b"), pipeline.start("a")
    assert (a.wait(), b.wait()) == (0, 0)
    assert b.output == "two\\u000alines.jpg: GO 77\n"
    assert [(f["key"], f["reason"]) for f in a.summary["failures"]] == [
        ("bell\x07.jpg", "unreadable-key")
    ]


def test_more_objects_than_a_page(pipeline: Pipeline) -> None:
    """All of 1,205 objects are seen, under a prefix too, and other prefixes are not."""
    body = pipeline.emulator.teach(picture(1), car_answer(99.0, "GO 1"))
    etag = pipeline.add("in/0000.jpg", body=body)
    assert etag
    for i in range(1, 1205):
        pipeline.add(f"in/{i:04}.jpg", body=body if i % 100 == 0 else picture(2))
    pipeline.add("out/1.jpg", body=body)
    fast = {"REKOGNITION_RATE_PER_SECOND": "1000", "PREFIX": "in/"}
    b, a = pipeline.start("b", **fast), pipeline.start("a", **fast)
    assert (a.wait(), b.wait()) == (0, 0)
    assert a.summary["images"]["detected"] == 1205
    assert b.output == "".join(f"in/{i:04}.jpg: GO 1\n" for i in range(0, 1205, 100))
    assert a.summary["api_calls"]["s3.ListObjectsV2"] == 2


@pytest.mark.parametrize("objects", [[], ["notes.txt", "folder/"]])
def test_bucket_without_an_image(pipeline: Pipeline, objects: list[str]) -> None:
    """An empty run ends well, says why it is empty, and has an empty result."""
    for key in objects:
        pipeline.add(key, body=b"x")
    b, a = pipeline.start("b"), pipeline.start("a")
    assert (a.wait(), b.wait()) == (0, 0)
    assert b.output == ""
    assert "has no .jpg, .jpeg, .jpe, .jfif or .png" in a.log
    assert a.summary["images"]["skipped"] == len(objects)


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_bucket_that_is_not_there(
    pipeline: Pipeline, name: str, arguments: tuple[str, ...]
) -> None:
    """No such bucket is one sentence and the exit code of a wrong configuration."""
    worker = pipeline.run(name, *arguments, BUCKET="no-such-bucket-here")
    assert worker.process.returncode == Exit.CONFIG
    assert "no-such-bucket-here" in worker.log
    assert "the bucket does not exist" in worker.log
    assert "Traceback" not in worker.log


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_queue_that_is_not_there(pipeline: Pipeline, name: str, arguments: tuple[str, ...]) -> None:
    """No such queue is one sentence and the exit code of a wrong configuration."""
    pipeline.add("1.jpg", car_answer(99.0, "GO"))
    worker = pipeline.run(name, *arguments, QUEUE_URL=pipeline.queue_url + "-not")
    assert worker.process.returncode == Exit.CONFIG
    assert "the queue does not exist" in worker.log
    assert "Traceback" not in worker.log


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_denied_access(pipeline: Pipeline, name: str, arguments: tuple[str, ...]) -> None:
    """A role that may do nothing is one sentence that names what it lacks, and exit code 77."""
    iam = pipeline.emulator.client("iam")
    user = f"nobody-{name}"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    pipeline.add("1.jpg", car_answer(99.0, "GO"))
    pipeline.emulator.enforce_iam()
    root = dict(pipeline.emulator.env)
    try:
        pipeline.emulator.env |= {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        worker = pipeline.run(name, *arguments)
    finally:
        pipeline.emulator.env = root
    assert worker.process.returncode == Exit.DENIED
    assert "AWS refuses it" in worker.log
    assert "Traceback" not in worker.log
    if arguments:
        rekognition = {"a": "rekognition:DetectLabels", "b": "rekognition:DetectText"}
        queue = {"a": "sqs:SendMessage", "b": "sqs:DeleteMessage"}
        assert f"not ok: {rekognition[name]}" in worker.log
        assert f"not ok: {queue[name]}" in worker.log
        assert "not ok: s3:ListBucket" in worker.log


@pytest.mark.parametrize("name", ["a", "b"])
def test_check_of_a_good_set_up(pipeline: Pipeline, name: str, tmp_path: Path) -> None:
    """--check says ok to all, sends, receives and leaves nothing, and needs no run id."""
    pipeline.add("1.jpg")
    worker = pipeline.run(name, "--check", run_id="")
    assert worker.process.returncode == 0, worker.log
    assert worker.log.count("ok: ") == {"a": 5, "b": 7}[name]
    assert "not ok" not in worker.log
    assert pipeline.messages() == []
    assert list((tmp_path / name).iterdir()) == []


@pytest.mark.parametrize("name", ["a", "b"])
def test_wrong_settings(pipeline: Pipeline, name: str) -> None:
    """All wrong settings are named in one sentence, before anything is asked or made."""
    worker = pipeline.run(
        name, run_id="a/b", BUCKET="", CONCURRENCY_MAX="many", STATE_DIR="relative"
    )
    assert worker.process.returncode == Exit.CONFIG
    for part in ("RUN_ID is 'a/b'", "BUCKET is not set", "CONCURRENCY_MAX", "STATE_DIR"):
        assert f"CARSCRIBE_{part}" in worker.log
    assert pipeline.emulator.counts().get("s3.ListObjectsV2") is None


def test_no_credentials(pipeline: Pipeline) -> None:
    """Without credentials A stops with one sentence and exit code 77."""
    root = dict(pipeline.emulator.env)
    try:
        del pipeline.emulator.env["AWS_ACCESS_KEY_ID"]
        del pipeline.emulator.env["AWS_SECRET_ACCESS_KEY"]
        worker = pipeline.run("a")
    finally:
        pipeline.emulator.env = root
    assert worker.process.returncode == Exit.DENIED
    assert "no AWS credentials were found" in worker.log


def test_results_have_everything(pipeline: Pipeline) -> None:
    """results.jsonl of each worker has labels, texts, confidences and boxes."""
    pipeline.add("1.jpg", car_answer(98.7, "GO 77"))
    b, a = pipeline.start("b"), pipeline.start("a")
    assert (a.wait(), b.wait()) == (0, 0)
    box = {"left": 0.1, "top": 0.1, "width": 0.5, "height": 0.5}
    of_a = json.loads((a.run_dir / "results.jsonl").read_text())
    of_b = json.loads((b.run_dir / "results.jsonl").read_text())
    assert of_a["car"] == {"confidence": 98.7, "instances": [{"confidence": 98.7, "box": box}]}
    assert of_b["text"] == [
        {
            "type": "LINE",
            "id": 0,
            "parent_id": None,
            "text": "GO 77",
            "confidence": 99.0,
            "box": box,
        }
    ]
    assert (of_a["n"], of_b["n"], of_b["line"]) == (1, 1, "GO 77")
