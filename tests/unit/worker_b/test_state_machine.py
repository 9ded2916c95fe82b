"""Whatever a queue, a crash and an unlucky moment do to B: rules and the final result hold.

The store is the real one in a temporary file; handler, consumer, heartbeat and
the main loop's turn are the real ones. The queue is one in memory, images are
settled when the machine says so, and nothing waits for a clock.

`MACHINE=full python -m pytest` on this file makes 300 runs of 40 steps, and shows
a failing one as it is; otherwise it is made as short as it can be.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from carscribe_common.aws import Calls, Clients
from carscribe_common.cli import Shutdown
from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.protocol import DIGEST_MODULUS, Alive, Car, Done, car_hash
from carscribe_worker_b import run as run_module
from carscribe_worker_b.handler import is_complete
from carscribe_worker_b.run import RunB, Unread
from carscribe_worker_b.settings import SettingsB
from carscribe_worker_b.store import CRASHES_MAX, TextStore
from carscribe_worker_b.text_detection import TextResult
from tests.pipeline import IN_MEMORY
from tests.unit.worker_b.conftest import FakeEffects
from tests.unit.worker_b.fake_sqs import FakeSQS, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CARS = 5
RUN_ID = "run"
IS_FULL = os.environ.get("MACHINE") == "full"
RUNS = 300 if IS_FULL else 60
STEPS = 40
TURNS_TO_THE_END = 100
ENDS = (
    *("between turns", "before the commit", "behind the commit", "killed at every start"),
    *("SIGTERM", "SIGTERM, with results", "an error"),
    *("not yet",) * 7,
)
WORK = ("receive", "turn", "settle", "settle", "turn")
OPERATIONS = ("delete", "extend", "requeue")
MOODS = ("slow", "silent", "well")
INDEX = st.integers(0, 9)
N = st.integers(1, CARS)


class Killed(BaseException):
    """The process was killed at this very moment."""


class FakePool:
    """Takes images, and leaves it to the machine when they are settled."""

    def __init__(self, submit: Any) -> None:
        self.submit = submit
        self.in_flight, self.capacity = 0, 64


def own(n: int) -> Car:
    """Return the car that A numbered n."""
    return Car(RUN_ID, n, f"{n}.jpg", f'"{n}"', 100)


def is_own(key: str) -> bool:
    """Tell whether an image is of this B's pair."""
    return not key.startswith("elsewhere")


DIGEST = sum(car_hash(n, own(n).key, own(n).etag) for n in range(1, CARS + 1)) % DIGEST_MODULUS

MESSAGES: dict[str, Callable[[int], list[Any]]] = {
    "own": lambda n: [own(n)],
    "own, which cannot be read": lambda n: [own(n)],
    "own and ghost": lambda n: [own(n), Car(RUN_ID, n, "ghost2.jpg", '"e"')],
    "ghost": lambda n: [Car(RUN_ID, n, f"ghost{n % 2}.jpg", '"e"')],
    "ghost behind the end": lambda n: [Car(RUN_ID, CARS + 1 + n % 2, "ghost0.jpg", '"e"')],
    "impostor": lambda n: [Car(RUN_ID, n, f"other{n}.jpg", '"e"')],
    "elsewhere": lambda n: [Car(RUN_ID, n, f"elsewhere{n}.jpg", '"e"')],
    "foreign": lambda _: [Car("old", 1, "1.jpg", '"e"'), Done("old", 0), Alive("old")],
    "end": lambda _: [Done(RUN_ID, CARS, DIGEST)],
    "another end": lambda n: [Done(RUN_ID, (CARS + n) % (CARS + 2))],
    "malformed": lambda _: ["?"],
    "alive": lambda _: [Alive(RUN_ID)],
}
"""What may come: of A, whose images are `own`; of somebody who claims an n for an image that is
not there, a `ghost`, or, as an A with another store would, for an `impostor` that can be read; and
of others."""

