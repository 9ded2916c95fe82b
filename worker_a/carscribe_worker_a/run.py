"""One run of worker A: list, look, write down, send; then say that it is done."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from carscribe_common.aws import build_clients
from carscribe_common.circuit_breaker import CircuitBreaker
from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.journal import Journal
from carscribe_common.objects import ShutdownRequested
from carscribe_common.pool import Pool
from carscribe_common.protocol import Car
from carscribe_common.rate_limit import RateLimiter
from carscribe_common.results import failures, make_run_dir, write_results
from carscribe_common.rules import escape
from carscribe_common.summary import Summary, now
from carscribe_worker_a.detection import Detector, Looked
from carscribe_worker_a.ledger import (
    Ledger,
    Watermark,
    cars_to_send,
    looked_record,
    read_ledger,
)
from carscribe_worker_a.listing import Image, Listing
from carscribe_worker_a.publisher import Outbox

if TYPE_CHECKING:
    from carscribe_common.aws import Clients
    from carscribe_common.cli import Shutdown
    from carscribe_worker_a.settings import SettingsA

logger = logging.getLogger(__name__)

STOP_SECONDS = 20.0
"""After SIGTERM, calls in flight have so long to end: they are paid for."""

TURN_SECONDS = 0.25
"""The longest that the main loop waits for news."""

GATHER_SECONDS = 0.03
"""After the first of the news the main loop lets others come: one turn, one fsync for all."""

UNSETTLED_MAX = 500
"""So many images at the most are handed out and not written down yet: they are in memory."""

RESULT_FIELDS = ("key", "etag", "n", "car", "failure", "at", "seconds")


def run(settings: SettingsA, stop: Shutdown) -> None:
    """Do one run, or go on with it.

    Raises:
        WorkerExit: for every end but the good one.
    """
    run_dir = make_run_dir(settings.run_dir)
    started_at = now()
    identity = {
        "worker": "a",
        "run_id": settings.run_id,
        "bucket": settings.bucket,
        "prefix": settings.prefix,
        "car_confidence_percent": settings.car_confidence_percent,
    }
    with Journal(run_dir / "journal.jsonl", identity, started_at) as journal:
        RunA(settings, stop, journal).run()


class RunA:
    """The parts of a run and the main loop that joins them.

    One thread lists, a crew of threads asks Rekognition; this thread alone
    gives each car its n, writes the journal and sends, in that order.
    """

    def __init__(self, settings: SettingsA, stop: Shutdown, journal: Journal) -> None:
        self._settings = settings
        self._stop = stop
        self._journal = journal
        self._ledger: Ledger = read_ledger(journal)
        self._pacer = RateLimiter(settings.rekognition_rate_per_second)
        self._clients: Clients = build_clients(
            settings.region, settings.concurrency_max + 2, self._pacer
        )
        self._evidence = CircuitBreaker(
            settings.give_up_seconds, seen_success=self._ledger.counts.billed > 0
        )
        self._listing = Listing(
            self._clients.s3,
            settings.bucket,
            settings.prefix,
            after=self._ledger.through,
            looked=self._ledger.looked,
            listed=self._ledger.listed,
            skipped=self._ledger.skipped,
            evidence=self._evidence,
            stop=stop,
        )
        self._outbox = Outbox(
            self._clients.sqs,
            settings.queue_url,
            settings.run_id,
            alive_seconds=settings.alive_seconds,
            journal=journal,
            evidence=self._evidence,
            stop=stop,
        )
        self._closed = False
        self._feeder = threading.Thread(target=self._feed, name="feed", daemon=True)
        self._watermark = Watermark()
        self._unsettled = threading.Semaphore(UNSETTLED_MAX)
        self._news: queue.SimpleQueue[Looked | Exception] = queue.SimpleQueue()
        self._detector = Detector(settings, self._clients, self._evidence, stop)
        self._crew: Pool[Image] = Pool(
            "look", self._look, self._news.put, self._pacer, settings.concurrency_max
        )
        self._summary = Summary(
            settings.run_dir / "summary.json",
            worker="a",
            run_id=settings.run_id,
            started_at=journal.started_at,
            calls=self._clients.calls,
            pacer=self._pacer,
            counts=self._counts,
        )

    def run(self) -> None:
        """Do it, and write the summary whatever comes of it."""
        try:
            self._go_on()
            write_results(self._settings.run_dir, self._journal, "looked", RESULT_FIELDS)
        except WorkerExit as end:
            # What the disk does not take it may not give either.
            failed = () if end.code == Exit.DISK else failures(self._journal, "looked")
            self._summary.end(end.code, end.sentence, failed)
            raise
        except Exception as bug:
            self._summary.end(Exit.BUG, repr(bug), ())
            raise
        self._summary.end(Exit.OK, None, failures(self._journal, "looked"))
        counts = self._ledger.counts
        logger.info(
            "Done: %d images, %d with a car, %d failed, %d other objects skipped%s",
            counts.looked,
            counts.cars,
            counts.failed,
            self._listing.skipped,
            ""
            if counts.looked
            else f"; the bucket {self._settings.bucket} has no .jpg, .jpeg or"
            f" .png{f' under {self._settings.prefix}' if self._settings.prefix else ''}",
        )

    def _go_on(self) -> None:
        try:
            self._send_again()
            if self._ledger.expected is None:
                self._look_at_all()
                self._end_listing()
            self._outbox.send_done(self._ledger.expected or 0)
            self._journal.commit()
        except ShutdownRequested as stopped:
            self._take_in()
            raise self._stop.as_exception() from stopped
        except WorkerExit as end:
            if end.code != Exit.DISK:  # nothing can be written down any more
                self._take_in()
            raise

    def _send_again(self) -> None:
        """Send the cars that an earlier process wrote down and did not send, or all of them."""
        again = type(self._ledger.sent)() if self._settings.resend else self._ledger.sent
        for car in cars_to_send(self._journal, self._settings.run_id, again):
            self._outbox.put(car)
            self._outbox.send_due()
            self._stop_if_asked()
        self._outbox.send_all()
        if self._outbox.sent:
            logger.info("%d cars of this run's journal sent again", self._outbox.sent)

    def _look_at_all(self) -> None:
        threading.Thread(target=self._listing.run, name="list", daemon=True).start()
        self._feeder.start()
        fed = False
        while not fed or self._crew.in_hand or not self._news.empty():
            self._stop_if_asked()
            fed = self._take_news(min(TURN_SECONDS, self._outbox.due_seconds)) or fed
            self._outbox.send_due()
            self._summary.tick()

    def _feed(self) -> None:
        """Hand the listed images to the crew, as it has room; the target of a thread."""
        try:
            while not self._is_ending():
                try:
                    image = self._listing.take(TURN_SECONDS)
                except queue.Empty:
                    continue
                if image is None:
                    self._news.put(_END)
                    return
                while not self._unsettled.acquire(timeout=TURN_SECONDS):
                    if self._is_ending():
                        return
                while not self._crew.wait_for_room(TURN_SECONDS):
                    if self._is_ending():
                        return
                if self._is_ending():
                    return
                self._crew.give(image)
        except Exception as error:  # noqa: BLE001 - raised in the main loop
            self._news.put(error)

    def _look(self, image: Image) -> None:
        self._news.put(self._detector.look(image))

    def _take_news(self, timeout_seconds: float) -> bool:
        """Write down what is ready, with one fsync for all; tell whether all images are fed."""
        try:
            ready = [self._news.get(timeout=timeout_seconds)]
        except queue.Empty:
            return False
        time.sleep(GATHER_SECONDS)
        while not self._news.empty():
            ready.append(self._news.get())
        looked = [item for item in ready if isinstance(item, Looked)]
        cars = [self._write_down(item) for item in looked]
        if watermark := self._watermark.take():
            self._journal.append(watermark)
        self._journal.commit()
        for item, car in zip(looked, cars, strict=True):
            self._unsettled.release()
            if car:
                self._outbox.put(car)
            self._tell(item)
        for other in ready:
            # A ShutdownRequested only says that a thread saw what this one sees next.
            if isinstance(other, Exception) and not isinstance(other, ShutdownRequested):
                raise other
        return _END in ready

    def _write_down(self, looked: Looked) -> Car | None:
        n = None
        if looked.queued:
            self._ledger.last_n += 1
            n = self._ledger.last_n
        record = looked_record(looked, n)
        self._journal.append(record)
        self._ledger.counts.add(record)
        self._watermark.settle(looked)
        if n is None:
            return None
        return Car(self._settings.run_id, n, looked.image.key, looked.image.etag)

    def _tell(self, looked: Looked) -> None:
        key = escape(looked.image.key)
        if looked.failure:
            logger.warning(
                "%s: failed, %s (%s)", key, looked.failure["reason"], looked.failure["detail"]
            )
        elif looked.car is None:
            logger.info("%s: no car", key)
        elif looked.queued:
            logger.info("%s: car %.1f, queued", key, looked.car["confidence"])
        else:
            logger.info(
                "%s: car %.1f, not above %g",
                key,
                looked.car["confidence"],
                self._settings.car_confidence_percent,
            )

    def _end_listing(self) -> None:
        """Write that there will be no further n: from here on nothing is listed any more."""
        self._ledger.expected = self._ledger.last_n
        self._journal.append(
            {
                "type": "end",
                "expected": self._ledger.expected,
                "listed": self._listing.listed,
                "skipped": self._listing.skipped,
            }
        )
        self._journal.commit()

    def _stop_if_asked(self) -> None:
        if self._stop:
            raise self._stop.as_exception()

    def _take_in(self) -> None:
        """Write down what was in flight when the end came: it is paid for."""
        self._closed = True
        if self._feeder.is_alive():
            self._feeder.join(STOP_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        while (self._crew.in_hand or not self._news.empty()) and time.monotonic() < deadline:
            try:
                self._take_news(TURN_SECONDS)
            except WorkerExit as other:
                if other.code == Exit.DISK:
                    raise
        self._journal.commit()

    def _is_ending(self) -> bool:
        return bool(self._stop) or self._closed

    def _counts(self) -> dict[str, Any]:
        counts = self._ledger.counts
        return {
            "images": {
                "listed": self._listing.listed,
                "skipped": self._listing.skipped,
                "looked": counts.looked,
                "cars": counts.cars,
                "failed": counts.failed,
            },
            "expected": self._ledger.expected,
            "listing_done": self._listing.done or self._ledger.expected is not None,
            "messages": {"sent": self._outbox.sent},
            "billed_calls": counts.billed,
        }


_END = ShutdownRequested("all images are handed out")
