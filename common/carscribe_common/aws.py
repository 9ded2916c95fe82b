"""AWS: the clients, built once and shared by all threads, and the one loop that retries.

Retries stand in three layers: botocore makes a few attempts of each call, the
loop of Caller goes on for as long as anything at all succeeds, and systemd
starts a worker again that gave up. Nothing else retries.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from carscribe_common import __version__
from carscribe_common.credentials import (
    METADATA_ATTEMPTS,
    METADATA_TIMEOUT_SECONDS,
    no_credentials,
)
from carscribe_common.errors import (
    KMS_KEY,
    AmbiguousError,
    Exit,
    ImageError,
    ShutdownRequested,
    TransientError,
    WorkerExit,
    classify,
    error_code_of,
    is_throttling,
)
from carscribe_common.rules import escape
from carscribe_common.signing import keep_signing_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from carscribe_common.circuit_breaker import CircuitBreaker
    from carscribe_common.cli import Shutdown
    from carscribe_common.rate_limit import RateLimiter

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

AWS_ERRORS = (ClientError, BotoCoreError, ResponseParserError)
"""What a call of boto3 raises: all that ``errors.classify`` knows."""

ATTEMPTS = 5
CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 30
"""Above the 20 s of a long poll of SQS, and far above what Rekognition takes."""

SEVERAL_READ_TIMEOUT_SECONDS = 10
"""Of Rekognition's one attempt where another region can take the image over."""


class Calls:
    """How many attempts of each operation were made, and what became of them. Thread-safe.

    The counts are named as the store keeps them: ``api:s3.GetObject`` for the
    attempts of one operation, ``throttled`` for those that were throttled, and
    ``errors_throttled`` for calls that were throttled in the last attempt too.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new: Counter[str] = Counter()

    def add(self, *names: str) -> None:
        """Add one to each of these counts."""
        with self._lock:
            self._new.update(names)

    def pending(self) -> Counter[str]:
        """Return the counts since the last ``take``."""
        with self._lock:
            return Counter(self._new)

    def take(self) -> Counter[str]:
        """Return the counts since the last time, for a transaction to add to the store's."""
        with self._lock:
            taken, self._new = self._new, Counter()
        return taken


@dataclass(frozen=True)
class Clients:
    """One client for each service, and what they have done.

    Attributes:
        rekognition: in the bucket's region.
        elsewhere: Rekognition in other regions, by their names.
    """

    s3: S3Client
    sqs: SQSClient
    rekognition: RekognitionClient
    calls: Calls
    elsewhere: Mapping[str, RekognitionClient] = field(default_factory=dict)

    def in_region(self, name: str) -> RekognitionClient:
        """Return Rekognition's client in one of the regions."""
        return self.elsewhere.get(name, self.rekognition)


