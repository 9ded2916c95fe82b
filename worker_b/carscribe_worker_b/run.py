"""One run of worker B: receive, handle, read, commit, acknowledge; at the end write the result.

One thread receives, one extends what is in flight, one acknowledges and
requeues, a pool of threads reads images. Each hands over what happened as an
event; the main thread alone owns the state and the store, a turn at a time:
handle all that is ready, commit it together, and then hand over what follows.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections import deque
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from carscribe_common.aws import Caller, build_clients
from carscribe_common.circuit_breaker import CircuitBreaker
from carscribe_common.errors import Exit, ShutdownRequested, WorkerExit
from carscribe_common.picture import IN_MEMORY_BYTES, ByteBudget
from carscribe_common.pool import Pool
from carscribe_common.rate_limit import RateLimiter
from carscribe_common.regions import Regions
from carscribe_common.results import failures, make_run_dir, write_results
from carscribe_common.rules import escape
from carscribe_common.summary import Summary
from carscribe_common.upload import Upload
from carscribe_worker_b.consumer import LONG_POLL_SECONDS, Consumer, Received
from carscribe_worker_b.handler import (
    Ack,
    Action,
    Park,
    Process,
    RecordEnd,
    Requeue,
    RunState,
    handle,
    is_complete,
    on_settled,
)
from carscribe_worker_b.output import write_output
from carscribe_worker_b.store import CRASHES_MAX, TextStore
from carscribe_worker_b.text_detection import TextResult, detect_text

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence

    from carscribe_common.cli import Shutdown
    from carscribe_common.protocol import Car
    from carscribe_worker_b.settings import SettingsB

logger = logging.getLogger(__name__)

STOP_SECONDS = 10.0
"""At an early end, images at work have so long to be settled; then they are requeued."""

TURN_SECONDS = 0.25
"""The longest that the main loop waits for an event, and an acknowledgement for others."""

LINGER_SECONDS = 0.03
"""After the first event of a turn the main loop lets others come: one commit for all.
Received messages are handled at once."""

EFFECTS_SECONDS = 20.0
"""At the end the queue has so long to take what is acknowledged and requeued. With the images at
work and a last poll it is well under the unit's TimeoutStopSec, 90 s."""

BATCHES_MAX = 2
"""So many batches of messages are under way: one is received while one is handled."""

IN_FLIGHT_MAX = 500
"""So many messages are in flight at the most: they are in memory, and extended in time."""

REQUEUED_PAUSE_SECONDS = 0.1
"""A message that was requeued is there again at once."""

TROUBLE_SECONDS = 1.0
"""A poll that takes so much longer than it was asked to had trouble on its way."""

ALONE_AFTER_CRASHES = 2
"""An image that so many processes began and did not survive is read alone."""

ACK_AT_ONCE = 10
MISSING_NAMED = 1000


class Unread(NamedTuple):
    """An image was not read, for an error that ends the worker or since it ends."""

    car: Car


Event = TextResult | Unread | list[Received] | Exception


def run(settings: SettingsB, shutdown: Shutdown) -> None:
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
        "pairs": settings.pairs,
        "pair": settings.pair,
        "queue_url": settings.queue_url,
        "text_confidence_percent": settings.text_confidence_percent,
    }
    with TextStore(run_dir, identity) as store:
        RunB(settings, shutdown, store).run()


