"""Objects in a state that the emulator does not know, as AWS answers for them, with real workers."""

from __future__ import annotations

import http.client
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from tests.pipeline import Pipeline, Worker, car_answer, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

HOP_BY_HOP = {"connection", "content-length", "proxy-connection", "transfer-encoding"}
UPSTREAM_SECONDS = 60
COLD = 30


class Rule(NamedTuple):
    """What is answered in the service's place: a GET or HEAD of these keys, or a DetectLabels."""

    method: str
    keys: str
    code: str

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> bytes | None:
        """Return the body of the error; None where it is another call."""
        if self.method == "DetectLabels":
            if not request.headers.get("X-Amz-Target", "").endswith(self.method):
                return None
            name = json.loads(body)["Image"]["S3Object"]["Name"]
            return (
                json.dumps({"__type": self.code}).encode() if re.search(self.keys, name) else None
            )
        if request.command != self.method or not re.search(self.keys, urlsplit(request.path).path):
            return None
        return b"" if self.method == "HEAD" else f"<Error><Code>{self.code}</Code></Error>".encode()


@contextmanager
def proxy(*rules: Rule) -> Iterator[str]:
    """Serve as the HTTP proxy of a worker; return its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            for rule in rules:
                if (said := rule.answer(self, body)) is not None:
                    self.send(400, {}, said, len(said))
                    return
            url = urlsplit(self.path)
            upstream = http.client.HTTPConnection(url.netloc, timeout=UPSTREAM_SECONDS)
            kept = {n: v for n, v in self.headers.items() if n.lower() not in HOP_BY_HOP}
            upstream.request(self.command, url._replace(scheme="", netloc="").geturl(), body, kept)
            response = upstream.getresponse()
            data = response.read()
            kept = {n: v for n, v in response.getheaders() if n.lower() not in HOP_BY_HOP}
            length = int(response.getheader("Content-Length") or len(data))
            self.send(response.status, kept, data, length)
            upstream.close()

        def send(self, status: int, headers: dict[str, str], data: bytes, length: int) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else data)

        do_GET = do_HEAD = do_POST = answer  # noqa: N815 # their names in the library

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(pipeline: Pipeline, worker: str, *rules: Rule) -> tuple[Worker, Worker]:
    """Run both workers to their end, one of them behind the proxy."""
    with proxy(*rules) as url:
        pipeline.environ_of[worker] = {"HTTP_PROXY": url, "http_proxy": url}
        b, a = pipeline.start("b"), pipeline.start("a")
        assert (a.wait(), b.wait()) == (0, 0), a.log + b.log
    return a, b


def failures(worker: Worker) -> dict[str, str]:
    """Return the reason of each failure."""
    return {one["key"]: one["reason"] for one in worker.summary["failures"]}


def add(pipeline: Pipeline, *keys: str) -> None:
    """Put cars with a text each into the bucket."""
    for key in keys:
        pipeline.add(key, car_answer(99.0, f"TEXT {key[0]}"))


def test_objects_whose_kms_key_is_disabled(pipeline: Pipeline) -> None:
    """Disabled between A's detection and B's download, and first of all: each is a failure, no more."""
    locked = [f"a-{number:02}.jpg" for number in range(COLD)]
    add(pipeline, *locked, "x.jpg", "y.jpg", "z.jpg")
    _, b = run(pipeline, "b", Rule("GET", r"/a-\d\d\.jpg$", "KMS.DisabledException"))
    assert failures(b) == dict.fromkeys(locked, "kms-key")
    assert b.output == "x.jpg: TEXT x\ny.jpg: TEXT y\nz.jpg: TEXT z\n"


def test_archived_objects_that_come_first(pipeline: Pipeline) -> None:
    """However many of them no call has succeeded for, each is a failure, and the rest is read."""
    for number in range(COLD):
        body = pipeline.emulator.teach(picture(100 + number), car_answer(99.0, "COLD"))
        key = f"a-{number:02}.jpg"
        pipeline.s3.put_object(Bucket=pipeline.bucket, Key=key, Body=body, StorageClass="GLACIER")
    add(pipeline, "x.jpg", "y.jpg", "z.jpg")
    a, b = run(pipeline, "a", Rule("DetectLabels", "^a-", "InvalidS3ObjectException"))
    assert failures(a) == {f"a-{number:02}.jpg": "archived" for number in range(COLD)}
    assert b.output == "x.jpg: TEXT x\ny.jpg: TEXT y\nz.jpg: TEXT z\n"


def test_an_object_encrypted_with_a_key_of_its_sender(pipeline: Pipeline) -> None:
    """Of SSE-C a HEAD says no more than 400: that is the image's failure, and the run goes on."""
    add(pipeline, "1.jpg", "2.jpg")
    a, b = run(
        pipeline,
        "a",
        Rule("DetectLabels", r"^1\.jpg$", "InvalidS3ObjectException"),
        Rule("HEAD", r"/1\.jpg$", "400"),
    )
    assert failures(a) == {"1.jpg": "encrypted"}
    assert b.output == "2.jpg: TEXT 2\n"
