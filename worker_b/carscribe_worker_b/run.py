"""One run of worker B: receive, read, write down, delete; at the end write the result."""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from carscribe_common.aws import build_clients
from carscribe_common.circuit_breaker import CircuitBreaker
from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.journal import Journal
from carscribe_common.objects import ShutdownRequested, call_until_answered
from carscribe_common.pool import Pool
from carscribe_common.rate_limit import RateLimiter
from carscribe_common.results import failures, make_run_dir, write_results
from carscribe_common.rules import escape
from carscribe_common.summary import Summary, now
from carscribe_worker_b.consumer import LONG_POLL_SECONDS, Held, Inbox
from carscribe_worker_b.handler import Batch, Desk
from carscribe_worker_b.ledger import Ledger, read_ledger, settled_record
from carscribe_worker_b.output import write_output
from carscribe_worker_b.text_detection import Reader, Settled

if TYPE_CHECKING:
    from carscribe_common.aws import Clients
    from carscribe_common.cli import Shutdown
    from carscribe_worker_b.settings import SettingsB

logger = logging.getLogger(__name__)

STOP_SECONDS = 10.0
"""After SIGTERM, images in hand have so long to be settled; then they are returned."""

TURN_SECONDS = 0.25
"""The longest that the main loop waits for news, and a delete for others to fill its batch."""

GATHER_SECONDS = 0.03
"""After the first of the news the main loop lets others come: one turn, one fsync for all.
A received batch it decides upon at once: the next one is not asked for before."""

UNSETTLED_MAX = 500
"""So many messages are held at the most: they are in memory, and extended in time."""

TROUBLE_SECONDS = 1.0
"""A poll that takes so much longer than it was asked to had trouble on its way."""

DELETE_AT_ONCE = 10
MISSING_NAMED = 1000

RESULT_FIELDS = ("key", "etag", "n", "text", "line", "failure", "at", "seconds")


def run(settings: SettingsB, stop: Shutdown) -> None:
    """Do one run, or go on with it.

    Raises:
        WorkerExit: for every end but the good one.
    """
    run_dir = make_run_dir(settings.run_dir)
    identity = {
        "worker": "b",
        "run_id": settings.run_id,
        "bucket": settings.bucket,
        "prefix": settings.prefix,
        "text_confidence_percent": settings.text_confidence_percent,
    }
    with Journal(run_dir / "journal.jsonl", identity, now()) as journal:
        RunB(settings, stop, journal).run()


