"""What tests of all kinds share: the stand-in for AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator import StandIn, start
from tests.pipeline import Pipeline
from tests.samples import ANSWER, BUCKET, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def _shared_standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """One server for the whole session: it takes a second to start."""
    with start(tmp_path_factory.mktemp("standin")) as standin:
        yield standin


@pytest.fixture
def standin(_shared_standin: StandIn) -> StandIn:
    """A stand-in without buckets, queues, faults or counts."""
    _shared_standin.reset()
    return _shared_standin


@pytest.fixture
def image(standin: StandIn) -> bytes:
    """Put the sample image into the bucket as `1.jpg`, and return it."""
    data = standin.teach(picture(), ANSWER)
    s3 = standin.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="1.jpg", Body=data)
    return data


@pytest.fixture
def start_standin(tmp_path: Path) -> Iterator[Callable[..., StandIn]]:
    """Start a stand-in of the test's own, with arguments of its own."""
    from contextlib import ExitStack  # noqa: PLC0415 # of this fixture alone

    with ExitStack() as stack:

        def start_one(*arguments: str, images: Path | None = None) -> StandIn:
            folder = tmp_path / f"standin-{id(arguments)}"
            return stack.enter_context(start(folder, *arguments, images=images))

        yield start_one


@pytest.fixture
def pipeline(standin: StandIn, tmp_path: Path) -> Iterator[Pipeline]:
    """A bucket and queues on the stand-in, and real workers; what still runs is ended."""
    pipeline = Pipeline(standin, tmp_path)
    yield pipeline
    pipeline.stop()
