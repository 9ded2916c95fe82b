"""What the thin server itself can do: raw requests over kept-alive connections.

`python -m benchmarks.ceiling URL SECONDS` prints calls a second for each
operation. The requests are prepared once and nothing is parsed but the length
of the answer, so that the server is what is measured.
"""

import asyncio
import base64
import json
import sys
import time
import urllib.request

CONNECTIONS = 16


def requests(url: str) -> dict[str, bytes]:
    """Prepare one request of each kind that the workers send most."""
    with urllib.request.urlopen(f"{url}/bench/00000000.jpg") as answer:  # noqa: S310
        image = base64.b64encode(answer.read()).decode()
    queue_url = f"{url}/123456789012/bench"
    attribute = {"DataType": "String", "StringValue": "0123456789abcdef"}
    entries = [
        {
            "Id": str(number),
            "MessageBody": "00000000.jpg",
            "MessageAttributes": dict.fromkeys(("run_id", "n", "etag"), attribute),
        }
        for number in range(10)
    ]

    def call(target: str, body: object) -> bytes:
        data = json.dumps(body).encode()
        head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {target}\r\n"
        return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data

    where = {"Bucket": "bench", "Name": "00000000.jpg"}
    return {
        "rekognition.DetectLabels": call(
            "RekognitionService.DetectLabels", {"Image": {"S3Object": where}}
        ),
        "s3.GetObject": b"GET /bench/00000000.jpg HTTP/1.1\r\nHost: x\r\n\r\n",
        "rekognition.DetectText": call(
            "RekognitionService.DetectText", {"Image": {"Bytes": image}}
        ),
        "sqs.SendMessageBatch": call(
            "AmazonSQS.SendMessageBatch", {"QueueUrl": queue_url, "Entries": entries}
        ),
        "sqs.ReceiveMessage": call(
            "AmazonSQS.ReceiveMessage", {"QueueUrl": queue_url, "MaxNumberOfMessages": 10}
        ),
    }


async def rate(host: str, port: int, request: bytes, seconds: float) -> float:
    """Send one request over and over on a few connections; return calls a second."""
    deadline = time.monotonic() + seconds

    async def one() -> int:
        reader, writer = await asyncio.open_connection(host, port)
        done = 0
        while time.monotonic() < deadline:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise AssertionError(head)
            await reader.readexactly(int(head.rpartition(b"Content-Length: ")[2]))
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
