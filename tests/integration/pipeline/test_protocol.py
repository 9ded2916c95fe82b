"""What of the message protocol only real processes show; the rest is B's state machine."""

from __future__ import annotations

import signal
import time

import pytest

from carscribe_common.errors import Exit
from carscribe_common.protocol import Alive, Car, Done
from tests.pipeline import (
    DETECTED,
    SETTLED,
    Pipeline,
    car_answer,
    picture,
    wait_for,
    wait_for_log,
)


def images(pipeline: Pipeline, count: int) -> tuple[list[Car], str]:
    """Put cars into the bucket; return their messages and the right output.txt."""
    cars = [
        Car("run-1", n, f"{n}.jpg", pipeline.add(f"{n}.jpg", car_answer(99.0, f"GO {n}")))
        for n in range(1, count + 1)
    ]
    return cars, "".join(f"{n}.jpg: GO {n}\n" for n in range(1, count + 1))


def test_whole_run(pipeline: Pipeline) -> None:
    """A and B together: only cars strictly above 90 are read, each once, and N + c calls made."""
    _, expected = images(pipeline, 12)
    pipeline.add("at-90.jpg", car_answer(90.0, "NO"))
    pipeline.add("no-text.jpg", car_answer(99.0))
    pipeline.add("low.jpg", car_answer(99.0, "BLUR", text_confidence=79.9))
    pipeline.add("nothing.jpg")
    pipeline.add("notes.txt", body=b"text")
    b, a = pipeline.start("b"), pipeline.start("a")
    assert (a.wait(), b.wait()) == (0, 0)
    assert b.output == expected
    assert pipeline.calls("rekognition.DetectLabels") == 16
    assert pipeline.calls("rekognition.DetectText") == 14
    assert a.summary["images"] == {
        "listed": 16,
        "skipped": 1,
        "detected": 16,
        "cars": 14,
        "failed": 0,
    }
    assert a.summary["estimated_cost_usd"] + b.summary["estimated_cost_usd"] == pytest.approx(0.03)
    assert pipeline.messages() == []
    assert pipeline.messages(pipeline.dlq_url) == []


def test_b_before_a(pipeline: Pipeline) -> None:
    """B waits for an A that is started later."""
    _, expected = images(pipeline, 4)
    b = pipeline.start("b")
    time.sleep(1)
    assert pipeline.run("a").process.returncode == 0
    assert b.wait() == 0
    assert b.output == expected


def test_b_after_a(pipeline: Pipeline) -> None:
    """B finds all that an A has left that ended long ago."""
    _, expected = images(pipeline, 4)
    assert pipeline.run("a").process.returncode == 0
    b = pipeline.run("b")
    assert b.output == expected


def test_a_gone_before_its_end(pipeline: Pipeline) -> None:
    """Without a -1 the run ends as incomplete, with the missing named, and no output (rule 7)."""
    cars, _ = images(pipeline, 4)
    pipeline.send(cars[0], cars[2], cars[3])
    b = pipeline.run("b", IDLE_TIMEOUT_SECONDS="2")
    assert b.process.returncode == Exit.INCOMPLETE
    assert b.summary["state"] == "incomplete"
    assert b.summary["missing"] == [2]
    assert "missing are n = 2" in b.log
    assert "no -1" in b.log
    assert not (b.run_dir / "output.txt").exists()


def test_alive_keeps_b_waiting(pipeline: Pipeline) -> None:
    """While A says that it is alive B does not end as incomplete, however long it takes."""
    cars, expected = images(pipeline, 1)
    b = pipeline.start("b", IDLE_TIMEOUT_SECONDS="3")
    for _ in range(5):
        time.sleep(1)
        pipeline.send(Alive("run-1"))
    pipeline.send(*cars, Done("run-1", 1))
    assert b.wait() == 0
    assert b.output == expected


def test_a_says_that_it_is_alive(pipeline: Pipeline) -> None:
    """A that finds no car for a while sends alive, and B deletes it."""
    for n in range(3):
        pipeline.add(f"empty-street-{n}.jpg")
    pipeline.emulator.faults({"operations": {"rekognition.DetectLabels": {"latency_seconds": 3}}})
    b = pipeline.start("b", IDLE_TIMEOUT_SECONDS="2")
    a = pipeline.run("a", ALIVE_SECONDS="1", CONCURRENCY_MAX="1")
    assert (a.process.returncode, b.wait()) == (0, 0)
    assert b.output == ""


