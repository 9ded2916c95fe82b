"""The emulator with a bucket of generated images: `python -m benchmarks.server '{"images": 9}'`.

The argument is the JSON form of `Plan`. The first line on standard output is
the address, the lines behind it are the credentials; the process ends when
its standard input does.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.bucket import Bucket
from benchmarks.harness import BUCKET, QUEUE, REGION, queue_of
from benchmarks.images import Images
from benchmarks.recorded import GeneratedRekognition
from benchmarks.trace import Trace
from carscribe_common.protocol import DIGEST_MODULUS, Car, Done, Message, car_hash, entry
from emulator import lifetime, shapes
from emulator.faults import Faults
from emulator.messages import Answer, Request
from emulator.secret import Secret
from emulator.server import Emulator
from emulator.sqs.service import Caller

LOOPBACK = "127.0.0.1"
DEAD_LETTERS = f"{QUEUE}-dead-letters"
VISIBILITY_SECONDS, RECEIVES_MAX = 60, 5
CAR_ABOVE = 90


@dataclass(frozen=True)
class Plan:
    """Everything that a run of the server is given."""

    images: int = 10
    seed: int = 1
    car_share: float = 0.5
    image_bytes: int = 50_000
    prefix: str = ""
    rekognition: dict[str, Any] = field(default_factory=dict)
    """By operation, how it behaves: see emulator/faults.py."""
    pairs: int = 1
    """Of workers: each has a queue of its own."""
    queued_run_id: str = ""
    """Put every car and the -1 of this run on the queue beforehand."""
    queued_after: int = 0
    """Leave out so many of the cars, the first ones, which B has settled."""


class Server(Emulator):
    """The emulator, with a queue, and a bucket that moto does not keep."""

    counts: Trace
    rekognition: GeneratedRekognition

    def __init__(self, plan: Plan, secret: Secret) -> None:
        operations = {f"rekognition.{name}": each for name, each in plan.rekognition.items()}
        faults = Faults({"seed": plan.seed, "operations": operations})
        super().__init__(None, REGION, faults, secret=secret)
        self.images = Images(plan.images, plan.seed, plan.car_share, plan.image_bytes, plan.prefix)
        self.bucket = Bucket(self.images, BUCKET, REGION)
        self.counts = Trace()
        self.rekognition = GeneratedRekognition(self.images, BUCKET)
        for pair in range(1, plan.pairs + 1):
            self._make_queue(queue_of(pair))
        if plan.queued_run_id:
            self._fill_queue(plan.queued_run_id, plan.queued_after)

    def carry_out(self, operation: str, request: Request) -> Answer | Awaitable[Answer]:
        """Answer for the generated bucket, and leave the rest to the services."""
        if operation.startswith("s3.") and self.bucket.has(request):
            return self.bucket.answer(operation.removeprefix("s3."), request)
        return super().carry_out(operation, request)

    def control(self, request: Request) -> Answer | Awaitable[Answer]:
        """Answer the benchmark itself."""
        match request.path.removeprefix("/_carscribe/"):
            case "trace":
                times, answered = self.counts.times(), self.rekognition.answered
                return Answer.of_json({"operations": times, "images": answered})
            case "images":
                return Answer.of_json({"count": self.images.count, "cars": self.images.cars})
            case "queue":
                return Answer.of_json(self._queue())
        return super().control(request)

    # --- the queue ---------------------------------------------------------------
    def _ask_sqs(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.sqs.service.call(operation, parameters, Caller(REGION, ""))

    def _make_queue(self, name: str) -> None:
        self._ask_sqs("CreateQueue", QueueName=DEAD_LETTERS)
        found = self._ask_sqs(
            "GetQueueAttributes", QueueUrl=DEAD_LETTERS, AttributeNames=["QueueArn"]
        )
        redrive = {
            "deadLetterTargetArn": found["Attributes"]["QueueArn"],
            "maxReceiveCount": RECEIVES_MAX,
        }
        attributes = {
            "RedrivePolicy": json.dumps(redrive),
            "VisibilityTimeout": str(VISIBILITY_SECONDS),
        }
        self._ask_sqs("CreateQueue", QueueName=name, Attributes=attributes)

    def _fill_queue(self, run_id: str, after: int) -> None:
        messages: list[Message] = []
        n = digest = 0
        for index, confidence in enumerate(self.images.confidences):
            if confidence and confidence > CAR_ABOVE:
                n, key, etag = n + 1, self.images.key(index), self.images.etag(index)
                if n > after:
                    messages.append(Car(run_id, n, key, f'"{etag}"', self.images.length))
                digest += car_hash(n, key, f'"{etag}"')
        messages.append(Done(run_id, n, digest % DIGEST_MODULUS))
        for message in messages:
            self._ask_sqs("SendMessage", QueueUrl=QUEUE, **entry(message))

    def _queue(self) -> dict[str, int]:
        """Count the messages: those that wait, are in flight, and were given up."""

        def count(queue: str, which: str = "") -> int:
            name = f"ApproximateNumberOfMessages{which}"
            found = self._ask_sqs("GetQueueAttributes", QueueUrl=queue, AttributeNames=[name])
            return int(found["Attributes"][name])

        return {
            "depth": count(QUEUE),
            "in_flight": count(QUEUE, "NotVisible"),
            "dead": count(DEAD_LETTERS),
        }


async def serve(plan: Plan) -> None:
    """Serve until standard input ends."""
    secret = Secret()
    server = Server(plan, secret)
    shapes.service_model()  # else the first call would wait for it
    lifetime.spare_collections()
    await server.listen(LOOPBACK, 0)
    print(f"http://{LOOPBACK}:{server.port}\n{secret.as_shell()}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.stop()


if __name__ == "__main__":
    asyncio.run(serve(Plan(**json.loads(sys.argv[1]))))