class RunB:
    """The parts of a run and the main loop that joins them."""

    def __init__(self, settings: SettingsB, shutdown: Shutdown, store: TextStore) -> None:
        self._settings = settings
        self._shutdown = shutdown
        self._store = store
        limiters = {region: RateLimiter(rate) for region, rate in settings.rates_per_second.items()}
        threads_max = settings.concurrency_max * len(limiters)
        clients = build_clients(settings.region, threads_max + 3, limiters)
        self._calls = clients.calls
        seen_success = store.counts().get("billed", 0) > 0
        breaker = CircuitBreaker(settings.give_up_seconds, seen_success=seen_success)
        self._aws = Caller(clients, breaker, shutdown)
        self._regions = Regions(self._aws, limiters, settings.concurrency_max)
        self._consumer = Consumer(
            self._aws, settings.queue_url, settings.visibility_timeout_seconds
        )
        self._state = RunState(settings.run_id, store, settings.is_own)
        self._memory = ByteBudget(IN_MEMORY_BYTES * len(limiters))
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._pool: Pool[Car] = Pool(
            "read", self._read, self._events.put, self._regions, threads_max
        )
        # A thread of its own: the queue may be slow, and the main loop waits for nobody.
        self._effects: Pool[Ack | Requeue] = Pool(
            "effect", self._carry_out, self._events.put, self._regions, 1
        )
        self._receiver = threading.Thread(target=self._receive, name="receive", daemon=True)
        self._may_receive = threading.Semaphore(BATCHES_MAX)
        self._ending = False
        self._left: list[Car] = []
        self._returned: list[str] = []
        self._suspects: deque[Car] = deque()
        self._waiting: deque[Car] = deque()
        self._at_work: dict[int, Car] = {}
        self._acks: list[str] = []
        self._ack_at = math.inf
        self._reached_at = 0.0
        self._upload = Upload(self._aws, settings, "b")
        self._summary = Summary(
            worker="b",
            settings=settings,
            store=store,
            calls=clients.calls,
            regions=self._regions,
            upload=self._upload,
            counts=self._counts,
        )

    def run(self) -> None:
        """Do it, and write the summary whatever comes of it."""
        output = self._settings.run_dir / "output.txt"
        try:
            if not self._store.is_done:
                self._work()
            write_results(self._settings.run_dir, self._store.rows())
            lines = write_output(self._store, output)
        except WorkerExit as end:
            self._end_early(end)
            raise
        except Exception as bug:
            self._summary.end(Exit.BUG, repr(bug), ())
            raise
        self._summary.end(Exit.OK, None, failures(self._store.rows(failed=True)))
        counts = self._store.counts()
        logger.info(
            "Done: %d images read, %d with text, %d failed; %s has %d lines",
            counts.get("settled", 0),
            counts.get("with_text", 0),
            counts.get("failed", 0),
            output,
            lines,
        )

    def _end_early(self, end: WorkerExit) -> None:
        failed: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        with suppress(WorkerExit):  # what the disk does not take it may not give either
            if end.code != Exit.DISK:
                failed = failures(self._store.rows(failed=True))
                more["missing_ranges"] = self._store.missing_ranges()
            if end.code == Exit.INCOMPLETE:
                more["missing"] = list(islice(self._store.missing(), MISSING_NAMED))
                write_results(self._settings.run_dir, self._store.rows())
        self._summary.end(end.code, end.sentence, failed, **more)

    def _work(self) -> None:
        beating = threading.Thread(
            target=self._consumer.heartbeat.keep_beating,
            args=[self._events.put],
            name="heartbeat",
            daemon=True,
        )
        try:
            self._probe_bucket()
            self._upload.probe()
            self._resume()
            self._state.heard_at = time.monotonic()
            self._receiver.start()
            beating.start()
            while not is_complete(self._state, time.monotonic()):
                if self._shutdown:
                    raise ShutdownRequested
                events = self._next_events(TURN_SECONDS)
                self._turn(events)
                self._ack_due()
                self._go_on_receiving(sum(isinstance(event, list) for event in events))
                self._summary.tick()
            if not self._store.digest_agrees():
                raise self._of_other_images()
        except ShutdownRequested as requested:
            self._drain()
            raise self._shutdown.as_exception() from requested
        except WorkerExit as end:
            self._drain(may_commit=end.code != Exit.DISK)
            raise
        self._finish()

    def _probe_bucket(self) -> None:
        """Fail at the start where the bucket is wrong, not at the first message."""
        self._aws(
            self._aws.s3.list_objects_v2,
            f"list the bucket {self._settings.bucket}",
            Bucket=self._settings.bucket,
            Prefix=self._settings.prefix,
            MaxKeys=1,
        )

    def _resume(self) -> None:
        """Go on with what an earlier process had in flight, without a new delivery."""
        kept = self._store.in_flight()
        self._consumer.heartbeat.track(*(receipt for _, receipt in kept))
        void = self._consumer.heartbeat.beat()
        with self._store.transaction():
            self._store.forget_receipts(void)
        going_on = [Received(*message) for message in kept if message[1] not in void]
        if kept:
            logger.info("%d of %d messages are still in flight", len(going_on), len(kept))
        self._turn([going_on])

    # --- threads ---------------------------------------------------------------

    def _receive(self) -> None:
        """Receive a batch at a time, as there is room; the target of a thread."""
        try:
            while not self._is_ending():
                if not self._may_receive.acquire(timeout=TURN_SECONDS):
                    continue
                while not self._has_room():
                    if self._shutdown.wait(LINGER_SECONDS) or self._is_ending():
                        return
                idle_left = self._settings.idle_timeout_seconds - self._idle_seconds()
                wait = max(1, min(LONG_POLL_SECONDS, math.ceil(idle_left)))
                began = time.monotonic()
                batch = self._consumer.receive(wait)
                if time.monotonic() - began > wait + TROUBLE_SECONDS:
                    # While the queue could not be asked nothing could be heard.
                    self._reached_at = time.monotonic() - wait
                self._calls.add(*["message:received"] * len(batch))
                self._events.put(batch)
        except Exception as error:  # noqa: BLE001 - raised in the main loop
            self._events.put(error)

    def _is_ending(self) -> bool:
        return bool(self._shutdown) or self._ending

    def _has_room(self) -> bool:
        unread = len(self._at_work) + len(self._waiting) + len(self._suspects)
        return unread < self._pool.capacity and self._consumer.in_flight() < IN_FLIGHT_MAX

    def _read(self, car: Car) -> None:
        """Read one image; the work of a thread of the pool."""
        if self._ending:
            self._events.put(Unread(car))
            return
        try:
            self._events.put(detect_text(self._regions, self._settings, self._memory, car))
        except Exception:
            self._events.put(Unread(car))
            raise

    def _carry_out(self, effect: Ack | Requeue) -> None:
        """Acknowledge or requeue messages, once what it follows from is committed."""
        match effect:
            case Ack(receipts):
                self._consumer.ack(receipts)
            case Requeue(receipts):
                returned = self._consumer.requeue(receipts)
                if self._ending:
                    self._returned += returned

    # --- the main loop ---------------------------------------------------------

    def _next_events(self, timeout_seconds: float) -> list[Event]:
        """Wait for an event, and a little for others; a batch of messages is waited for no more."""
        events: list[Event] = []
        with suppress(queue.Empty):
            events.append(self._events.get(timeout=timeout_seconds))
            linger_until = time.monotonic() + min(LINGER_SECONDS, timeout_seconds)
            while not isinstance(events[-1], list):
                left = max(0.0, linger_until - time.monotonic())
                events.append(self._events.get(timeout=left))
            while True:
                events.append(self._events.get_nowait())
        return events

    def _turn(self, events: Sequence[Event]) -> None:
        """Handle all that is ready, commit it together, and do what follows from it.

        Raises:
            WorkerExit: what ended a thread, after all that came with it was
                committed: it is paid for.
        """
        if not events:
            return
        self._state.now = time.monotonic()
        if self._state.in_flight:  # while an image is at work nothing else need come
            self._state.heard_at = self._state.now
        actions: list[Action] = []
        with self._store.transaction():
            self._store.settle(event for event in events if isinstance(event, TextResult))
            for event in events:
                actions += self._handle(event)
            self._record(actions)
            starting = self._begin()
            self._record_counts()
        for event in events:
            if isinstance(event, TextResult):
                _log_result(event)
        for car in starting:
            self._pool.submit(car)
        self._perform(actions)
        for event in events:
            if isinstance(event, Exception) and not self._is_ending():
                raise event

    def _handle(self, event: Event) -> list[Action]:
        """Return what is to be done about one event; inside a transaction."""
        match event:
            case TextResult(car=car, failure=failure):
                self._end_work(car)
                return on_settled(self._state, car.n, failed=failure is not None)
            case Unread(car):
                self._end_work(car)
            case list() if self._ending:
                return [Requeue([received.receipt]) for received in event]
            case list():
                return [action for received in event for action in handle(self._state, *received)]
        return []

    def _end_work(self, car: Car) -> None:
        self._at_work.pop(car.n, None)
        if self._suspects and self._suspects[0] == car:
            self._suspects.popleft()

    def _record(self, actions: Iterable[Action]) -> None:
        """Record what is relied upon by what ``_perform`` does; inside a transaction."""
        for action in actions:
            match action:
                case RecordEnd(expected, digest):
                    self._store.set_end(expected, digest)
                case Process(car, receipts):
                    self._store.add_in_flight(car, receipts)
                    crashes = self._store.crashes(car)
                    if crashes >= CRASHES_MAX:
                        self._events.put(_crashed(car))
                    elif crashes >= ALONE_AFTER_CRASHES:
                        self._suspects.append(car)
                    else:
                        self._waiting.append(car)
                case Park(car, receipts):
                    self._store.add_in_flight(car, receipts)
                case Requeue(receipts):
                    self._store.forget_receipts(receipts)

    def _begin(self) -> list[Car]:
        """Return the images to read from now on, noted as begun; inside a transaction.

        What some processes did not survive is read alone, before all else: so
        its neighbours are not taken for what ended them.
        """
        if self._ending:
            return []
        if self._suspects:
            starting = [] if self._at_work else [self._suspects[0]]
        else:
            room = max(0, self._pool.capacity - len(self._at_work))
            starting = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
        self._store.begin(starting)
        self._at_work |= {car.n: car for car in starting}
        return starting

    def _record_counts(self) -> None:
        messages = {f"message:{kind}": n for kind, n in self._state.messages.items()}
        self._state.messages.clear()
        self._store.count(**messages, **self._calls.take())
        self._store.set_calls_open(len(self._at_work))

    def _perform(self, actions: Sequence[Action]) -> None:
        """Hand over what follows from a turn that is committed."""
        requeued: list[str] = []
        for action in actions:
            match action:
                case Ack(receipts):
                    self._acks += receipts
                case Requeue(receipts):
                    requeued += receipts
        if self._acks and self._ack_at == math.inf:
            self._ack_at = time.monotonic() + TURN_SECONDS
        if requeued:
            self._effects.submit(Requeue(requeued))
            if all(isinstance(action, Requeue) for action in actions):
                self._shutdown.wait(REQUEUED_PAUSE_SECONDS)

    def _ack_due(self, *, all_of_them: bool = False) -> None:
        count = len(self._acks)
        if not all_of_them and time.monotonic() < self._ack_at:
            count -= count % ACK_AT_ONCE
        going, self._acks = self._acks[:count], self._acks[count:]
        if not self._acks:
            self._ack_at = math.inf
        if going:
            self._effects.submit(Ack(going))

    def _go_on_receiving(self, batches: int) -> None:
        """Let as many batches be received as were handled; give up if nothing comes at all."""
        if batches:
            self._may_receive.release(batches)
            if self._idle_seconds() >= self._settings.idle_timeout_seconds:
                raise self._incomplete()

    def _idle_seconds(self) -> float:
        """How long nothing of this run was heard and nothing was in flight."""
        if self._state.in_flight:
            return 0.0
        return time.monotonic() - max(self._state.heard_at, self._reached_at)

    # --- ends ------------------------------------------------------------------

    def _incomplete(self) -> WorkerExit:
        missing = [str(n) for n in islice(self._store.missing(), 20)]
        return WorkerExit(
            Exit.INCOMPLETE,
            f"Incomplete: nothing of run {self._settings.run_id} came for "
            f"{self._settings.idle_timeout_seconds:g} s"
            + ("" if self._state.end is not None else ", and no -1 at all")
            + (f"; missing are n = {', '.join(missing)}" if missing else "")
            + (", and more" if len(missing) == 20 else "")
            + ". Go on with this run: worker A then sends its cars again, at no cost.",
        )

    def _of_other_images(self) -> WorkerExit:
        return WorkerExit(
            Exit.INCOMPLETE,
            f"Incomplete: worker A did not number the images of run {self._settings.run_id} as "
            "they were received here, as if its store had been lost or replaced by an older "
            "copy: begin a new run.",
        )

    def _drain(self, *, may_commit: bool = True) -> None:
        """Settle or requeue all that is in flight, with what a last poll may bring.

        Args:
            may_commit: False if nothing can be settled any more.
        """
        self._ending = True
        self._requeue_idle()
        deadline = time.monotonic() + STOP_SECONDS
        while may_commit and self._at_work and time.monotonic() < deadline:
            self._turn(self._next_events(TURN_SECONDS))
            self._requeue_idle()
        calls_open = len(self._at_work)
        self._at_work.clear()
        self._requeue_idle()
        if may_commit:
            if self._receiver.is_alive():
                # A poll that is cut off would hide what it was about to bring.
                seconds = LONG_POLL_SECONDS + STOP_SECONDS if self._shutdown else TROUBLE_SECONDS
                self._receiver.join(seconds)
            self._close(calls_open)
        else:
            self._await_effects()
        logger.info("%d messages returned to the queue", len(self._returned))

    def _finish(self) -> None:
        """Note that the run is complete; what is in flight still is of no n of A's."""
        self._ending = True
        calls_open = len(self._at_work)
        self._at_work.clear()
        self._requeue_idle()
        self._close(calls_open, done="true")

    def _requeue_idle(self) -> None:
        """Requeue what is in flight and not at work."""
        idle = [one for n, one in self._state.in_flight.items() if n not in self._at_work]
        idle += [rival for rivals in self._state.parked.values() for rival in rivals.values()]
        self._state.parked.clear()
        for one in idle:
            if self._state.in_flight.get(one.car.n) is one:  # its rival is not
                del self._state.in_flight[one.car.n]
            self._left.append(one.car)
        if idle:
            self._effects.submit(Requeue([receipt for one in idle for receipt in one.receipts]))

    def _await_effects(self) -> None:
        """Let the queue take what is settled or requeued; what it does not take comes again."""
        self._ack_due(all_of_them=True)
        if not self._effects.join(EFFECTS_SECONDS):
            logger.warning(
                "The queue did not answer in %g s: the visibility timeout returns what is left",
                EFFECTS_SECONDS,
            )

    def _close(self, calls_open: int, **notes: str) -> None:
        """Acknowledge what is settled, and commit that this process ends in good order."""
        self._turn(self._next_events(0))
        self._await_effects()
        with self._store.transaction():
            self._store.leave(self._left)
            self._store.forget_receipts(self._returned)
            self._record_counts()
            self._store.set_calls_open(calls_open)
            self._store.put(**notes)

    def _counts(self, counts: Counter[str]) -> dict[str, Any]:
        settled, failed = counts["settled"], counts["failed"]
        return {
            "images": {
                "received": settled + len(self._state.in_flight),
                "settled": settled,
                "with_text": counts["with_text"],
                "without_text": settled - counts["with_text"] - failed,
                "failed": failed,
            },
            "expected": self._state.end and self._state.end[0],
            "messages": {
                name.removeprefix("message:"): count
                for name, count in sorted(counts.items())
                if name.startswith("message:")
            },
        }


def _crashed(car: Car) -> TextResult:
    detail = f"{CRASHES_MAX} processes began to read it, and ended before they had"
    failure = {"reason": "crashes", "detail": detail}
    return TextResult(
        car,
        text=None,
        line=None,
        failure=failure,
        billed=False,
        at=round(time.time(), 3),
        seconds=0,
    )


def _log_result(result: TextResult) -> None:
    key = escape(result.car.key)
    if result.failure:
        logger.warning("%s: failed, %s (%s)", key, *result.failure.values())
    elif result.line is None:
        logger.info("%s: no text", key)
    else:
        logger.info("%s: text %s", key, result.line)
