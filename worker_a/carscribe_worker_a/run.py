"""One run of worker A: list, detect, commit, send; then say that it is done.

One thread lists, a pool of threads asks Rekognition, one thread sends. What they
have done comes as events through one queue. The main thread alone owns the
state: it commits what came, and acts upon it after that.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from carscribe_common.aws import Caller, build_clients
from carscribe_common.circuit_breaker import CircuitBreaker
from carscribe_common.errors import Exit, ShutdownRequested, WorkerExit
from carscribe_common.picture import IN_MEMORY_BYTES, ByteBudget
from carscribe_common.pool import Pool
from carscribe_common.rate_limit import RateLimiter
from carscribe_common.regions import Regions
from carscribe_common.results import failures, make_run_dir, write_results
from carscribe_common.rules import IMAGE_ENDINGS, escape
from carscribe_common.summary import Summary
from carscribe_common.upload import Upload
from carscribe_worker_a.detection import Detection, detect_car
from carscribe_worker_a.listing import ListedImage, Skipped, list_images
from carscribe_worker_a.publisher import Publisher
from carscribe_worker_a.store import DetectionStore

if TYPE_CHECKING:
    from collections import Counter

    from carscribe_common.cli import Shutdown
    from carscribe_common.protocol import Car
    from carscribe_worker_a.settings import SettingsA

logger = logging.getLogger(__name__)

STOP_SECONDS = 20.0
"""After SIGTERM, calls in flight have so long to end: they are paid for."""

TURN_SECONDS = 0.25
"""The longest that the main loop waits for an event."""

LINGER_SECONDS = 0.03
"""After the first event the main loop lets others come: one transaction for all."""

IN_MEMORY_MAX = 500
"""So many images at the most are listed and not detected, or cars not sent, beside one page."""


class Undetected(NamedTuple):
    """An image that was not asked about, and why: nothing came of it."""

    image: ListedImage
    why: Exception


class Sent(NamedTuple):
    """The n of cars that the queue took; the end of the run where ``is_end``."""

    numbers: list[int]
    is_end: bool = False


class ListingEnd(NamedTuple):
    """All images are listed."""


Event = ListedImage | Skipped | ListingEnd | Detection | Undetected | Sent | Exception


class Position(NamedTuple):
    """A key in the listing, with how many images and other objects were listed up to it."""

    key: str
    listed: int
    skipped: int


def run(settings: SettingsA, shutdown: Shutdown) -> None:
    """Do one run, or go on with it.

    Raises:
        WorkerExit: for every end but the good one.
    """
    identity = {
        "worker": "a",
        "run_id": settings.run_id,
        "bucket": settings.bucket,
        "prefix": settings.prefix,
        "pairs": settings.pairs,
        "pair": settings.pair,
        "car_confidence_percent": settings.car_confidence_percent,
        "queue_url": settings.queue_url,
    }
    with DetectionStore(make_run_dir(settings.run_dir), identity) as store:
        RunA(settings, shutdown, store).run()


class RunA:
    """The state of a run, and the main loop that joins its parts."""

    def __init__(self, settings: SettingsA, shutdown: Shutdown, store: DetectionStore) -> None:
        self._settings = settings
        self._shutdown = shutdown
        self._store = store
        limiters = {region: RateLimiter(rate) for region, rate in settings.rates_per_second.items()}
        threads_max = settings.concurrency_max * len(limiters)
        clients = build_clients(settings.region, threads_max + 2, limiters)
        self._calls = clients.calls
        breaker = CircuitBreaker(
            settings.give_up_seconds, seen_success=store.counts().get("billed", 0) > 0
        )
        self._call = Caller(clients, breaker, shutdown)
        self._regions = Regions(self._call, limiters, settings.concurrency_max)
        self._memory = ByteBudget(IN_MEMORY_BYTES * len(limiters))
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._room = threading.Semaphore(IN_MEMORY_MAX)
        self._is_closing = False

        self._listing = threading.Thread(target=self._list, name="list", daemon=True)
        self._at = Position(*store.listed_through)
        self._through = self._at
        self._detected = store.detected_after(self._at.key)
        self._is_listed = store.expected is not None
        # Images that are listed and not committed, in the order of the listing, each with
        # the position before it: that of the first one is how far all are committed.
        self._pending: dict[str, Position] = {}
        self._waiting: deque[ListedImage] = deque()

        self._in_flight = 0  # submitted, and no event came yet
        self._calls_open = 0  # as it was committed last
        self._pool: Pool[ListedImage] = Pool(
            "detect", self._detect, self._events.put, self._regions, threads_max
        )

        self._publishing = threading.Thread(target=self._publish, name="publish", daemon=True)
        self._to_send: queue.SimpleQueue[Car | None] = queue.SimpleQueue()
        self._unsent = store.unsent()
        self._is_resent = False
        self._sending = 0  # handed to the publisher, and not committed as sent yet
        self._is_end_sent = False

        self._upload = Upload(self._call, settings, "a")
        self._summary = Summary(
            worker="a",
            settings=settings,
            store=store,
            calls=self._calls,
            regions=self._regions,
            upload=self._upload,
            counts=self._counts,
        )

    def run(self) -> None:
        """Do it, and write the summary whatever comes of it."""
        try:
            self._go_on()
            write_results(self._settings.run_dir, self._store.rows())
        except WorkerExit as end:
            # What the disk does not take it may not give either.
            failed = [] if end.code == Exit.DISK else failures(self._store.rows(failed=True))
            self._summary.end(end.code, end.sentence, failed)
            raise
        except Exception as bug:
            self._summary.end(Exit.BUG, repr(bug), ())
            raise
        self._summary.end(Exit.OK, None, failures(self._store.rows(failed=True)))
        counts = self._store.counts()
        detected = counts.get("detected", 0)
        under = f" under {self._settings.prefix}" if self._settings.prefix else ""
        logger.info(
            "Done: %d images, %d with a car, %d failed, %d other objects skipped%s",
            detected,
            counts.get("cars", 0),
            counts.get("failed", 0),
            self._at.skipped,
            ""
            if detected or self._settings.pairs > 1
            else f"; the bucket {self._settings.bucket} has no {IMAGE_ENDINGS}{under}",
        )

    def _go_on(self) -> None:
        self._upload.probe()
        self._mark_what_goes_again()
        self._publishing.start()
        try:
            while not (self._is_end_sent and not self._sending):
                if self._shutdown:
                    raise self._shutdown.as_exception()
                self._send_what_is_unsent()
                if error := self._turn():
                    raise error
                self._summary.tick()
        except WorkerExit as end:
            if end.code != Exit.DISK:  # else nothing can be committed any more
                self._drain()
            raise
        self._commit_calls()

    # --- threads ---------------------------------------------------------------

    def _list(self) -> None:
        """List the images as there is room for them; the target of a thread."""
        settings = self._settings
        try:
            for item in list_images(
                self._call,
                settings.bucket,
                settings.prefix,
                after=self._at.key,
                is_own=settings.is_own,
            ):
                if isinstance(item, ListedImage):
                    self._room.acquire()
                self._events.put(item)
            self._events.put(ListingEnd())
        except Exception as error:  # noqa: BLE001 - raised in the main loop
            self._events.put(error)

    def _detect(self, image: ListedImage) -> None:
        """Ask about one image; a job of the pool."""
        try:
            if self._shutdown or self._is_closing:
                raise ShutdownRequested
            found = detect_car(self._regions, self._settings, self._memory, image)
            self._events.put(found)
        except Exception as error:  # noqa: BLE001 - raised in the main loop
            self._events.put(Undetected(image, error))

    def _publish(self) -> None:
        """Send cars, and the end behind them; the target of a thread."""
        publisher = Publisher(
            self._call,
            self._settings.queue_url,
            self._settings.run_id,
            alive_seconds=self._settings.alive_seconds,
        )
        try:
            while True:
                try:
                    car = self._to_send.get(timeout=publisher.due_seconds)
                except queue.Empty:
                    pass
                else:
                    if car is None:
                        break
                    publisher.put(car)
                if sent := publisher.flush_due():
                    self._events.put(Sent(sent))
            self._events.put(Sent(publisher.flush_all()))
            publisher.send_end(self._store.last_n, self._store.digest)
            self._events.put(Sent([], is_end=True))
        except Exception as error:  # noqa: BLE001 - raised in the main loop
            self._events.put(error)

    # --- the main loop ---------------------------------------------------------

    def _turn(self) -> Exception | None:
        """Wait for events, commit what they say, act upon it; return the error among them."""
        events = self._next_events()
        detections = [event for event in events if isinstance(event, Detection)]
        sent = [n for event in events if isinstance(event, Sent) for n in event.numbers]
        for event in events:
            self._move(event)
        is_end = self._is_listed and not self._pending and self._store.expected is None
        starting = self._next_to_detect()
        calls_open = self._in_flight + len(starting)
        cars: list[Car] = []
        if detections or sent or is_end or calls_open > self._calls_open:
            with self._store.transaction():
                cars = self._store.add(detections)
                self._store.mark_sent(sent)
                self._set_listed_through()
                if is_end:  # from here on nothing is listed any more
                    self._store.end(listed=self._at.listed, skipped=self._at.skipped)
                self._store.set_calls_open(calls_open)
                self._store.count(**self._calls.take())
            self._calls_open = calls_open

        for image in starting:
            self._in_flight += 1
            self._pool.submit(image)
        for car in cars:
            self._send(car)
        if is_end:
            self._to_send.put(None)
        self._sending -= len(sent)
        self._release(len(detections) - len(cars) + len(sent))
        for item in detections:
            self._log(item)
        return next(filter(None, map(_error, events)), None)

    def _next_events(self) -> list[Event]:
        try:
            events = [self._events.get(timeout=TURN_SECONDS)]
        except queue.Empty:
            return []
        time.sleep(LINGER_SECONDS)
        while not self._events.empty():
            events.append(self._events.get())
        return events

    def _move(self, event: Event) -> None:
        """Move the state of the listing, of the calls in flight and of the end."""
        match event:
            case ListedImage(key=key):
                before, self._at = self._at, self._at._replace(key=key, listed=self._at.listed + 1)
                if key in self._detected:
                    self._release(1)
                else:
                    self._pending[key] = before
                    self._waiting.append(event)
            case Skipped(key=key):
                self._at = self._at._replace(key=key, skipped=self._at.skipped + 1)
            case ListingEnd():
                self._is_listed = True
            case Detection(image=image):
                self._in_flight -= 1
                del self._pending[image.key]
            case Undetected():
                self._in_flight -= 1
            case Sent(is_end=is_end):
                self._is_end_sent = self._is_end_sent or is_end

    def _next_to_detect(self) -> list[ListedImage]:
        if self._is_closing:
            return []
        count = min(len(self._waiting), max(0, self._pool.capacity - self._in_flight))
        return [self._waiting.popleft() for _ in range(count)]

    def _set_listed_through(self) -> None:
        through = next(iter(self._pending.values()), self._at)
        if through != self._through:
            self._store.set_listed_through(
                through.key, listed=through.listed, skipped=through.skipped
            )
            self._through = through

    def _mark_what_goes_again(self) -> None:
        if self._settings.resend is None:
            return
        with self._store.transaction():
            cars = self._store.send_again(*self._settings.resend)
        logger.info("%d cars of this run are sent again", cars)

    def _send_what_is_unsent(self) -> None:
        """Send what an earlier process committed and did not send; then begin to list."""
        while not self._is_resent and self._room.acquire(blocking=False):
            car = next(self._unsent, None)
            if car is not None:
                self._send(car)
                continue
            self._release(1)
            self._is_resent = True
            if self._is_listed:
                self._to_send.put(None)
            else:
                self._listing.start()

    def _send(self, car: Car) -> None:
        self._sending += 1
        self._to_send.put(car)

    def _release(self, count: int) -> None:
        if count:
            self._room.release(count)

    def _drain(self) -> None:
        """Commit what was in flight when the end came: it is paid for."""
        self._is_closing = True
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and (
            self._in_flight or (self._sending and self._publishing.is_alive())
        ):
            self._turn()
        self._commit_calls()

    def _commit_calls(self) -> None:
        with self._store.transaction():
            self._store.set_calls_open(self._in_flight)
            self._store.count(**self._calls.take())

    # --- what is said ------------------------------------------------------------

    def _log(self, item: Detection) -> None:
        key = escape(item.image.key)
        if item.failure:
            logger.warning(
                "%s: failed, %s (%s)", key, item.failure["reason"], item.failure["detail"]
            )
        elif item.car is None:
            logger.info("%s: no car", key)
        elif item.is_car:
            logger.info("%s: car %.1f, queued", key, item.car["confidence"])
        else:
            logger.info(
                "%s: car %.1f, not above %g",
                key,
                item.car["confidence"],
                self._settings.car_confidence_percent,
            )

    def _counts(self, counts: Counter[str]) -> dict[str, Any]:
        return {
            "images": {
                "listed": self._at.listed,
                "skipped": self._at.skipped,
                "detected": counts["detected"],
                "cars": counts["cars"],
                "failed": counts["failed"],
            },
            "expected": self._store.expected,
            "listing_done": self._is_listed,
            "messages": {"sent": counts["sent"]},
            "billed_calls": counts["billed"],
        }


def _error(event: Event) -> Exception | None:
    """Return what ends the run, if an event says so."""
    error = event.why if isinstance(event, Undetected) else event
    # A ShutdownRequested only says that a thread saw what the main one sees next.
    if isinstance(error, Exception) and not isinstance(error, ShutdownRequested):
        return error
    return None
