"""The clients of AWS: built once, with an explicit configuration, shared by all threads."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, IncompleteReadError

from carscribe_common import __version__
from carscribe_common.errors import Exit, WorkerExit, error_code_of, is_throttling

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from carscribe_common.rate_limit import RateLimiter

ATTEMPTS = 5
CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 30
"""Above the 20 s of a long poll of SQS, and far above what Rekognition takes."""

METADATA_ATTEMPTS = 5
METADATA_TIMEOUT_SECONDS = 2
"""botocore asks the instance's metadata once and for one second; at a boot that is too little."""


@dataclass
class Calls:
    """How many attempts of each operation were made, and how many of them were throttled."""

    attempts: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, operation: str, *, throttled: bool) -> None:
        """Count one attempt of an operation such as ``s3.GetObject``."""
        with self._lock:
            self.attempts[operation] += 1
            self.throttled += throttled

    def snapshot(self) -> dict[str, int]:
        """Return attempts by operation, in the order of their names."""
        with self._lock:
            return dict(sorted(self.attempts.items()))


@dataclass(frozen=True)
class Clients:
    """One client for each service, and what they have done."""

    s3: S3Client
    sqs: SQSClient
    rekognition: RekognitionClient
    calls: Calls


def build_clients(region: str, connections: int, pacer: RateLimiter) -> Clients:
    """Build the clients with the ordinary provider chain for endpoint and credentials.

    Args:
        region: for example ``us-east-1``.
        connections: how many threads call at once; pools are as large as that.
        pacer: every attempt of a Rekognition call waits for it before it is
            signed, and it hears of every throttled one.

    Raises:
        WorkerExit: CONFIG; region or endpoint are none.
    """
    calls = Calls()
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        max_pool_connections=connections,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        tcp_keepalive=True,
        user_agent_extra=f"carscribe/{__version__}",
    )
    core = botocore.session.get_session()
    core.set_config_variable("metadata_service_num_attempts", METADATA_ATTEMPTS)
    core.set_config_variable("metadata_service_timeout", METADATA_TIMEOUT_SECONDS)
    # Nobody here asks for a time, and reading one for each listed object costs a twentieth of A.
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_as_it_is)
    session = boto3.session.Session(botocore_session=core, region_name=region)
    try:
        clients = Clients(
            s3=session.client("s3", config=config),
            sqs=session.client("sqs", config=config),
            rekognition=session.client("rekognition", config=config),
            calls=calls,
        )
    except (BotoCoreError, ValueError) as error:
        raise WorkerExit(
            Exit.CONFIG, f"Cannot use AWS with these settings: {error}; correct them."
        ) from error

    # botocore's models stay: the garbage collector need not look at them again and again.
    gc.freeze()

    def wait_for_turn(**_: Any) -> None:
        pacer.acquire()

    def count_attempt(
        event_name: str, response: tuple[Any, dict[str, Any]] | None, **_: Any
    ) -> None:
        # event_name is needs-retry.SERVICE.OPERATION, emitted after each attempt.
        operation = event_name.partition(".")[2]
        throttled = response is not None and is_throttling(error_code_of(response[1]))
        calls.count(operation, throttled=throttled)
        if throttled and operation.startswith("rekognition."):
            pacer.throttled()

    clients.rekognition.meta.events.register("before-sign.rekognition", wait_for_turn)
    for client in (clients.s3, clients.sqs, clients.rekognition):
        client.meta.events.register_first("needs-retry", count_attempt)
        client.meta.events.register("before-parse", _refuse_cut_off)
    return clients


def _as_it_is(value: object) -> object:
    return value


def _refuse_cut_off(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Raise IncompleteReadError for a response whose connection broke off in the middle.

    botocore switches urllib3's own check of the length off, and reads JSON
    that is cut off as an answer without members: a car would be no car.
    """
    body = response_dict["body"]
    promised = response_dict["headers"].get("content-length")
    if operation_model.http.get("method") == "HEAD" or not isinstance(body, bytes):
        return  # without a body, or a stream, which checks itself
    if promised is not None and len(body) != int(promised):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(promised))
