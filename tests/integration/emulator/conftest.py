"""A stand-in that knows the sample image, in a bucket and as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.emulator.samples import ANSWER, BUCKET, picture

if TYPE_CHECKING:
    from tests.emulator import StandIn


@pytest.fixture
def image(standin: StandIn) -> bytes:
    """Put the sample image into the bucket as `1.jpg`, and return it."""
    data = standin.teach(picture(), ANSWER)
    s3 = standin.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="1.jpg", Body=data)
    return data
