"""The same services twice: from the stand-in for AWS and from the benchmark's thin server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from benchmarks.harness import BUCKET, QUEUE, Thin
from benchmarks.images import Images
from benchmarks.thin.rekognition import labels, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator import StandIn

REGION = "us-east-1"
SOME = Images(count=12, seed=3, car_share=0.5, size_bytes=3000)


@dataclass(frozen=True)
class Place:
    """Where the services are, with the same images in the same bucket."""

    url: str
    queue_url: str
    bucket: str = BUCKET
    images: Images = SOME
    secret: str = "carscribe"  # the benchmark's own server asks for none

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


def furnish(standin: StandIn) -> Place:
    """Put into the stand-in what the thin server has from the start."""
    place = Place(standin.url, "", secret=standin.secret.access_key)
    s3 = place.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for index, confidence in enumerate(SOME.confidences):
        answer = {"DetectLabels": labels(confidence, None, 0), "DetectText": text(index)}
        s3.put_object(
            Bucket=BUCKET, Key=SOME.key(index), Body=standin.teach(SOME.data(index), answer)
        )
    queue_url = place.client("sqs").create_queue(
        QueueName=QUEUE, Attributes={"VisibilityTimeout": "60"}
    )["QueueUrl"]
    return Place(standin.url, queue_url, secret=standin.secret.access_key)


@pytest.fixture(params=["stand-in", "thin"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Each of the two, one after the other."""
    if request.param == "stand-in":
        yield furnish(request.getfixturevalue("standin"))
        return
    with Thin(
        images=SOME.count, seed=SOME.seed, car_share=SOME.car_share, image_bytes=SOME.size_bytes
    ) as thin:
        yield Place(thin.url, thin.queue_url)
