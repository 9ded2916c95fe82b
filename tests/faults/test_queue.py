"""Faults 3, 5 and 15: what a queue does to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit
from carscribe_common.protocol import Alive, Car, Done
from tests.faults.harness import IMAGES, RUN_ID, Trial, seeds
from tests.pipeline import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable


CARS = sum(number % 8 >= 2 for number in range(1, IMAGES + 1))
"""Strictly above 90: see harness.answer_of."""


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_duplicates_in_any_order(trial: Callable[..., Trial], seed: int) -> None:
    """Every message comes twice and in any order: each image is read once."""
    run = trial("3 delivered twice, shuffled", seed)
    run.faults({"sqs": {"duplicate": True, "shuffle": True}})
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_end_first_and_twice(trial: Callable[..., Trial], seed: int) -> None:
    """A -1 before all else, twice, and that of a stale run, end nothing early."""
    run = trial("3 -1 first, twice, stale", seed)
    run.pipeline.send(
        Done("stale", 0),
        Done(RUN_ID, CARS),
        Done(RUN_ID, CARS),
        Alive("stale"),
        Car("stale", 1, "1.jpg", '"00"'),
    )
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0
    assert run.summary("b")["messages"]["of_other_runs"] == 3


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_end_missing(trial: Callable[..., Trial], seed: int) -> None:
    """Without a -1 the run is incomplete and says so; going on with it asks nobody again."""
    run = trial("3 -1 missing", seed)
    run.start("a").wait()
    messages = run.pipeline.messages()
    end = [m for m in messages if m["Body"] == "-1"]
    for message in end:
        run.pipeline.sqs.delete_message(
            QueueUrl=run.pipeline.queue_url, ReceiptHandle=message["ReceiptHandle"]
        )
    for message in messages:
        if message not in end:
            run.pipeline.sqs.change_message_visibility(
                QueueUrl=run.pipeline.queue_url,
                ReceiptHandle=message["ReceiptHandle"],
                VisibilityTimeout=0,
            )
    assert run.start("b", IDLE_TIMEOUT_SECONDS="2").wait() == Exit.INCOMPLETE
    assert not (run.run_dir("b") / "output.txt").exists()
    assert run.summary("b")["state"] == "incomplete"
    run.start("b")
    run.start("a", RESEND="true")
    run.finish()
    assert run.judge().doubled == 0


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_partial_failures(trial: Callable[..., Trial], seed: int) -> None:
    """A batch that is answered with 200 and failed entries: only those are tried again."""
    run = trial("5 entries of batches fail", seed)
    run.faults(
        {
            "sqs": {
                "send_batch_fail_share": 0.3,
                "delete_batch_fail_share": 0.3,
                "visibility_batch_fail_share": 0.3,
            }
        }
    )
    run.start_both(IDLE_TIMEOUT_SECONDS="60")  # the dice may refuse one entry many times
    run.finish()
    assert run.judge().doubled == 0


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_purge(trial: Callable[..., Trial], seed: int) -> None:
    """A queue that is purged in the middle of a run: incomplete, and put right by going on."""
    run = trial("15 queue purged", seed)
    run.start("b", IDLE_TIMEOUT_SECONDS="3", REKOGNITION_RATE_PER_SECOND="6")
    run.start("a", REKOGNITION_RATE_PER_SECOND="6")
    wait_for(lambda: run.pipeline.calls("sqs.SendMessageBatch") >= 2, "two batches")
    run.sleep(0, 2.5)
    run.pipeline.sqs.purge_queue(QueueUrl=run.pipeline.queue_url)
    assert run.units["a"].wait() == 0
    # Should the purge have come before the first message or behind the last one: no fault.
    if run.units["b"].wait() != 0:
        assert run.units["b"].exits == [Exit.INCOMPLETE]
        assert not (run.run_dir("b") / "output.txt").exists()
        assert run.summary("b")["missing"]
        run.start("b")
        run.start("a", RESEND="true")
    run.finish()
    assert run.judge().doubled == 0
