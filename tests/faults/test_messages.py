"""Fault 7: messages that no program of ours sent, and texts and keys that mean harm."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.harness import RUN_ID, Trial, seeds
from tests.pipeline import car_answer, picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pipeline import Pipeline

ETAG = '"0123456789abcdef0123456789abcdef"'


def attributes(**values: str) -> dict[str, Any]:
    """Return message attributes."""
    return {
        name: {"DataType": "String", "StringValue": value.removesuffix("#")}
        | ({"DataType": "Number"} if value.endswith("#") else {})
        for name, value in values.items()
    }


MALFORMED: dict[str, tuple[str, dict[str, Any]]] = {
    "junk": ("\u00ff\ufffd%s%n{{7*7}}", {}),
    "json": (json.dumps({"Records": [{"s3": {"object": {"key": "1.jpg"}}}]}), {}),
    "200 KB": ("x" * 200_000, attributes(run_id=RUN_ID, n="1#", etag=ETAG)),
    "no run id": ("1.jpg", attributes(n="1#", etag=ETAG)),
    "no n": ("1.jpg", attributes(run_id=RUN_ID, etag=ETAG)),
    "no etag": ("1.jpg", attributes(run_id=RUN_ID, n="1#")),
    "n of words": ("1.jpg", attributes(run_id=RUN_ID, n="1; rm -rf /", etag=ETAG)),
    "n of 0": ("1.jpg", attributes(run_id=RUN_ID, n="0#", etag=ETAG)),
    "run id as path": ("1.jpg", attributes(run_id="../../etc", n="1#", etag=ETAG)),
    "etag as header": ("1.jpg", attributes(run_id=RUN_ID, n="1#", etag='"a"\tX: y')),
    "end without expected": ("-1", attributes(run_id=RUN_ID)),
    "end of another number": ("-1", attributes(run_id=RUN_ID, expected="-7#")),
}


def put(pipeline: Pipeline, body: str, values: dict[str, Any]) -> None:
    """Send a message as anybody could."""
    pipeline.sqs.send_message(
        QueueUrl=pipeline.queue_url, MessageBody=body, MessageAttributes=values
    )


def bodies_left(pipeline: Pipeline) -> list[str]:
    """Return what lies in the dead-letter queue, after as many receipts as it takes."""
    for _ in range(25):
        received = pipeline.messages()
        for message in received:
            pipeline.sqs.change_message_visibility(
                QueueUrl=pipeline.queue_url,
                ReceiptHandle=message["ReceiptHandle"],
                VisibilityTimeout=0,
            )
        if not received:
            break
    return [message["Body"] for message in pipeline.messages(pipeline.dlq_url)]


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_messages_of_others(trial: Callable[..., Trial], seed: int) -> None:
    """What cannot be parsed ends in the dead-letter queue; the run and its files are as ever."""
    run = trial("7 messages of others", seed, images=24)
    for body, values in MALFORMED.values():
        put(run.pipeline, body, values)
    # These can be parsed: they name what is not there, or an n far above A's.
    strays = {"../../../../tmp/evil.jpg": 901, "not/there.jpg": 902, "/etc/passwd": 903}
    for key, n in strays.items():
        put(run.pipeline, key, attributes(run_id=RUN_ID, n=f"{n}#", etag=ETAG))
    run.start_both()
    run.finish()
    failed = dict.fromkeys(strays, "gone")
    run_files = {path.name for path in run.run_dir("b").iterdir()}
    state_files = {path.name for path in (run.pipeline.folder / "b").iterdir()}
    assert run_files == {
        "lock",
        "store.sqlite3",
        "results.jsonl",
        "summary.json",
        "output.txt",
    }
    assert state_files == {"runs"}
    left = bodies_left(run.pipeline)
    assert sorted(left) == sorted(body for body, _ in MALFORMED.values())
    summary = run.summary("b")
    assert {f["key"]: f["reason"] for f in summary["failures"]} == failed
    outcome = run.judge(strays=strays.values(), failed_b=failed)
    assert outcome.doubled == 0


def test_texts_and_keys_that_mean_harm(pipeline: Pipeline) -> None:
    """Commands, escapes, controls and lone surrogates stay data: in logs, files and lines."""
    texts = {
        "shell.jpg": "$(reboot) `id` ; rm -rf / #",
        "html.jpg": "<script>alert(1)</script>",
        "yaml.jpg": "!!python/object:os.system {{ lookup('pipe','id') }}",
        "ansi.jpg": "\x1b[2J\x1b]0;owned\x07 A\nB\r\u2028\u202ebcd",
        "surrogate.jpg": "\ud800 X",
        "new\nline.jpg": "GO 1",
        "\u202egpj.jpg": "GO 2",
    }
    for number, (key, text) in enumerate(texts.items()):
        pipeline.add(key, car_answer(99.0, text), body=picture(8_300_000 + number))
    pipeline.add("\x1b[31mred.jpg", body=picture(8_300_900))
    b, a = pipeline.start("b"), pipeline.start("a")
    assert (a.wait(), b.wait()) == (0, 0), b.log
    assert b.output.split("\n") == [
        r"ansi.jpg: \u001b[2J\u001b]0;owned\u0007 A\u000aB\u000d\u2028\u202ebcd",
        r"html.jpg: <script>alert(1)</script>",
        r"new\u000aline.jpg: GO 1",
        r"shell.jpg: $(reboot) `id` ; rm -rf / #",
        r"surrogate.jpg: \ud800 X",
        r"yaml.jpg: !!python/object:os.system {{ lookup('pipe','id') }}",
        r"\u202egpj.jpg: GO 2",
        "",
    ]
    for worker in (a, b):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", worker.log)
        assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3} ", line) for line in worker.log.splitlines())
        assert worker.summary["state"] == "complete"
        for line in (worker.run_dir / "results.jsonl").read_text().split("\n")[:-1]:
            json.loads(line)
    assert [f["reason"] for f in a.summary["failures"]] == ["unreadable-key"]
