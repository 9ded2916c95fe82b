"""What the emulator itself can do: signed requests over kept-alive connections.

`python -m benchmarks.ceiling URL SECONDS` prints calls a second for each
operation. The requests are prepared once and nothing is parsed but the length
of the answer, so that the emulator is what is measured.
"""

import asyncio
import base64
import json
import os
import sys
import time
import urllib.request
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.harness import BUCKET, QUEUE, REGION

CONNECTIONS = 16
CALLS_MAX = 11_000
"""Of an operation: a queue has at most 120,000 messages in flight, ten to a call."""
EMPTY = len("{}")


def signed(
    method: str, url: str, service: str, target: str = "", parameters: object = None
) -> AWSRequest:
    """Return a request of the environment's credentials."""
    body = b"" if parameters is None else json.dumps(parameters).encode()
    asked = AWSRequest(method, url, data=body, headers={"X-Amz-Target": target} if target else {})
    credentials = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    signer: Any = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(credentials, service, REGION).add_auth(asked)
    return asked


def written(asked: AWSRequest) -> bytes:
    """Return a request as it goes over the wire."""
    place, _, path = str(asked.url).removeprefix("http://").partition("/")
    body: bytes = asked.data or b""
    headers = {"Host": place, **dict(asked.headers.items()), "Content-Length": len(body)}
    lines = [f"{asked.method} /{path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def requests(url: str) -> dict[str, bytes]:
    """Prepare one request of each kind that the workers send most."""
    name = "00000000.jpg"
    get = signed("GET", f"{url}/{BUCKET}/{name}", "s3")
    fetch = urllib.request.Request(str(get.url), headers=dict(get.headers.items()))  # noqa: S310
    with urllib.request.urlopen(fetch) as answer:  # noqa: S310
        image = base64.b64encode(answer.read()).decode()
    queue_url = f"{url}/123456789012/{QUEUE}"
    attribute = {"DataType": "String", "StringValue": "0123456789abcdef"}
    entries = [
        {
            "Id": str(number),
            "MessageBody": name,
            "MessageAttributes": dict.fromkeys(("run_id", "n", "etag"), attribute),
        }
        for number in range(10)
    ]

    def call(service: str, target: str, parameters: object) -> bytes:
        return written(signed("POST", f"{url}/", service, target, parameters))

    where = {"Bucket": BUCKET, "Name": name}
    return {
        "rekognition.DetectLabels": call(
            "rekognition", "RekognitionService.DetectLabels", {"Image": {"S3Object": where}}
        ),
        "s3.GetObject": written(get),
        "rekognition.DetectText": call(
            "rekognition", "RekognitionService.DetectText", {"Image": {"Bytes": image}}
        ),
        "sqs.SendMessageBatch": call(
            "sqs", "AmazonSQS.SendMessageBatch", {"QueueUrl": queue_url, "Entries": entries}
        ),
        "sqs.ReceiveMessage": call(
            "sqs", "AmazonSQS.ReceiveMessage", {"QueueUrl": queue_url, "MaxNumberOfMessages": 10}
        ),
    }


async def rate(host: str, port: int, request: bytes, seconds: float) -> float:
    """Send one request over and over on a few connections; return calls a second.

    It ends earlier where nothing is left to answer: a receive from an empty queue does not count.
    """
    deadline = time.monotonic() + seconds

    async def one() -> int:
        reader, writer = await asyncio.open_connection(host, port)
        done = 0
        while time.monotonic() < deadline and done < CALLS_MAX // CONNECTIONS:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise AssertionError(head)
            length = int(head.rpartition(b"Content-Length: ")[2])
            await reader.readexactly(length)
            if length <= EMPTY:
                break
            done += 1
        writer.close()
        return done

    began = time.monotonic()
    done = await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return sum(done) / (time.monotonic() - began)


def main(url: str, seconds: str) -> None:
    """Measure and print."""
    host, port = url.removeprefix("http://").split(":")
    measured = {
        name: round(asyncio.run(rate(host, int(port), request, float(seconds))))
        for name, request in requests(url).items()
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
