"""The AWS SDK for JavaScript, version 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.conftest import JAVASCRIPT, installed
from tests.emulator import ROOT
from tests.samples import ANSWER, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator import StandIn

SAMPLES = ROOT / "images"


@pytest.fixture(autouse=True)
def sdk() -> None:
    """The SDK that the lock file names."""
    installed(JAVASCRIPT / "node_modules" / "@aws-sdk" / "client-sqs")


def test_a_session_of_s3_sqs_and_rekognition(
    standin: StandIn, run: Callable[..., str], tmp_path: Path
) -> None:
    """Uploads of both kinds, presigned URLs, all that is done with messages, typed errors."""
    path = tmp_path / "1.jpg"
    path.write_bytes(standin.teach(picture(), ANSWER))
    assert run("node", JAVASCRIPT / "session.mjs", path, env=standin.env) == ""


def test_a_pipeline_with_a_fifo_queue(
    start_standin: Callable[..., StandIn], run: Callable[..., str]
) -> None:
    """Both halves of the assignment at once find what the project's own workers find."""
    standin = start_standin("--bucket", "images", images=SAMPLES)
    said = run("node", JAVASCRIPT / "pipeline.mjs", env={**standin.env, "BUCKET": "images"})
    assert said == (SAMPLES / "expected-output.txt").read_text()


def test_the_example_in_the_manual_runs(
    start_standin: Callable[..., StandIn], run: Callable[..., str], tmp_path: Path
) -> None:
    """As it stands there, with the queue that the page makes: all cars are sent."""
    page = (ROOT / "docs" / "emulator.md").read_text()
    (example,) = page.split("```javascript\n")[1:]
    program = tmp_path / "example.mjs"
    program.write_text(example.partition("```")[0])
    (tmp_path / "node_modules").symlink_to(JAVASCRIPT / "node_modules")
    standin = start_standin("--bucket", "images", "--queue", "cars.fifo", images=SAMPLES)
    sqs = standin.client("sqs")
    url = sqs.get_queue_url(QueueName="cars.fifo")["QueueUrl"]
    run("node", program, env={**standin.env, "BUCKET": "images", "QUEUE_URL": url})
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert len(messages) == 6
