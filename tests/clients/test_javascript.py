"""The AWS SDK for JavaScript, version 3."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.clients.conftest import JAVASCRIPT, installed
from tests.emulator import ROOT
from tests.samples import ANSWER, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator import Emulator

SAMPLES = ROOT / "images"


def test_the_lock_file_names_no_registry() -> None:
    """Whichever one npm is set to serves the packages, and each is known by its digest."""
    lock = json.loads((JAVASCRIPT / "package-lock.json").read_text())
    packages = [found for name, found in lock["packages"].items() if name]
    assert packages
    assert all("integrity" in found and "resolved" not in found for found in packages)


@pytest.fixture(autouse=True)
def sdk() -> None:
    """The SDK that the lock file names."""
    installed(JAVASCRIPT / "node_modules" / "@aws-sdk" / "client-sqs")


def test_a_session_of_s3_sqs_and_rekognition(
    emulator: Emulator, run: Callable[..., str], tmp_path: Path
) -> None:
    """Uploads of both kinds, presigned URLs, all that is done with messages, typed errors."""
    path = tmp_path / "1.jpg"
    path.write_bytes(emulator.teach(picture(), ANSWER))
    assert run("node", JAVASCRIPT / "session.mjs", path, env=emulator.env) == ""


def test_a_pipeline_with_a_fifo_queue(
    start_emulator: Callable[..., Emulator], run: Callable[..., str]
) -> None:
    """Both halves of the assignment at once find what the project's own workers find."""
    emulator = start_emulator("--bucket", "images", images=SAMPLES)
    said = run("node", JAVASCRIPT / "pipeline.mjs", env={**emulator.env, "BUCKET": "images"})
    assert said == (SAMPLES / "expected-output.txt").read_text()


def test_the_examples_in_the_manual_run(
    start_emulator: Callable[..., Emulator], run: Callable[..., str], tmp_path: Path
) -> None:
    """As they stand there: the one in JavaScript sends all cars, the one in Python reads them."""
    page = (ROOT / "docs" / "emulator.md").read_text()
    examples = {"javascript": tmp_path / "example.mjs", "python": tmp_path / "example.py"}
    for language, path in examples.items():
        (example,) = page.split(f"```{language}\n")[1:]
        path.write_text(example.partition("```")[0])
    (tmp_path / "node_modules").symlink_to(JAVASCRIPT / "node_modules")
    emulator = start_emulator("--bucket", "images", "--queue", "cars.fifo", images=SAMPLES)
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName="cars.fifo")["QueueUrl"]
    env = {**emulator.env, "BUCKET": "images", "QUEUE_URL": url}
    run("node", examples["javascript"], env=env)
    texts = [run(sys.executable, examples["python"], env=env) for _ in range(6)]
    assert sum("'Type': 'LINE'" in text for text in texts) >= 4
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert left["ApproximateNumberOfMessages"] == "0"
    assert left["ApproximateNumberOfMessagesNotVisible"] == "0"
