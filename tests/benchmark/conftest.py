"""The same images twice: in a bucket that moto keeps, and in the benchmark's generated one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from benchmarks.harness import BUCKET, REGION, Emulator
from benchmarks.images import Images

if TYPE_CHECKING:
    from collections.abc import Iterator

SOME = Images(count=12, seed=3, car_share=0.5, size_bytes=3000)


@dataclass(frozen=True)
class Place:
    """Where the images are."""

    url: str
    secret: str
    bucket: str = BUCKET
    images: Images = SOME

    def client(self, service: str) -> Any:
        """Make a client that asks once and not again."""
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="carscribe",
            aws_secret_access_key=self.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )


@pytest.fixture
def generated() -> Iterator[Place]:
    """The generated bucket."""
    with Emulator(
        images=SOME.count, seed=SOME.seed, car_share=SOME.car_share, image_bytes=SOME.size_bytes
    ) as emulator:
        yield Place(emulator.url, emulator.env["AWS_SECRET_ACCESS_KEY"])


@pytest.fixture(params=["moto's", "generated"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each of the two, one after the other."""
    if request.param == "generated":
        found: Place = request.getfixturevalue("generated")
        return found
    emulator = request.getfixturevalue("emulator")
    place = Place(emulator.url, emulator.secret.access_key)
    s3 = place.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for index in range(SOME.count):
        s3.put_object(Bucket=BUCKET, Key=SOME.key(index), Body=SOME.data(index))
    return place
