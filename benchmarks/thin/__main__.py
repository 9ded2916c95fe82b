"""Run the server: `python -m benchmarks.thin '{"images": 1000, ...}'`.

The argument is the JSON form of `Plan`. The first line on standard output is
the address; the process ends when its standard input does.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import Any

from benchmarks.thin.counts import Counts
from benchmarks.thin.http import Connection, Request
from benchmarks.images import Images
from benchmarks.thin.queue import Queue
from benchmarks.thin.rekognition import Behavior, Rekognition
from benchmarks.bucket import S3
from benchmarks.thin.sqs import JSON_10, SQS
from carscribe_common.protocol import DIGEST_MODULUS, Car, Done, Message, car_hash, entry

ADMIN = "/_carscribe/"


@dataclass(frozen=True)
class Plan:
    """Everything that a run of the server is given."""

    images: int = 10
    seed: int = 1
    car_share: float = 0.5
    image_bytes: int = 50_000
    prefix: str = ""
    bucket: str = "bench"
    queue: str = "bench"
    region: str = "us-east-1"
    rekognition: dict[str, dict[str, Any]] = field(default_factory=dict)
    queued_run_id: str = ""  # put every car and the -1 of this run on the queue beforehand

    def behaviors(self) -> dict[str, Behavior]:
        """Return how the two operations behave; without a word, at once and without limit."""
        boundless: dict[str, Any] = {"schedule": [[0.0, 1e9]]}
        return {
            name: Behavior(**{**boundless, **self.rekognition.get(name, {})})
            for name in ("DetectLabels", "DetectText")
        }


class Server:
    """The three services behind one address."""

    def __init__(self, plan: Plan) -> None:
        self.counts = Counts()
        self.images = Images(plan.images, plan.seed, plan.car_share, plan.image_bytes, plan.prefix)
        self.queue = Queue(plan.seed)
        self.s3 = S3(self.images, plan.bucket, plan.region, self.counts)
        self.sqs = SQS(self.queue, plan.queue, plan.region, self.counts)
        self.rekognition = Rekognition(
            self.images, plan.bucket, plan.behaviors(), self.counts, plan.seed
        )
        if plan.queued_run_id:
            self._fill_queue(plan.queued_run_id)

    def _fill_queue(self, run_id: str) -> None:
        cars = digest = 0
        for index, confidence in enumerate(self.images.confidences):
            if confidence and confidence > 90:
                cars += 1
                key, etag = self.images.key(index), f'"{self.images.etag(index)}"'
                self._put(Car(run_id, cars, key, etag, self.images.length))
                digest += car_hash(cars, key, etag)
        self._put(Done(run_id, cars, digest % DIGEST_MODULUS))

    def _put(self, message: Message) -> None:
        form = entry(message)
        self.queue.send(form["MessageBody"], form["MessageAttributes"], 0.0)

    def handle(self, request: Request) -> None:
        """Hand a request to its service."""
        target = request.headers.get("x-amz-target")
        if target is not None:
            service, _, operation = target.partition(".")
            if service == "RekognitionService":
                self.rekognition.handle(operation, request)
            else:
                self.sqs.handle(operation, request)
        elif request.path.startswith(ADMIN):
            request.reply(json.dumps(self.admin(request)).encode(), JSON_10)
        else:
            self.s3.handle(request)

    def admin(self, request: Request) -> Any:
        """Answer the benchmark itself."""
        match request.path.removeprefix(ADMIN):
            case "counts":
                return self.counts.summary()
            case "trace":
                return {**self.counts.trace(), "images": self.rekognition.answered}
            case "images":
                return {"count": self.images.count, "cars": self.images.cars}
            case "queue":
                queue = self.queue
                return {"depth": queue.depth, "in_flight": queue.in_flight, "dead": len(queue.dead)}
            case "reset":
                self.counts.reset()
                return {}
            case unknown:
                return {"error": f"no {unknown} here"}


async def serve(plan: Plan) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = Server(plan)
    listener = await loop.create_server(
        lambda: Connection(server.handle), "127.0.0.1", 0, backlog=256
    )
    port = listener.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    listener.close()


if __name__ == "__main__":
    asyncio.run(serve(Plan(**json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}"))))