def build_clients(region: str, connections: int, limiters: Mapping[str, RateLimiter]) -> Clients:
    """Build the clients with the ordinary provider chain for endpoint and credentials.

    Args:
        region: for example ``us-east-1``.
        connections: how many threads call at once; pools are as large as that.
        limiters: of each region in which Rekognition is asked, ``region``
            among them: every attempt of a call waits for its region's before it
            is signed, and that hears of every throttled one. With more than one
            region no client of Rekognition retries.

    Raises:
        WorkerExit: CONFIG if region or endpoint are none; DENIED if there are
            no credentials, TRANSIENT if the service that has them is silent.
    """
    calls = Calls()
    keep_signing_keys()
    core = botocore.session.get_session()
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        max_pool_connections=connections,
        # Our own parameters are right, or the service says so; checking them costs time.
        parameter_validation=False,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        tcp_keepalive=True,
        # Given whole, it is not put together from its parts anew for each attempt.
        user_agent=f"{core.user_agent()} carscribe/{__version__}",
    )
    core.set_config_variable("metadata_service_num_attempts", METADATA_ATTEMPTS)
    core.set_config_variable("metadata_service_timeout", METADATA_TIMEOUT_SECONDS)
    # Nobody here asks for a time, and reading one for each listed object costs a twentieth of A.
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_as_it_is)
    session = boto3.session.Session(botocore_session=core, region_name=region)
    one_attempt = Config(
        read_timeout=SEVERAL_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    of_rekognition = config.merge(one_attempt) if len(limiters) > 1 else config
    try:
        has_credentials = session.get_credentials() is not None
        clients = Clients(
            s3=session.client("s3", config=config),
            sqs=session.client("sqs", config=config),
            rekognition=session.client("rekognition", config=of_rekognition),
            calls=calls,
            elsewhere={
                name: session.client("rekognition", region_name=name, config=of_rekognition)
                for name in limiters
                if name != region
            },
        )
    except (BotoCoreError, ValueError) as error:
        raise WorkerExit(
            Exit.CONFIG, f"Cannot use AWS with these settings: {error}; correct them."
        ) from error
    if not has_credentials:
        # botocore does not ask again, so this process could not go on later either.
        raise no_credentials()

    # botocore's models stay: the garbage collector need not look at them again and again.
    gc.freeze()

    def count_attempt(
        event_name: str, response: tuple[Any, dict[str, Any]] | None, **_: Any
    ) -> None:
        # event_name is needs-retry.SERVICE.OPERATION, emitted after each attempt.
        operation = event_name.partition(".")[2]
        throttled = response is not None and is_throttling(error_code_of(response[1]))
        calls.add(f"api:{operation}", *(["throttled"] if throttled else []))

    for client in (clients.s3, clients.sqs, clients.rekognition, *clients.elsewhere.values()):
        client.meta.events.register_first("needs-retry", count_attempt)
        client.meta.events.register("before-parse", _refuse_cut_off)
    for name, limiter in limiters.items():
        _limit(clients.in_region(name), limiter)
    return clients


def _limit(client: RekognitionClient, limiter: RateLimiter) -> None:
    """Let every attempt of a client wait for its turn, and the limiter hear of throttled ones."""

    def wait_for_turn(**_: Any) -> None:
        limiter.acquire()

    def hear(response: tuple[Any, dict[str, Any]] | None, **_: Any) -> None:
        if response is not None and is_throttling(error_code_of(response[1])):
            limiter.throttled()

    client.meta.events.register("before-sign.rekognition", wait_for_turn)
    client.meta.events.register_first("needs-retry", hear)


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


def complete(answer: Answer, expect: str | None) -> Answer:
    """Return an answer that has the member that every answer has.

    Raises:
        ResponseStreamingError: it has not: nothing can be said of it.
    """
    if expect is not None and expect not in answer:  # type: ignore[operator]  # a TypedDict
        raise ResponseStreamingError(error=f"the answer lacks {expect}")
    return answer


FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
"""So long at the most a worker goes on waiting after what held it up has passed."""


class Caller:
    """Calls AWS until it answers, through all that passes by itself. Used by all threads.

    Its ``s3`` and ``sqs`` are clients whose methods it calls; so are those of ``clients``.

    Args:
        clients: of this process.
        breaker: decides when to give up, and what an ambiguous error means.
        shutdown: ends the waiting.
    """

    def __init__(self, clients: Clients, breaker: CircuitBreaker, shutdown: Shutdown) -> None:
        self.clients = clients
        self.s3, self.sqs = clients.s3, clients.sqs
        self.breaker = breaker
        self.shutdown = shutdown

    def __call__(
        self,
        operation: Callable[..., Answer],
        doing: str,
        *,
        expect: str | None = None,
        about_image: bool = False,
        of_object: bool = False,
        **parameters: Any,
    ) -> Answer:
        """Call one operation until it answers.

        Args:
            operation: a method of one of the clients.
            doing: what it does, for messages, such as ``list the bucket photos``.
            expect: the member that every answer has. botocore takes a body that
                is no JSON, or empty, for an answer without members: that would
                read as an image that shows nothing, so it is asked again.
            about_image: its success shows that images can be worked on.
            of_object: it concerns one object of S3, whose own an error may be.
            parameters: of the operation.

        Raises:
            ImageError, AmbiguousError: the object's own error, or perhaps.
            WorkerExit: the set-up's fault, or nothing succeeds any more.
            ShutdownRequested: the worker was told to end while it waited.
        """

        def attempt() -> Answer:
            return complete(operation(**parameters), expect)

        return self.until_done(attempt, doing, about_image=about_image, of_object=of_object)

    def batch(
        self,
        operation: Callable[..., Any],
        doing: str,
        entries: Sequence[Mapping[str, Any]],
        **parameters: Any,
    ) -> None:
        """Call a batch operation of SQS until each of its entries is taken.

        A batch that returns 200 may have failed entries: those, and only those,
        go again (SQS API reference, SendMessageBatch).

        Args:
            operation: such as ``sqs.send_message_batch``.
            doing: what it does, for messages.
            entries: ten at most, without their ``Id``.
            parameters: the others of the operation.

        Raises:
            WorkerExit, ShutdownRequested: as for a call.
        """
        left: dict[str, dict[str, Any]] = {
            str(i): {"Id": str(i), **entry} for i, entry in enumerate(entries)
        }

        def attempt() -> None:
            answer = operation(Entries=list(left.values()), **parameters)
            for taken in answer.get("Successful", ()):
                left.pop(taken["Id"], None)
            if not left:
                return
            failed = {item["Code"]: item for item in answer.get("Failed", ())}
            said = "; ".join(f"{code}: {item.get('Message', '')}" for code, item in failed.items())
            if any(item["SenderFault"] and "Access" in code for code, item in failed.items()):
                raise WorkerExit(
                    Exit.DENIED,
                    f"Cannot {doing}: AWS refuses it ({said}); give this role the permission.",
                )
            raise TransientError(
                f"cannot {doing}: {len(left)} of {len(entries)} messages not taken ({said})",
                throttled=any(map(is_throttling, failed)),
            )

        self.until_done(attempt, doing)

    def until_done(
        self,
        attempt: Callable[[], Answer],
        doing: str,
        *,
        about_image: bool = False,
        of_object: bool = False,
    ) -> Answer:
        """Make attempts until one succeeds: the loop behind each call; arguments as there."""
        began = time.monotonic()
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                answer = attempt()
            except (*AWS_ERRORS, TransientError) as error:
                meaning = classify(error, doing, of_object=of_object, about_image=about_image)
                if about_image and isinstance(meaning, ImageError):
                    self.breaker.success()
                if not isinstance(meaning, TransientError):
                    raise meaning from error
                if meaning.throttled:
                    self.clients.calls.add("errors_throttled")
                self.breaker.give_up_if_open(began, str(meaning))
                logger.warning("%s; trying again in %.1f s", meaning, pause)
                if self.shutdown.wait(pause):
                    raise ShutdownRequested from error
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                if about_image:
                    self.breaker.success()
                return answer

    def resolve_ambiguous(
        self, error: AmbiguousError, bucket: str, key: str, etag: str
    ) -> ImageError | WorkerExit:
        """Find out whose an ambiguous error is, by looking at the object itself.

        Both roles may list the bucket, so a missing key is a 404 and no 403 (S3
        API reference, HeadObject).

        Args:
            error: what a call about the object was answered.
            bucket: of the object.
            key: of the object.
            etag: of the content that was listed.

        Raises:
            WorkerExit, ShutdownRequested: as for a call.
        """
        own = self._own_error(bucket, key, etag)
        if own is not None:
            self.breaker.success()
            return own
        if not self.breaker.blames_set_up():
            return ImageError("denied" if error.is_denial else "refused", str(error))
        about = f"{escape(key)} in the bucket {bucket}"
        if error.is_denial:
            return WorkerExit(
                Exit.DENIED,
                f"Cannot read {about} ({error}): give this role s3:GetObject on it, and see that "
                "the bucket is in the region of the settings.",
            )
        return WorkerExit(
            Exit.CONFIG,
            f"Cannot read {about}: AWS answers {error}; correct the settings and start again.",
        )

    def _own_error(self, bucket: str, key: str, etag: str) -> ImageError | None:
        """Return what is wrong with an object itself, if anything is."""
        try:
            # Without IfMatch: a changed object is told from a forbidden one.
            head = self(
                self.s3.head_object,
                f"look at {escape(key)}",
                of_object=True,
                Bucket=bucket,
                Key=key,
            )
        except ImageError as own:
            return own
        except AmbiguousError as unclear:
            # If the bucket cannot even be listed, no image is to blame: this says so by raising.
            self(
                self.s3.list_objects_v2,
                f"list the bucket {bucket}",
                Bucket=bucket,
                Prefix=key,
                MaxKeys=1,
            )
            if unclear.code == "400":  # no more than that is said of it (S3 user guide, "SSE-C")
                return ImageError("encrypted", "it is encrypted with a key of its sender's own")
            return None
        return _error_of_state(head, etag)


def _error_of_state(head: Mapping[str, Any], etag: str) -> ImageError | None:
    """Return why an object cannot be read that HeadObject could look at, if its state says so."""
    if head["ETag"] != etag:
        return ImageError("changed", "it was replaced while the run was going on")
    storage = head.get("StorageClass", "STANDARD")
    archived = storage in {"GLACIER", "DEEP_ARCHIVE"} or "ArchiveStatus" in head
    if archived and 'ongoing-request="false"' not in head.get("Restore", ""):
        return ImageError("archived", f"its storage class is {storage}: restore it first")
    if head.get("ServerSideEncryption", "").startswith("aws:kms"):
        key = head.get("SSEKMSKeyId")
        return ImageError(
            KMS_KEY,
            f"its KMS key cannot be used: {key}; see that it is enabled, and that kms_key_arns has it",
        )
    return None
