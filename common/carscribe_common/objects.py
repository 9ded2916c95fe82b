"""One object of S3, where an error may be its own fault or the whole set-up's."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ResponseStreamingError
from botocore.parsers import ResponseParserError

from carscribe_common.errors import (
    AmbiguousError,
    Exit,
    ImageError,
    TransientError,
    WorkerExit,
    classify,
)
from carscribe_common.rules import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

    from carscribe_common.circuit_breaker import CircuitBreaker
    from carscribe_common.cli import Shutdown

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
"""So long at the most a worker goes on waiting after what held it up has passed."""


class ShutdownRequested(Exception):  # noqa: N818 - no error: somebody asked for it
    """The worker is to end; what was in hand is not settled."""


def call_until_answered(
    call: Callable[[], Answer],
    doing: str,
    *,
    evidence: CircuitBreaker,
    stop: Shutdown,
    about_image: bool = False,
    of_object: bool = False,
) -> Answer:
    """Call AWS until it answers, through all that passes by itself.

    botocore has tried each call a few times already; this goes on for as long
    as anything at all succeeds, see CircuitBreaker.

    Args:
        call: one call of boto3.
        doing: what it does, for messages.
        evidence: decides when to give up.
        stop: ends the waiting.
        about_image: its success is evidence that images can be worked on.
        of_object: it concerns one object of S3, whose own fault an error may be.

    Raises:
        ImageError, AmbiguousError: the object's fault, or perhaps.
        WorkerExit: the set-up's fault, or nothing succeeds any more.
        ShutdownRequested: the worker was told to end while it waited.
    """
    began = time.monotonic()
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            answer = call()
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            verdict = classify(error, doing, of_object=of_object)
            if about_image and isinstance(verdict, ImageError):
                evidence.success()
            if not isinstance(verdict, TransientError):
                raise verdict from error
            evidence.give_up_if_hopeless(began, str(verdict))
            logger.warning("%s; trying again in %.1f s", verdict, pause)
            if stop.wait(pause):
                raise ShutdownRequested from error
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        else:
            if about_image:
                evidence.success()
            return answer


def whole(answer: Answer, part: str) -> Answer:
    """Return an answer that has the part which it must have.

    botocore takes a body that is no JSON, or empty, for an answer without any
    parts: that would read as an image that shows nothing.

    Raises:
        ResponseStreamingError: the part is missing, the call is to be made again.
    """
    if part not in answer:  # type: ignore[operator]  # a TypedDict of the stubs
        raise ResponseStreamingError(error=f"the answer lacks {part}")
    return answer


def resolve_ambiguous(
    fault: AmbiguousError,
    s3: S3Client,
    bucket: str,
    key: str,
    etag: str,
    *,
    evidence: CircuitBreaker,
    stop: Shutdown,
) -> Exception:
    """Find out whose fault an ambiguous error is, by looking at the object itself.

    Both roles may list the bucket, so a missing key is a 404 and no 403 (S3
    API reference, HeadObject).

    Returns:
        ImageError or WorkerExit.

    Raises:
        WorkerExit, ShutdownRequested: as call_until_answered.
    """
    try:
        # boto3 adds no IfMatch here: a changed object is told from a forbidden one.
        head = call_until_answered(
            lambda: s3.head_object(Bucket=bucket, Key=key),
            f"look at {escape(key)}",
            evidence=evidence,
            stop=stop,
            of_object=True,
        )
    except ImageError as own:
        evidence.success()
        return own
    except AmbiguousError:
        # If the bucket cannot even be listed, no image is to blame: this says so by raising.
        call_until_answered(
            lambda: s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1),
            f"list the bucket {bucket}",
            evidence=evidence,
            stop=stop,
        )
    else:
        if head["ETag"] != etag:
            evidence.success()
            return ImageError("changed", "it was replaced while the run was going on")
    if evidence.blames_set_up():
        return WorkerExit(
            Exit.DENIED,
            f"Cannot read {escape(key)} in the bucket {bucket} ({fault}): give this role "
            "s3:GetObject on it, and see that the bucket is in the region of the settings.",
        )
    return ImageError("denied", str(fault))
