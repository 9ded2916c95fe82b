"""Rekognition in the bucket's region, or in several whose quotas are used together.

The quota holds for each region by itself, and Rekognition takes an image's
bytes from anywhere. So each region has a rate limiter, a cap of calls in flight
and a circuit breaker of its own; an image goes where the cap is used least, and
what a region leaves goes to another. Another region's answer settles an image
only if it is a success: whatever it refuses the bucket's region is asked about.

With the bucket's region alone all of this is the one call that retries.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from carscribe_common.aws import AWS_ERRORS, complete
from carscribe_common.errors import (
    ImageError,
    ShutdownRequested,
    TransientError,
    WorkerExit,
    classify,
)
from carscribe_common.picture import BYTES_MAX
from carscribe_common.pool import FIRST_LATENCY_SECONDS, SMOOTHING, calls_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_rekognition.type_defs import ImageTypeDef

    from carscribe_common.aws import Caller
    from carscribe_common.picture import Picture
    from carscribe_common.rate_limit import RateLimiter

logger = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 5
"""So many calls without an answer, or with a 5xx, and a region is left out for a while."""

OUT_SECONDS = 5.0
OUT_SECONDS_MAX = 60.0
"""Twice as long each time that the one call that tries it afterwards fails too."""

_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError)

STEP_SECONDS = 0.1
"""How often a thread that waits for a place looks whether it is to end."""


class Answered(NamedTuple):
    """What Rekognition said, and where.

    Attributes:
        answer: of the operation.
        region: which one gave it.
        bytes_elsewhere: so many bytes of the picture left the bucket's region for it.
    """

    answer: Any
    region: str
    bytes_elsewhere: int = 0


@dataclass
class Region:
    """One region: how fast it may be asked, how many calls it has, and whether it works.

    Attributes:
        in_flight: calls that have a place.
        latency_seconds: the running mean of calls that were answered, download included.
        failures: in a row, see FAILURES_IN_A_ROW.
        out_until: it is left out up to then, time.monotonic(); for ever if it is denied.
    """

    name: str
    client: RekognitionClient
    limiter: RateLimiter
    concurrency_max: int
    in_flight: int = 0
    latency_seconds: float = FIRST_LATENCY_SECONDS
    failures: int = 0
    out_until: float = 0.0
    out_seconds: float = OUT_SECONDS

    @property
    def is_denied(self) -> bool:
        """Whether this process asks it nothing any more."""
        return self.out_until == math.inf

    @property
    def is_open(self) -> bool:
        """Whether it is asked."""
        return time.monotonic() >= self.out_until

    @property
    def cap(self) -> int:
        """How many calls it may have in flight; one alone tries a region that was left out."""
        if self.failures >= FAILURES_IN_A_ROW:
            return 1
        worth_having = calls_at_once(self.limiter.rate_per_second, self.latency_seconds)
        return min(worth_having, self.concurrency_max)

    def succeeded(self) -> None:
        """Hear that it answered."""
        if self.failures >= FAILURES_IN_A_ROW and not self.is_denied:
            logger.warning("%s answers again", self.name)
            self.out_until = 0.0
        self.failures, self.out_seconds = 0, OUT_SECONDS

    def failed(self, why: str) -> None:
        """Hear that it did not; a call that was begun before it was left out says nothing new."""
        if not self.is_open:
            return
        self.failures += 1
        if self.failures >= FAILURES_IN_A_ROW:
            logger.warning("%s is left out for %g s: %s", self.name, self.out_seconds, why)
            self.out_until = time.monotonic() + self.out_seconds
            self.out_seconds = min(self.out_seconds * 2, OUT_SECONDS_MAX)

    def denied(self, why: str) -> None:
        """Hear that it may not be asked."""
        if not self.is_denied:
            logger.warning("%s is left out for this run: %s", self.name, why)
            self.out_until = math.inf


class Regions:
    """The regions of one worker. Used by all threads.

    Args:
        call: asks until it is answered.
        limiters: of each region by its name, the bucket's own first.
        concurrency_max: so many calls in flight in each region at the most.

    Attributes:
        call: as given, for what is asked of S3.
        home: the bucket's own region.
        waited: seconds that the current thread waited for a turn in all.
    """

    def __init__(
        self,
        call: Caller,
        limiters: Mapping[str, RateLimiter],
        concurrency_max: int,
    ) -> None:
        self.call = call
        self._calls = call.clients.calls
        self._changed = threading.Condition()
        self._regions = [
            Region(name, call.clients.in_region(name), limiter, concurrency_max)
            for name, limiter in limiters.items()
        ]
        self.home = self._regions[0]
        self.waited = self.home.limiter.waited
        for region in self._regions:
            region.limiter.waited = self.waited

    def __len__(self) -> int:
        return len(self._regions)

    @property
    def rate_per_second(self) -> float:
        """The rate at this moment, of all that are asked."""
        return sum(r.limiter.rate_per_second for r in self._regions if r.is_open)

    def states(self) -> dict[str, str]:
        """Return what is the matter with each region: ``in use``, ``left out`` or ``denied``."""
        return {
            r.name: "denied" if r.is_denied else "in use" if r.is_open else "left out"
            for r in self._regions
        }

    def ask(
        self,
        operation: str,
        doing: str,
        picture: Picture,
        *,
        at_home: Callable[[], AbstractContextManager[ImageTypeDef]],
        expect: str,
        of_object: bool = False,
        **parameters: Any,
    ) -> Answered:
        """Ask about a picture until one of the regions answers.

        Args:
            operation: of Rekognition, such as ``detect_text``.
            doing: what it does, for messages.
            picture: it goes as bytes to any region but the bucket's own.
            at_home: gives it to the bucket's own region.
            expect: the member that every answer has.
            of_object: at home the object is read, whose own an error may be.
            parameters: the others of the operation.

        Raises:
            ImageError, AmbiguousError, WorkerExit, ShutdownRequested: as for a call.
        """
        if len(self) == 1:
            with at_home() as image:
                answer = self.call(
                    getattr(self.home.client, operation),
                    doing,
                    expect=expect,
                    about_image=True,
                    of_object=of_object,
                    Image=image,
                    **parameters,
                )
            return Answered(answer, self.home.name)

        def ask_in(region: Region) -> Answered:
            is_home = region is self.home
            began, waited = time.monotonic(), self.waited.seconds
            with at_home() if is_home else picture.as_bytes() as image:
                try:
                    answer = complete(
                        getattr(region.client, operation)(Image=image, **parameters), expect
                    )
                except AWS_ERRORS as error:
                    raise self._meaning(
                        error, region, doing, of_object=of_object and is_home
                    ) from error
            self._answered(region, time.monotonic() - began - (self.waited.seconds - waited))
            return Answered(answer, region.name, 0 if is_home else picture.size)

        takers = list(self._regions) if picture.size <= BYTES_MAX else [self.home]

        def attempt() -> Answered:
            left, last = list(takers), None
            while (region := self._enter(left)) is not None:
                if last is not None:
                    self._calls.add("moved")
                try:
                    return ask_in(region)
                except TransientError as error:
                    last = error
                    left.remove(region)
                except _RefusedElsewhere as refusal:
                    last = TransientError(f"cannot {doing}: {refusal}")
                    left = takers[:] = [self.home]
                finally:
                    self._leave(region)
            raise last or TransientError(
                f"cannot {doing}: every region that takes it is left out for a while"
            )

        return self.call.until_done(attempt, doing, about_image=True)

    def _meaning(
        self, error: Exception, region: Region, doing: str, *, of_object: bool
    ) -> Exception:
        """Return what an error means for the image, after the region has heard of it."""
        meaning = classify(
            error, f"{doing} in {region.name}", of_object=of_object, about_image=True
        )
        with self._changed:
            match meaning:
                case TransientError(throttled=True):
                    return meaning  # the limiter has heard of it, and the cap follows
                case TransientError():
                    region.failed(str(meaning))
                    if not isinstance(error, (ClientError, *_NEVER_SENT)):
                        self._calls.add("unanswered")
                    return meaning
                case WorkerExit() if region is not self.home:
                    region.denied(str(meaning))
                case _:
                    region.succeeded()
        if region is not self.home:
            return _RefusedElsewhere(f"{region.name} says {meaning}")
        if isinstance(meaning, ImageError):
            self.call.breaker.success()
        return meaning

    def _answered(self, region: Region, seconds: float) -> None:
        with self._changed:
            region.latency_seconds += (seconds - region.latency_seconds) * SMOOTHING
            region.succeeded()

    def _enter(self, left: list[Region]) -> Region | None:
        """Take a place where the cap is used least, and wait for one; None if all are left out."""
        began = time.monotonic()
        with self._changed:
            while usable := [region for region in left if region.is_open]:
                region = min(usable, key=lambda one: one.in_flight / one.cap)
                if region.in_flight < region.cap:
                    region.in_flight += 1
                    self.waited.seconds += time.monotonic() - began
                    return region
                self._changed.wait(STEP_SECONDS)
                if self.call.shutdown:
                    raise ShutdownRequested
        return None

    def _leave(self, region: Region) -> None:
        with self._changed:
            region.in_flight -= 1
            self._changed.notify()


class _RefusedElsewhere(Exception):  # noqa: N818 - a region's answer, no fault of ours
    """Another region than the bucket's own refused an image: that one is asked about it."""