KINDS = ("own", "own", *MESSAGES)


class WorkerB(RuleBasedStateMachine):
    """Worker B on a queue; `model` says what A sent and what each image shows."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=IN_MEMORY))
        self.sqs = FakeSQS(on_delete=self._before_delete, on_requeue=self._before_requeue)
        self.own_failures: set[int] = set()
        self.read: set[tuple[int, str]] = set()
        self.crashes = 0
        self.deaths: Counter[Car] = Counter()
        self.impostors = False
        self.pending: list[Any] = []
        self.submitted: list[Car] = []
        self._start()

    # --- the process -------------------------------------------------------------------

    def _start(self) -> None:
        settings_b = SettingsB(
            run_id=RUN_ID,
            bucket="photos",
            queue_url="q",
            region="us-east-1",
            state_dir=self.folder,
        )
        identity = {"worker": "b", "run_id": RUN_ID, "queue_url": "q"}
        self.store = TextStore(self.folder, identity)
        self.effects: FakeEffects

        def pool(name: str, *how: Any) -> Any:
            if name == "read":
                return FakePool(self._submit)
            self.effects = FakeEffects(name, *how)
            return self.effects

        make: Any = Clients
        clients = make(sqs=self.sqs, s3=None, rekognition=None, calls=Calls())
        self.pending, self.submitted = [], []
        self.shutdown = Shutdown()
        with (
            mock.patch.object(run_module, "build_clients", return_value=clients),
            mock.patch.object(run_module, "Pool", pool),
        ):
            self.run = RunB(settings_b, self.shutdown, self.store)
        self.run._state.is_own = is_own
        self.done = self.store.is_done
        if not self.done:
            self.run._resume()
            self._collect()

    def _stop(self) -> None:
        self.store.close()

    def _crash(self) -> None:
        self.crashes += 1
        self.deaths.update(self.submitted)
        self._stop()
        self.sqs.failing.clear()
        self._start()
        # What was received or recorded as dealt with, and not committed or done, comes again.
        self.sqs.left |= set(self.sqs.in_flight()) - set(self._places())

    def _collect(self) -> None:
        """Take over what the main loop would find in its queue the next time."""
        while not self.run._events.empty():
            self.pending.append(self.run._events.get())

    def _turn(self, events: list[Any]) -> None:
        self.run._turn(events)
        self._collect()
        self._end_if_complete()

    def _end_if_complete(self) -> None:
        if is_complete(self.run._state, math.inf):
            assert self.store.end is not None
            settled = {row["n"] for row in self.store.rows()}
            assert set(range(1, self.store.end[0] + 1)) <= settled
            if self.store.digest_agrees():
                self.run._finish()
                self.done = True

    def _submit(self, car: Car) -> None:
        assert car.run_id == RUN_ID, "an image of another run is read"
        assert is_own(car.key), "an image of another pair is read"
        assert not self.store.is_settled(car.n, car.key), f"{car} is read again"
        assert car.n not in {other.n for other in self.submitted}, f"{car} is read beside another"
        assert self.deaths[car] < CRASHES_MAX, f"{car} is read by yet another process"
        self.submitted.append(car)

    def _result(self, car: Car) -> TextResult:
        self.read.add((car.n, car.key))
        fails = car.key.startswith("ghost") or (car == own(car.n) and car.n in self.own_failures)
        return TextResult(
            car=car,
            text=None if fails else [],
            line=None if fails else f"TEXT {car.n}",
            failure={"reason": "gone", "detail": ""} if fails else None,
            billed=not fails,
            at=0.0,
            seconds=0.0,
        )

    # --- at the moment of an effect ------------------------------------------------------

    def _before_delete(self, stored: Stored) -> None:
        assert not self.store.execute("SELECT 1").connection.in_transaction, "before its commit"
        match stored.message:
            case Car(run_id, n, key) if run_id == RUN_ID:
                assert self.store.is_settled(n, key), f"{key} is deleted and not settled"
            case Done(run_id, expected) if run_id == RUN_ID:
                assert self.store.expected == expected, "the end is deleted and not committed"
            case None:
                raise AssertionError("a malformed message is deleted")
            case _:
                pass

    def _before_requeue(self, stored: Stored) -> None:
        if self.run._ending or self.impostors:
            return
        match stored.message:
            case Car() as car:
                assert car.run_id == RUN_ID, "a message of another run is returned"
                assert car != own(car.n), f"A's own {car.key} is on its way to the dead letters"
            case Done(_, expected):
                assert expected != CARS, "A's end is on its way to the dead letters"
            case Alive():
                raise AssertionError("an alive is returned")
            case None:
                pass

    # --- what comes -----------------------------------------------------------------------

    @initialize(impostors=st.booleans(), few=st.integers(0, 3))
    def begin(self, impostors: bool, few: int) -> None:
        """Decide whether others may take an n with success; begin with some messages."""
        self.impostors = impostors and few == 0
        for n in range(1, few + 1):
            self.sqs.send(own(n))

    @rule(what=st.lists(st.tuples(st.sampled_from(KINDS), N), min_size=1, max_size=4))
    def arrive(self, what: list[tuple[str, int]]) -> None:
        """Messages come. Few rules of many kinds: else a run is all messages and starts."""
        for kind, n in what:
            if kind == "own, which cannot be read" and (n, own(n).key) not in self.read:
                self.own_failures.add(n)
            if self._may_come(kind):
                for message in MESSAGES[kind](n):
                    self.sqs.send(message)

    def _may_come(self, kind: str) -> bool:
        if kind == "another end":
            return self.store.end is not None and not self.done
        return kind != "impostor" or self.impostors

    @rule(
        what=st.sampled_from(
            ["beat", "acknowledge what is due", "acknowledge all", "expire", *MOODS, *OPERATIONS]
        ),
        how=st.sampled_from(["network", "InternalError"]),
        pick=INDEX,
    )
    def meanwhile(self, what: str, how: str, pick: int) -> None:
        """The queue's time passes, or its next call of an operation fails, whole or in part."""
        receipts = sorted(self.sqs.in_flight())
        match what:
            case "expire" if receipts:  # the visibility timeout: this receipt is void from now on
                self.sqs.expire(receipts[pick % len(receipts)])
            case "delete" | "extend" | "requeue":
                self.sqs.failing[what] = how
            case "slow" | "silent" | "well":
                self._mood(what)
            case "beat" if not self.done:
                self._beat()
            case "acknowledge what is due" | "acknowledge all" if not self.done:
                self.run._ack_due(all_of_them=what == "acknowledge all")

    def _mood(self, queue_is: str) -> None:
        """Let the queue take what changes a message, now or later."""
        self.effects.queue_is = queue_is
        if queue_is == "well":
            self.effects.join()
            self._collect()

    def _beat(self) -> None:
        """All that is in flight is extended, parked messages too; what is requeued is not."""
        self.sqs.extended.clear()
        failing = "extend" in self.sqs.failing
        self.run._consumer.heartbeat.beat()
        if not failing:
            in_places = set(self._places())
            assert self.sqs.extended >= in_places & set(self.sqs.in_flight())
        assert self.sqs.extended <= set(self.sqs.in_flight())

    # --- what B does ------------------------------------------------------------------------

    @precondition(lambda self: not self.done)
    @rule(
        first=st.integers(0, len(WORK) - 1),
        steps=st.sampled_from([1, 2, 3, 5, 8, 13]),
        count=st.integers(1, 10),
        pick=INDEX,
        seed=st.randoms(use_true_random=False),
    )
    def work(self, first: int, steps: int, count: int, pick: int, seed: Any) -> None:
        """Messages come in any order, the main loop takes all that is ready, images are read."""
        for step in islice(cycle(WORK), first, first + steps):
            if self.done:
                return
            match step:
                case "receive":
                    self._receive(count, seed)
                case "turn" if self.pending:
                    events, self.pending = self.pending, []
                    self._turn(events)
                case "settle" if self.submitted:
                    car = self.submitted.pop(pick % len(self.submitted))
                    self.pending.append(self._result(car))
            self.check()

    def _receive(self, count: int, seed: Any) -> None:
        def order(numbers: list[int]) -> list[int]:
            seed.shuffle(numbers)
            return numbers[:count]

        with mock.patch.object(self.sqs, "order", order):
            self.pending.append(self.run._consumer.receive(0))

    # --- how B ends -------------------------------------------------------------------------

    @rule(
        how=st.sampled_from(ENDS),
        times=st.integers(CRASHES_MAX, CRASHES_MAX + 2),
        unread=st.booleans(),
    )
    def end_the_process(self, how: str, times: int, unread: bool) -> None:
        """The process ends, and is started again."""
        match how:
            case "SIGTERM" | "SIGTERM, with results" if not self.done:
                self.shutdown.request(15)
                self._drain(results=how != "SIGTERM")
            case "an error" if self.pending and not self.done:
                self._turn_with_an_error(unread)
            case "not yet":
                pass
            case "killed at every start" if not self.done:
                self._kill_at_every_start(times)
            case _:
                self._kill(how)

    def _turn_with_an_error(self, unread: bool) -> None:
        """With what is ready comes the end of a thread: what came with it is committed first."""
        events, self.pending = self.pending, []
        if unread and self.submitted:
            events.append(Unread(self.submitted.pop()))
        error = WorkerExit(Exit.TRANSIENT, "nothing succeeds")
        with pytest.raises(WorkerExit) as raised:
            self._turn([*events, error])
        assert raised.value is error
        for event in events:
            if isinstance(event, TextResult):
                assert self.store.is_settled(event.car.n, event.car.key), "a result is dropped"
        self._drain(results=True)

    def _kill(self, moment: str) -> None:
        events, self.pending = self.pending, []
        if events and not self.done and moment != "between turns":
            step = "_perform" if moment == "behind the commit" else "_record"
            with mock.patch.object(self.run, step, side_effect=Killed), suppress(Killed):
                self.run._turn(events)
        self._crash()

    def _kill_at_every_start(self, times: int) -> None:
        """Something kills one process after the other, with the same messages in flight."""
        for _ in range(times):
            events, self.pending = self.pending, []
            if events and not self.done:
                self._turn(events)
            self._crash()

    def _drain(self, *, results: bool) -> None:
        for event in self.pending:
            self.run._events.put(event)
        if results:
            for car in self.submitted:
                self.run._events.put(self._result(car))
        seconds = math.inf if results else 0.0
        with mock.patch.object(run_module, "STOP_SECONDS", seconds):
            self.run._drain()
        self.sqs.left |= set(self.effects.receipts)
        hidden = set(self.sqs.in_flight()) - self.sqs.left
        assert not hidden, f"{hidden} are neither settled nor returned"
        self._stop()
        self._start()

    # --- what always holds ---------------------------------------------------------------------

    def _places(self) -> list[str]:
        """Return each receipt that B knows, from everywhere it may be."""
        state = self.run._state
        places = [one.receipts for one in state.in_flight.values()]
        places += [one.receipts for rivals in state.parked.values() for one in rivals.values()]
        known = [receipt for receipts in places for receipt in receipts]
        return known + self.run._acks + self.effects.receipts

    @invariant()
    def check(self) -> None:
        """Behind each step, those within a rule among them."""
        self.each_receipt_is_in_one_place()
        self.receipts_are_kept_for_the_next_process()
        self.one_success_for_each_n()
        self.complete_means_that_all_is_settled()

    def each_receipt_is_in_one_place(self) -> None:
        """What is in flight at the queue is known to B once, and is extended."""
        if self.done:
            return
        places = Counter(self._places())
        assert set(places.values()) <= {1}, f"twice: {places}"
        waiting = {
            one.receipt for batch in self.pending if isinstance(batch, list) for one in batch
        }
        unknown = set(self.sqs.in_flight()) - set(places) - waiting - self.sqs.left
        assert not unknown, f"in flight and known to nobody: {unknown}"
        tracked = set(self.run._consumer.heartbeat._receipts)
        assert set(places) & set(self.sqs.in_flight()) <= tracked, "not extended"

    def receipts_are_kept_for_the_next_process(self) -> None:
        """The store has the receipts of what is in flight and parked, and no other."""
        if not self.done:
            let_go = {*self.run._acks, *self.effects.receipts}
            kept = {receipt for _, receipt in self.store.in_flight()}
            assert kept == set(self._places()) - let_go

    def one_success_for_each_n(self) -> None:
        """No n is settled by two images."""
        settled = Counter(row["n"] for row in self.store.rows() if row["failure"] is None)
        assert set(settled.values()) <= {1}, settled

    def complete_means_that_all_is_settled(self) -> None:
        """Without A's end, or with another store's cars, no run is complete."""
        if self.done:
            assert self._settled_own() == set(range(1, CARS + 1))

    def _settled_own(self) -> set[int]:
        return {row["n"] for row in self.store.rows() if row["key"] == f"{row['n']}.jpg"}

    # --- and in the end ---------------------------------------------------------------------------

    def teardown(self) -> None:
        """From wherever it stands the run comes to its end, with the undisturbed run's lines."""
        try:
            self._to_the_end()
        finally:
            self._stop()
            shutil.rmtree(self.folder)

    def _to_the_end(self) -> None:
        self._mood("well")
        for n in range(1, CARS + 1):
            self.sqs.send(own(n))
        self.sqs.send(Done(RUN_ID, CARS, DIGEST))
        for _ in range(TURNS_TO_THE_END):
            if self.done:
                break
            self.sqs.failing.clear()
            for receipt in self.sqs.left:
                self.sqs.expire(receipt)
            events, self.pending = self.pending, []
            events += [self._result(car) for car in self.submitted]
            self.submitted.clear()
            self._turn([*events, self.run._consumer.receive(0)])
            if not self.done:
                self.run._ack_due(all_of_them=True)
        taken = {
            row["n"]
            for row in self.store.rows()
            if row["failure"] is None and row["key"] != f"{row['n']}.jpg" and row["n"] <= CARS
        }
        assert self.done != bool(taken), f"done: {self.done}, taken by others: {taken}"
        if not self.done:
            return
        crashed = {
            row["n"]
            for row in self.store.rows(failed=True)
            if row["failure"]["reason"] == "crashes" and row["key"] == f"{row['n']}.jpg"
        }
        assert not crashed or self.crashes >= CRASHES_MAX
        lines = {n: f"TEXT {n}" for n in range(1, CARS + 1)}
        lost = self.own_failures | crashed
        assert list(self.store.lines()) == [
            (f"{n}.jpg", line) for n, line in lines.items() if n not in lost
        ]


@pytest.fixture
def _silence() -> Iterator[None]:
    """Log nothing: every message of ten thousand steps would be formatted."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("_silence")
def test_whatever_comes() -> None:
    """Every rule of the protocol, in any order and at any moment of a crash."""
    with (
        mock.patch.object(run_module, "TURN_SECONDS", 0),
        mock.patch.object(run_module, "LINGER_SECONDS", 0),
        mock.patch.object(run_module, "REQUEUED_PAUSE_SECONDS", 0),
    ):
        run_state_machine_as_test(
            WorkerB,
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, *([] if IS_FULL else [Phase.shrink])],
                database=None,
            ),
        )