def test_b_restarted_after_all_was_settled(pipeline: Pipeline) -> None:
    """A B that was done only writes its output again, and asks nobody for anything (rule 2)."""
    cars, expected = images(pipeline, 3)
    pipeline.send(*cars, Done("run-1", 3))
    first = pipeline.run("b")
    first_calls = first.summary["api_calls"]
    (first.run_dir / "output.txt").unlink()
    again = pipeline.run("b")
    assert again.process.returncode == 0
    assert again.output == expected
    assert again.summary["api_calls"] == first_calls


def test_b_killed_after_it_settled_everything(pipeline: Pipeline) -> None:
    """Settled but not deleted: the redelivered messages are deleted and not read again."""
    cars, expected = images(pipeline, 5)
    pipeline.send(*cars)
    b = pipeline.start("b")
    wait_for_log(b, SETTLED, 5)
    b.signal(signal.SIGKILL)
    b.wait()
    pipeline.send(Done("run-1", 5))
    again = pipeline.run("b")
    assert again.process.returncode == 0
    assert again.output == expected
    assert pipeline.calls("rekognition.DetectText") == 5


def test_a_killed_between_store_and_send(pipeline: Pipeline) -> None:
    """Cars that are in A's store and not on the queue are sent at the next start."""
    _, expected = images(pipeline, 8)
    # The queue takes nothing, so A stands between its store and the send.
    pipeline.emulator.faults({"operations": {"sqs.SendMessageBatch": {"error_share": 1.0}}})
    a = pipeline.start("a")
    wait_for_log(a, DETECTED, 8)
    a.signal(signal.SIGKILL)
    a.wait()
    pipeline.emulator.faults({})
    again = pipeline.run("a")
    assert again.process.returncode == 0
    b = pipeline.run("b")
    assert b.output == expected
    assert pipeline.calls("rekognition.DetectLabels") == 8


def test_what_is_added_behind_the_end_is_no_part_of_the_run(pipeline: Pipeline) -> None:
    """A that is started again after its -1 lists nothing: the end it said is the end."""
    _, expected = images(pipeline, 3)
    assert pipeline.run("a").process.returncode == 0
    pipeline.add("9.jpg", car_answer(99.0, "NEW"))
    assert pipeline.run("a").process.returncode == 0
    assert pipeline.calls("rekognition.DetectLabels") == 3
    b = pipeline.run("b")
    assert (b.process.returncode, b.output) == (0, expected)


def test_purged_run_is_mended_by_going_on(pipeline: Pipeline) -> None:
    """A sends all its cars again without asking Rekognition; B skips what it has (rule 8)."""
    _, expected = images(pipeline, 6)
    a = pipeline.run("a")
    assert a.process.returncode == 0
    pipeline.sqs.purge_queue(QueueUrl=pipeline.queue_url)
    first = next(row for row in a.results if row["n"] == 1)
    pipeline.send(Car("run-1", 1, first["key"], first["etag"]))
    b = pipeline.run("b", IDLE_TIMEOUT_SECONDS="1")
    assert b.process.returncode == Exit.INCOMPLETE
    a, b = pipeline.start("a", RESEND="true"), pipeline.start("b")
    assert (a.wait(), b.wait()) == (0, 0)
    assert b.output == expected
    assert pipeline.calls("rekognition.DetectLabels") == 6
    assert pipeline.calls("rekognition.DetectText") == 6


def test_image_changed_after_a_looked(pipeline: Pipeline) -> None:
    """B reads what A looked at or nothing: another content under the key is a failure (rule 9)."""
    cars, _ = images(pipeline, 2)
    pipeline.send(*cars, Done("run-1", 2))
    pipeline.add("2.jpg", car_answer(99.0, "OTHER"), body=picture(9))
    b = pipeline.run("b")
    assert b.process.returncode == 0
    assert b.output == "1.jpg: GO 1\n"
    assert [(f["key"], f["reason"]) for f in b.summary["failures"]] == [("2.jpg", "changed")]


def test_two_processes_of_one_run(pipeline: Pipeline) -> None:
    """The second B of a run is refused at once, and the first one goes on."""
    b = pipeline.start("b")
    wait_for((b.run_dir / "summary.json").exists, "a first B")
    assert pipeline.run("b").process.returncode == Exit.IN_USE
    assert b.process.poll() is None
