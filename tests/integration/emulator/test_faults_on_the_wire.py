"""Faults over the wire, for every service, and the running counts."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from tests.samples import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator import Emulator

FIRST = {"S3Object": {"Bucket": BUCKET, "Name": "1.jpg"}}
LABELS = "rekognition.DetectLabels"


def calls(emulator: Emulator) -> dict[str, Callable[[], Any]]:
    """Make a call of each service."""
    s3, sqs, rekognition = (emulator.client(name) for name in ("s3", "sqs", "rekognition"))
    ec2, iam = emulator.client("ec2"), emulator.client("iam")

    def read_object() -> Any:
        return s3.get_object(Bucket=BUCKET, Key="1.jpg")["Body"].read()

    return {
        "s3.GetObject": read_object,
        "sqs.ListQueues": sqs.list_queues,
        LABELS: lambda: rekognition.detect_labels(Image=FIRST),
        "ec2.DescribeInstances": ec2.describe_instances,
        "iam.ListUsers": iam.list_users,
    }


def code_of(call: Callable[[], Any]) -> tuple[str, int]:
    """Make a call that is refused; return the code and the HTTP status."""
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.usefixtures("image")
def test_every_service_is_throttled_by_its_own_error(emulator: Emulator) -> None:
    """Each service says "too fast" by the name and status that botocore retries."""
    emulator.faults({"operations": {"*": {"throttle_share": 1}}})
    codes = {name: code_of(call) for name, call in calls(emulator).items()}
    assert codes == {
        "s3.GetObject": ("SlowDown", 503),
        "sqs.ListQueues": ("RequestThrottled", 403),
        LABELS: ("ProvisionedThroughputExceededException", 400),
        "ec2.DescribeInstances": ("RequestLimitExceeded", 503),
        "iam.ListUsers": ("Throttling", 400),
    }
    assert {row["throttled"] for row in emulator.counts().values()} == {1, 0}


@pytest.mark.usefixtures("image")
def test_every_service_fails_by_its_own_error(emulator: Emulator) -> None:
    """Each service says "our own fault" by its own name, with status 500."""
    emulator.faults({"operations": {"*": {"error_share": 1}}})
    codes = {name: code_of(call) for name, call in calls(emulator).items()}
    assert {status for _, status in codes.values()} == {500}
    assert codes[LABELS][0] == "InternalServerError"
    assert codes["s3.GetObject"][0] == "InternalError"


@pytest.mark.usefixtures("image")
def test_a_dropped_connection_is_counted_for_every_service(emulator: Emulator) -> None:
    """The call is carried out and counted as dropped; botocore itself does not always notice."""
    emulator.faults({"operations": {"*": {"drop_share": 1}}})
    made = calls(emulator)
    for call in made.values():
        with contextlib.suppress(BotoCoreError, ResponseParserError):
            call()
    counts = emulator.counts()
    assert {name: counts[name]["dropped"] for name in made} == dict.fromkeys(made, 1)
    with pytest.raises(ResponseStreamingError):
        made["s3.GetObject"]()


@pytest.mark.usefixtures("image")
def test_half_of_the_response_is_really_sent(emulator: Emulator) -> None:
    """The bytes that arrive are fewer than the header promises, and more than none."""
    emulator.faults({"operations": {"*": {"drop_share": 1}}})
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as connection:
        connection.sendall(emulator.raw_request("GET", f"/{BUCKET}"))
        received = b""
        while part := connection.recv(65536):
            received += part
    header, _, body = received.partition(b"\r\n\r\n")
    promised = next(
        int(line.split(b":")[1])
        for line in header.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    assert 0 < len(body) < promised


@pytest.mark.usefixtures("image")
def test_a_limit_lets_through_its_rate(emulator: Emulator) -> None:
    """Twenty calls at once under a limit of five: five pass, the rest is throttled."""
    client = emulator.client("rekognition", config=Config(max_pool_connections=20))
    emulator.faults({"operations": {LABELS: {"tps": 0.01, "burst": 5}}})

    def ask(_: int) -> str:
        try:
            client.detect_labels(Image=FIRST)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ok"

    with ThreadPoolExecutor(20) as pool:
        outcomes = Counter(pool.map(ask, range(20)))
    row = emulator.counts()[LABELS]
    assert outcomes["ok"] == 5
    assert set(outcomes) == {
        "ok",
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
    }
    assert (row["calls"], row["ok"], row["throttled"]) == (20, outcomes["ok"], 20 - outcomes["ok"])


@pytest.mark.usefixtures("image")
def test_latency_holds_for_the_named_operation_alone(emulator: Emulator) -> None:
    """A slow operation does not slow the others."""
    emulator.faults({"operations": {LABELS: {"latency_seconds": 1.0}}})
    made = calls(emulator)
    for call in made.values():
        call()  # models are loaded, connections are open
    seconds: dict[str, list[float]] = {LABELS: [], "s3.GetObject": []}
    for name, found in seconds.items():
        for _ in range(5):  # of which some may be slowed by whatever else the machine does
            begin = time.monotonic()
            made[name]()
            found.append(time.monotonic() - begin)
    assert min(seconds[LABELS]) >= 1.0
    assert min(seconds["s3.GetObject"]) < 0.9


@pytest.mark.usefixtures("image")
def test_a_latency_ends_with_its_setting(emulator: Emulator) -> None:
    """A call that waits is answered as soon as other faults are set."""
    emulator.faults({"operations": {LABELS: {"latency_seconds": 600}}})
    client = emulator.client("rekognition")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.detect_labels, Image=FIRST)
        end = time.monotonic() + 20
        while not emulator.call("GET", "_carscribe/in_flight").get(LABELS):
            assert time.monotonic() < end, "the call never came"
            time.sleep(0.02)
        emulator.faults({})
        assert waiting.result(30)["Labels"]


@pytest.mark.usefixtures("image")
def test_silence_accepts_and_does_not_answer(emulator: Emulator) -> None:
    """While silent a request gets no answer at all; afterwards all is as before."""
    config = Config(read_timeout=0.3)
    client = emulator.client("rekognition", config=config)
    emulator.faults({"silence_seconds": 60})
    with pytest.raises(ReadTimeoutError):
        client.detect_labels(Image=FIRST)
    emulator.faults({})
    assert client.detect_labels(Image=FIRST)["Labels"]
    end = time.monotonic() + 5
    while emulator.counts()[LABELS]["dropped"] == 0 and time.monotonic() < end:
        time.sleep(0.05)
    row = emulator.counts()[LABELS]
    assert (row["calls"], row["ok"], row["dropped"]) == (2, 1, 1)


@pytest.mark.usefixtures("image")
def test_counts_tell_errors_from_successes(emulator: Emulator) -> None:
    """A call that the service refuses is an error, and a reset forgets it all."""
    client = emulator.client("rekognition")
    client.detect_labels(Image=FIRST)
    code_of(lambda: client.detect_labels(Image={"Bytes": b"none"}))
    assert emulator.counts()[LABELS] == {
        "calls": 2,
        "ok": 1,
        "throttled": 0,
        "errors": 1,
        "dropped": 0,
    }
    emulator.call("POST", "_carscribe/reset")
    assert emulator.counts() == {}


def test_a_wrong_setting_is_refused_and_changes_nothing(emulator: Emulator) -> None:
    """A misspelt fault is told at once, and the former faults stay."""
    emulator.faults({"operations": {"*": {"error_share": 1}}})
    with pytest.raises(OSError, match="400"):
        emulator.faults({"operations": {"*": {"eror_share": 0}}})
    assert code_of(emulator.client("sqs").list_queues)[1] == 500
