"""How workers end: at once when told to, and never later than they promise."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.cli import Shutdown
from carscribe_common.errors import Exit
from carscribe_common.protocol import Alive, Car
from carscribe_worker_b.run import RunB
from carscribe_worker_b.settings import SettingsB
from carscribe_worker_b.store import TextStore
from tests.faults.harness import RUN_ID, Trial
from tests.pipeline import PATHS, SETTLED, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pipeline import Pipeline

SIGNALS_WHILE_WAITING = """
import os, signal, sys, threading, time
from carscribe_common.cli import Shutdown
end = time.monotonic() + 3
while time.monotonic() < end:
    stop = Shutdown()
    signal.signal(signal.SIGALRM, stop.request)
    signal.setitimer(signal.ITIMER_REAL, 0.0003)
    while not stop.wait(0):
        pass
"""


def cars(messages: list[dict[str, Any]]) -> list[str]:
    """Return the keys among the bodies of messages."""
    return [message["Body"] for message in messages if message["Body"].endswith(".jpg")]


def test_a_signal_at_any_moment_stops_the_waiting() -> None:
    """A signal that comes while the main thread waits for the stop cannot lock it up."""
    command = [sys.executable, "-c", SIGNALS_WHILE_WAITING]
    environ = {**os.environ, "PYTHONPATH": PATHS}
    assert subprocess.run(command, env=environ, timeout=30, check=False).returncode == 0


def test_sigterm_to_a_while_the_queue_refuses(trial: Callable[..., Trial]) -> None:
    """A that is told to stop while it cannot send still writes down what it has paid for."""
    run = trial("2 SIGTERM to A, queue down", 1)
    run.faults(
        {
            "operations": {
                "sqs.SendMessageBatch": {"error_share": 1.0},
                "rekognition.*": {"latency_seconds": 1.5},
            }
        }
    )
    run.start("a")
    wait_for(lambda: "cannot send to the queue" in run.units["a"].logs, "a refused message")
    run.units["a"].worker.signal(signal.SIGTERM)
    assert run.units["a"].wait(30) == Exit.TERMINATED
    run.faults()
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0


def test_sigterm_to_b_while_the_queue_is_silent(trial: Callable[..., Trial]) -> None:
    """B ends before systemd would kill it, and nothing that it has read is read again."""
    run = trial("2 SIGTERM to B, queue down", 1)
    run.start("a").wait()
    run.start("b")
    run.wait_for_log("b", SETTLED)
    run.faults({"operations": {"sqs.*": {"latency_seconds": 300}}})
    run.sleep(0.5, 1.0)
    run.units["b"].worker.signal(signal.SIGTERM)
    assert run.units["b"].wait(75) == Exit.TERMINATED
    run.faults()
    run.start("b")
    run.finish()
    assert run.judge().doubled == 0


def test_denied_to_send_while_calls_are_in_flight(trial: Callable[..., Trial]) -> None:
    """A that ends for a fault of the set-up writes down what it has paid for."""
    run = trial("11 queue deleted under A", 1)
    run.faults({"operations": {"rekognition.*": {"latency_seconds": 1.5}}})
    url = run.pipeline.queue_url
    run.start("a", QUEUE_URL=f"{url}-none")
    assert run.units["a"].wait(40) == Exit.CONFIG
    assert "the queue does not exist" in run.units["a"].logs
    run.faults()
    run.start_both()
    run.finish()
    assert run.judge().doubled == 0


def test_sigterm_to_b_while_all_is_throttled(trial: Callable[..., Trial]) -> None:
    """Messages whose images cannot be read now are returned at once, not after ten seconds."""
    run = trial("2 SIGTERM to B, all throttled", 1, images=16)
    run.start("a").wait()
    run.faults({"operations": {"rekognition.*": {"throttle_share": 1.0}}})
    run.start("b", VISIBILITY_TIMEOUT_SECONDS="3600")
    wait_for(lambda: "trying again" in run.units["b"].logs, "a throttled call")
    # Not in the long poll for more, which ends with what it brings.
    run.pipeline.send(*[Alive(RUN_ID)] * 20)
    began = time.monotonic()
    run.units["b"].worker.signal(signal.SIGTERM)
    # Received here, so that a last poll of B cannot take them again.
    wait_for(lambda: cars(run.pipeline.messages()), "returned messages", 8)
    assert time.monotonic() - began < 8
    assert run.units["b"].wait(40) == Exit.TERMINATED


def test_foreign_messages_do_not_keep_b_alive(pipeline: Pipeline) -> None:
    """However much comes of other runs and of nobody: B ends when nothing of its own does."""
    over = threading.Event()

    def flood() -> None:
        n = 0
        while not over.wait(0.2):
            n += 1
            pipeline.send(Car("other", n, "1.jpg", '"a"'))
            pipeline.sqs.send_message(QueueUrl=pipeline.queue_url, MessageBody="junk")

    sender = threading.Thread(target=flood)
    sender.start()
    try:
        b = pipeline.start("b", IDLE_TIMEOUT_SECONDS="3")
        assert b.wait(30) == Exit.INCOMPLETE
    finally:
        over.set()
        sender.join()


def test_silence_of_the_network_is_not_silence_of_a(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the queue did not answer B could not know what came: it does not count as idle."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    settings = SettingsB(
        run_id=RUN_ID,
        bucket="photos",
        queue_url="http://127.0.0.1:1/q",
        region="us-east-1",
        state_dir=tmp_path,
    )
    with TextStore(tmp_path, {"run_id": RUN_ID, "queue_url": settings.queue_url}) as store:
        shutdown = Shutdown()
        run = RunB(settings, shutdown, store)
        run._state.heard_at = time.monotonic() - 1000

        def receive(wait_seconds: int) -> list[dict[str, Any]]:
            time.sleep(wait_seconds + 1.3)  # the network was away in between
            shutdown.request(signal.SIGTERM)
            return []

        monkeypatch.setattr(run._consumer, "receive", receive)
        run._receive()
        assert 1 <= run._idle_seconds() < 2


@pytest.mark.parametrize("worker", ["a", "b"])
def test_a_log_that_cannot_be_written_leaves_the_exit_code(worker: str) -> None:
    """With a full disk under the log, too, the exit code says why the worker ended."""
    command = [sys.executable, "-m", f"carscribe_worker_{worker}"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, env={"PYTHONPATH": PATHS}, stderr=full, timeout=30, check=False
        )
    assert done.returncode == Exit.CONFIG


def test_settings_that_boto3_refuses(pipeline: Pipeline) -> None:
    """A region or a queue URL that is none is a fault of the settings, not of the program."""
    for wrong in (
        {"REGION": "us east;1"},
        {"QUEUE_URL": "http://[::1"},
        {"BUCKET": "Not/A.Bucket"},
    ):
        b = pipeline.run("b", **wrong)
        assert b.process.returncode == Exit.CONFIG, b.log
        assert "Traceback" not in b.log
