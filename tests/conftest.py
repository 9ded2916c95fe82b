"""What tests of all kinds share: the emulator of AWS."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.emulator import Emulator, start
from tests.pipeline import Pipeline
from tests.samples import ANSWER, BUCKET, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# A fifth of the processor time of Terraform and its provider goes to Go's garbage
# collector where memory is scarce, which it is not here.
os.environ.setdefault("GOGC", "400")


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Let programs hear of SIGINT, which a shell has what it starts in the background ignore."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def _shared_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One server for the whole session: it takes a second to start."""
    with start(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture
def emulator(_shared_emulator: Emulator) -> Emulator:
    """An emulator without buckets, queues, faults or counts."""
    _shared_emulator.reset()
    return _shared_emulator


@pytest.fixture
def image(emulator: Emulator) -> bytes:
    """Put the sample image into the bucket as `1.jpg`, and return it."""
    data = emulator.teach(picture(), ANSWER)
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="1.jpg", Body=data)
    return data


@pytest.fixture
def start_emulator(tmp_path: Path) -> Iterator[Callable[..., Emulator]]:
    """Start an emulator of the test's own, with arguments of its own."""
    from contextlib import ExitStack  # noqa: PLC0415 # of this fixture alone

    with ExitStack() as stack:

        def start_one(*arguments: str, images: Path | None = None) -> Emulator:
            folder = tmp_path / f"emulator-{id(arguments)}"
            return stack.enter_context(start(folder, *arguments, images=images))

        yield start_one


@pytest.fixture
def pipeline(emulator: Emulator, tmp_path: Path) -> Iterator[Pipeline]:
    """A bucket and queues on the emulator, and real workers; what still runs is ended."""
    pipeline = Pipeline(emulator, tmp_path)
    yield pipeline
    pipeline.stop()