class RunB:
    """The parts of a run and the main loop that joins them.

    One thread receives, one extends what is held, a crew of threads reads;
    this thread alone decides about messages, writes the journal and deletes,
    in that order.
    """

    def __init__(self, settings: SettingsB, stop: Shutdown, journal: Journal) -> None:
        self._settings = settings
        self._stop = stop
        self._journal = journal
        self._ledger: Ledger = read_ledger(journal)
        self._pacer = RateLimiter(settings.rekognition_rate_per_second)
        self._clients: Clients = build_clients(
            settings.region, settings.concurrency_max + 3, self._pacer
        )
        self._evidence = CircuitBreaker(
            settings.give_up_seconds, seen_success=self._ledger.billed > 0
        )
        self._inbox = Inbox(
            self._clients.sqs,
            settings.queue_url,
            visibility_timeout_seconds=settings.visibility_timeout_seconds,
            evidence=self._evidence,
            stop=stop,
        )
        self._news: queue.SimpleQueue[Settled | Batch | Exception] = queue.SimpleQueue()
        self._may_receive = threading.Semaphore(1)
        self._batch_here = threading.Event()
        self._reader = Reader(settings, self._clients, self._evidence, stop)
        self._crew: Pool[Held] = Pool(
            "read", self._read, self._news.put, self._pacer, settings.concurrency_max
        )
        self._desk = Desk(
            settings.run_id,
            self._ledger,
            self._inbox,
            journal,
            give=self._crew.give,
            delete_later=self._delete_later,
        )
        self._closed = False
        self._to_delete: list[str] = []
        self._delete_at = math.inf
        self._reached_at = 0.0
        self._summary = Summary(
            settings.run_dir / "summary.json",
            worker="b",
            run_id=settings.run_id,
            started_at=journal.started_at,
            calls=self._clients.calls,
            pacer=self._pacer,
            counts=self._counts,
        )

    def run(self) -> None:
        """Do it, and write the summary whatever comes of it."""
        try:
            if not self._ledger.complete:
                self._go_on()
            self._write_results()
            lines = write_output(self._settings.run_dir, self._journal, self._ledger.expected or 0)
        except WorkerExit as end:
            self._end_early(end)
            raise
        except Exception as bug:
            self._summary.end(Exit.BUG, repr(bug), ())
            raise
        self._summary.end(Exit.OK, None, failures(self._journal, "settled"))
        logger.info(
            "Done: %d images read, %d with text, %d failed; %s has %d lines",
            len(self._ledger.settled),
            self._ledger.with_text,
            len(self._ledger.failed),
            self._settings.run_dir / "output.txt",
            lines,
        )

    def _end_early(self, end: WorkerExit) -> None:
        incomplete = end.code == Exit.INCOMPLETE
        if incomplete:
            try:
                self._write_results()
            except WorkerExit as full:
                logger.warning("%s", full.sentence)
        self._summary.end(
            end.code,
            end.sentence,
            # What the disk does not take it may not give either.
            () if end.code == Exit.DISK else failures(self._journal, "settled"),
            list(islice(self._missing(), MISSING_NAMED)) if incomplete else None,
        )

    def _write_results(self) -> None:
        write_results(self._settings.run_dir, self._journal, "settled", RESULT_FIELDS)

    def _go_on(self) -> None:
        receiver = threading.Thread(target=self._receive, name="receive", daemon=True)
        try:
            self._look_at_bucket()
            self._desk.heard_at = time.monotonic()
            receiver.start()
            threading.Thread(target=self._inbox.keep_extending, name="extend", daemon=True).start()
            while not self._desk.is_done():
                if self._stop:
                    raise self._stop.as_exception()
                self._take_news()
                self._delete_due()
                self._summary.tick()
            self._delete_due(all_of_it=True)
        except ShutdownRequested as stopped:
            self._put_in_order(receiver)
            raise self._stop.as_exception() from stopped
        except WorkerExit as end:
            if end.code == Exit.DISK:  # nothing can be settled any more
                self._return(started=True)
            else:
                self._put_in_order(receiver)
            raise

    def _look_at_bucket(self) -> None:
        """Fail at the start where the bucket is wrong, not at the first message."""
        call_until_answered(
            lambda: self._clients.s3.list_objects_v2(
                Bucket=self._settings.bucket, Prefix=self._settings.prefix, MaxKeys=1
            ),
            f"list the bucket {self._settings.bucket}",
            evidence=self._evidence,
            stop=self._stop,
        )

    def _is_ending(self) -> bool:
        return bool(self._stop) or self._closed

    # --- threads ---------------------------------------------------------------

    def _receive(self) -> None:
        """Receive a batch at a time, as there is room; the target of a thread."""
        try:
            while not self._is_ending():
                # The next batch is asked for when the last one was decided upon.
                if not self._may_receive.acquire(timeout=TURN_SECONDS):
                    continue
                while len(self._inbox) >= UNSETTLED_MAX or not self._crew.wait_for_room(
                    TURN_SECONDS
                ):
                    if self._stop.wait(GATHER_SECONDS) or self._is_ending():
                        return
                idle_left = self._settings.idle_timeout_seconds - self._idle_seconds()
                wait = max(1, min(LONG_POLL_SECONDS, math.ceil(idle_left)))
                began = time.monotonic()
                batch = self._inbox.receive(wait)
                if time.monotonic() - began > wait + TROUBLE_SECONDS:
                    # While the queue could not be asked nothing could be heard.
                    self._reached_at = time.monotonic() - wait
                self._news.put(batch)
                self._batch_here.set()
        except Exception as error:  # noqa: BLE001 - raised in the main loop
            self._news.put(error)

    def _read(self, held: Held) -> None:
        if self._inbox.start(held):
            try:
                self._news.put(self._reader.read(held.car))
            except ShutdownRequested:
                self._inbox.return_one(held)

    # --- the main loop ---------------------------------------------------------

    def _take_news(self) -> None:
        """Decide upon what is ready; write down what is settled, with one fsync for all."""
        try:
            ready = [self._news.get(timeout=TURN_SECONDS)]
        except queue.Empty:
            return
        self._batch_here.wait(GATHER_SECONDS)
        self._batch_here.clear()
        while not self._news.empty():
            ready.append(self._news.get())
        self._settle([item for item in ready if isinstance(item, Settled)])
        for item in ready:
            if isinstance(item, list):
                self._desk.decide(item)
                self._may_receive.release()
                # Whatever else came: nothing of this run did.
                if self._idle_seconds() >= self._settings.idle_timeout_seconds:
                    raise self._incomplete()
            elif isinstance(item, Exception) and not isinstance(item, ShutdownRequested):
                raise item

    def _settle(self, settled: list[Settled]) -> None:
        records = [settled_record(item) for item in settled]
        for record in records:
            self._journal.append(record)
        self._journal.commit()
        for item, record in zip(settled, records, strict=True):
            self._ledger.settle(record)
            self._delete_later(self._inbox.release(item.car.n))
            self._tell(item)
            self._desk.settled(item.car.n)

    def _tell(self, settled: Settled) -> None:
        key = escape(settled.car.key)
        if settled.failure:
            logger.warning(
                "%s: failed, %s (%s)", key, settled.failure["reason"], settled.failure["detail"]
            )
        elif settled.line is None:
            logger.info("%s: no text", key)
        else:
            logger.info("%s: text %s", key, settled.line)

    # --- deleting, waiting, ending -----------------------------------------------

    def _delete_later(self, handles: list[str]) -> None:
        if handles and not self._to_delete:
            self._delete_at = time.monotonic() + TURN_SECONDS
        self._to_delete += handles

    def _delete_due(self, *, all_of_it: bool = False) -> None:
        if all_of_it or time.monotonic() >= self._delete_at:
            going, self._to_delete = self._to_delete, []
        else:
            full = len(self._to_delete) // DELETE_AT_ONCE * DELETE_AT_ONCE
            going, self._to_delete = self._to_delete[:full], self._to_delete[full:]
        if not self._to_delete:
            self._delete_at = math.inf
        self._inbox.delete(going)

    def _idle_seconds(self) -> float:
        """How long nothing of this run was heard and nothing was in hand."""
        if len(self._inbox):
            self._desk.heard_at = time.monotonic()
        return time.monotonic() - max(self._desk.heard_at, self._reached_at)

    def _missing(self) -> Any:
        last = self._ledger.expected
        return self._ledger.settled.missing(self._ledger.settled.highest if last is None else last)

    def _incomplete(self) -> WorkerExit:
        missing = [str(n) for n in islice(self._missing(), 20)]
        return WorkerExit(
            Exit.INCOMPLETE,
            f"Incomplete: nothing of run {self._settings.run_id} came for "
            f"{self._settings.idle_timeout_seconds:g} s"
            + ("" if self._ledger.expected is not None else ", and no -1 at all")
            + (f"; missing are n = {', '.join(missing)}" if missing else "")
            + (", and more" if len(missing) == 20 else "")
            + ". Go on with this run: worker A then sends its cars again, at no cost.",
        )

    def _put_in_order(self, receiver: threading.Thread) -> None:
        """Settle or return all that is held, and take in what a last poll may bring."""
        self._closed = True
        returned = self._return(started=False)
        deadline = time.monotonic() + STOP_SECONDS
        while len(self._inbox) and time.monotonic() < deadline:
            self._take_last_news(TURN_SECONDS)
        returned += self._return(started=True)
        self._delete_what_can_be()
        if receiver.is_alive():
            # A poll that is cut off would hide what it was about to bring.
            receiver.join(LONG_POLL_SECONDS + STOP_SECONDS if self._stop else TROUBLE_SECONDS)
        while not self._news.empty():
            self._take_last_news(0)
        self._delete_what_can_be()
        logger.info("%d messages returned to the queue", returned)

    def _return(self, *, started: bool) -> int:
        return self._desk.return_contested() + self._inbox.return_all(started=started)

    def _delete_what_can_be(self) -> None:
        """Delete what is settled; what cannot be deleted now comes again, and is deleted then."""
        with suppress(ShutdownRequested, WorkerExit):
            self._delete_due(all_of_it=True)

    def _take_last_news(self, timeout_seconds: float) -> None:
        try:
            item = self._news.get(timeout=timeout_seconds)
        except queue.Empty:
            return
        if isinstance(item, Settled):
            self._settle([item])
        elif isinstance(item, list):
            self._inbox.give_back([received["ReceiptHandle"] for received in item])

    def _counts(self) -> dict[str, Any]:
        ledger = self._ledger
        settled, failed = len(ledger.settled), len(ledger.failed)
        return {
            "images": {
                "received": settled + len(self._inbox),
                "settled": settled,
                "with_text": ledger.with_text,
                "without_text": settled - ledger.with_text - failed,
                "failed": failed,
            },
            "expected": ledger.expected,
            "messages": dict(self._desk.messages),
            "billed_calls": ledger.billed,
        }
