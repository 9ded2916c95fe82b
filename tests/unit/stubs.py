"""Clients of AWS whose answers a test writes down: botocore's own Stubber, which checks both ways.

What a worker asks is checked against what the test expects and against the
service's model; what the test answers is checked against the model, too.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.stub import Stubber

from carscribe_common.aws import Caller, Calls, Clients
from carscribe_common.circuit_breaker import CircuitBreaker
from carscribe_common.cli import Shutdown

SERVICES = ("s3", "sqs", "rekognition")


@cache
def _client(service: str) -> Any:
    """Build a client, once for all tests: that takes its time."""
    make: Any = boto3.client
    return make(
        service,
        region_name="us-east-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(retries={"total_max_attempts": 1}),
    )


class StubbedAWS:
    """The three clients, each with its answers, and a caller of them.

    Attributes:
        s3, sqs, rekognition: where a test writes down what is expected and answered.
        calls: what was counted.
        shutdown: nobody has asked for the end.
        call: as the workers have it.
    """

    def __init__(self, *, works: bool = True) -> None:
        self.s3, self.sqs, self.rekognition = (Stubber(_client(name)) for name in SERVICES)
        self.calls = Calls()
        self.shutdown = Shutdown()
        clients = Clients(_client("s3"), _client("sqs"), _client("rekognition"), self.calls)
        breaker = CircuitBreaker(60, seen_success=works, patience_seconds=0.01)
        self.call = Caller(clients, breaker, self.shutdown)

    def __enter__(self) -> Self:
        for stubber in (self.s3, self.sqs, self.rekognition):
            stubber.activate()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for stubber in (self.s3, self.sqs, self.rekognition):
            stubber.deactivate()
            if kind is None:
                stubber.assert_no_pending_responses()


class FakePool:
    """Takes what is to be done; what comes of it is the test's to say."""

    def __init__(self, capacity: int = 100) -> None:
        self.capacity = capacity
        self.submitted: list[Any] = []

    def submit(self, job: Any) -> None:
        """Take it."""
        self.submitted.append(job)
