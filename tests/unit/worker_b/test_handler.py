"""What B does with one message: each rule of the protocol at its boundary, without a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe_common.protocol import Alive, Done, MalformedMessageError
from carscribe_worker_b.handler import (
    QUIET_SECONDS,
    Ack,
    Park,
    Process,
    RecordEnd,
    Requeue,
    RunState,
    handle,
    is_complete,
    on_settled,
)
from tests.unit.worker_b.conftest import car, result, set_end, settle

if TYPE_CHECKING:
    from carscribe_worker_b.store import TextStore


@pytest.fixture
def state(store: TextStore) -> RunState:
    """A run of which nothing is known yet."""
    return RunState("run-1", store)


STRAY = car(1, "stray.jpg")


def test_an_image_is_processed_once(state: RunState) -> None:
    """A second delivery while it is in flight starts nothing; both receipts are acknowledged."""
    assert handle(state, car(1), "r1") == [Process(car(1), ["r1"])]
    assert handle(state, car(1), "r2") == [Park(car(1), ["r2"])]
    assert on_settled(state, 1, failed=False) == [Ack(["r1", "r2"])]
    assert state.messages == {"redelivered": 1}


@pytest.mark.parametrize("failed", [False, True])
def test_a_settled_image_is_acknowledged(store: TextStore, failed: bool) -> None:
    """Be it settled by its failure: it is not processed again (rule 3)."""
    settle(store, result(car(1), failed=failed))
    state = RunState("run-1", store)
    assert handle(state, car(1), "r1") == [Ack(["r1"])]
    assert state.messages == {"redelivered": 1}


def test_an_n_of_another_image_is_requeued(store: TextStore) -> None:
    """Another key has settled it with success: redrive takes the message away (rule 6)."""
    settle(store, result(car(1)))
    state = RunState("run-1", store)
    assert handle(state, STRAY, "r1") == [Requeue(("r1",))]
    assert state.messages == {"conflicting": 1}


def test_an_n_that_failed_is_free(store: TextStore) -> None:
    """A stray that came first and failed does not take the place of A's own image."""
    settle(store, result(STRAY, failed=True))
    state = RunState("run-1", store)
    assert handle(state, car(1), "r1") == [Process(car(1), ["r1"])]


def test_a_rival_waits_for_the_holder_and_loses(state: RunState) -> None:
    """When the holder is settled with success, each receipt of the parked one is requeued."""
    handle(state, car(1), "r1")
    assert handle(state, STRAY, "s1") == [Park(STRAY, ["s1"])]
    assert handle(state, STRAY, "s2") == [Park(STRAY, ["s2"])]
    assert on_settled(state, 1, failed=False) == [Ack(["r1"]), Requeue(("s1", "s2"))]
    assert not state.parked
    assert not state.in_flight


def test_a_rival_follows_a_holder_that_failed(state: RunState) -> None:
    """The first of them is worked on with all its receipts; the others go on waiting."""
    handle(state, STRAY, "s1")
    handle(state, car(1), "r1")
    handle(state, car(1), "r2")
    handle(state, car(1, "third.jpg"), "t1")
    assert on_settled(state, 1, failed=True) == [Ack(["s1"]), Process(car(1), ["r1", "r2"])]
    assert handle(state, car(1), "r3") == [Park(car(1), ["r3"])]
    assert on_settled(state, 1, failed=False) == [Ack(["r1", "r2", "r3"]), Requeue(("t1",))]


def test_a_message_of_another_run_is_acknowledged(state: RunState) -> None:
    """Its car, its end: logged, counted, and without effect on this run (rule 4)."""
    other = car(1)
    for message in (Done("old", 0), Alive("old")):
        assert handle(state, message, "r1") == [Ack(["r1"])]
    assert handle(RunState("run-2", state.settled), other, "r1") == [Ack(["r1"])]
    assert state.messages == {"of_other_runs": 2}
    assert state.end is None


def test_a_malformed_message_is_requeued(state: RunState) -> None:
    """What is none of the three kinds is counted, and left to redrive."""
    assert handle(state, MalformedMessageError("it has no body"), "r1") == [Requeue(("r1",))]
    assert state.messages == {"malformed": 1}


def test_an_image_of_another_pair_is_requeued(store: TextStore) -> None:
    """Nothing is known of it, its n is free, and it is no sign that this pair's A is alive."""
    state = RunState("run-1", store, is_own=lambda key: key != STRAY.key, now=5.0)
    assert handle(state, STRAY, "r1") == [Requeue(("r1",))]
    assert state.messages == {"of_other_pairs": 1}
    assert state.heard_at == 0
    assert handle(state, car(1), "r2") == [Process(car(1), ["r2"])]


def test_an_end_is_recorded_before_it_is_acknowledged(state: RunState) -> None:
    """And its second delivery is acknowledged as the first one."""
    assert handle(state, Done("run-1", 3, 7), "r1") == [RecordEnd(3, 7), Ack(["r1"])]
    assert handle(state, Done("run-1", 3, 7), "r2") == [Ack(["r2"])]


def test_a_second_end_that_says_something_else_is_requeued(state: RunState) -> None:
    """Another last n, or other images: this run has one end, committed or not yet."""
    handle(state, Done("run-1", 3, 7), "r1")
    assert handle(state, Done("run-1", 4, 7), "r2") == [Requeue(("r2",))]
    assert handle(state, Done("run-1", 3, 8), "r3") == [Requeue(("r3",))]
    assert state.messages == {"conflicting": 2}
    assert state.end == (3, 7)


def test_a_digest_may_come_with_the_second_end(state: RunState) -> None:
    """Of two ends at the same n the one with a digest is kept, in whatever order they come."""
    handle(state, Done("run-1", 3), "r1")
    assert handle(state, Done("run-1", 3, 7), "r2") == [RecordEnd(3, 7), Ack(["r2"])]
    assert handle(state, Done("run-1", 3), "r3") == [Ack(["r3"])]
    assert state.end == (3, 7)


def test_an_end_of_an_earlier_process_is_known(store: TextStore) -> None:
    """What was committed decides about a second end after a restart, too."""
    set_end(store, 3, 7)
    assert handle(RunState("run-1", store), Done("run-1", 4), "r1") == [Requeue(("r1",))]


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        (car(1), True),
        (Alive("run-1"), True),
        (Done("run-1", 3), True),
        (Done("old", 3), False),
        (MalformedMessageError(""), False),
        (car(2, "stray.jpg"), False),
    ],
)
def test_what_is_heard_of_this_run(store: TextStore, message: object, heard: bool) -> None:
    """Strays, others' messages and nobody's do not keep B waiting (rule 7)."""
    settle(store, result(car(2)))
    state = RunState("run-1", store, now=5.0)
    handle(state, message, "r1")  # type: ignore[arg-type]
    assert state.heard_at == (5.0 if heard else 0.0)


def test_complete_is_end_and_every_n(store: TextStore) -> None:
    """-1 alone does not end a run, nor does all that came without -1 (rule 1)."""
    state = RunState("run-1", store)
    handle(state, Done("run-1", 1), "e")
    assert not is_complete(state, 0.0)
    set_end(store, 1)
    assert not is_complete(state, 0.0)
    settle(store, result(car(1)))
    assert is_complete(state, 0.0)
    store.execute("DELETE FROM meta WHERE name = 'end'")
    assert not is_complete(RunState("run-1", store), 0.0)


@pytest.mark.parametrize(("n", "complete"), [(1, False), (2, True)])
def test_what_is_in_flight_up_to_the_end_is_waited_for(
    store: TextStore,
    n: int,
    complete: bool,
) -> None:
    """It may be A's own image of an n that a stray settled; beyond the end it is nobody's."""
    settle(store, result(STRAY, failed=True))
    set_end(store, 1)
    state = RunState("run-1", store)
    handle(state, car(n), "r1")
    assert is_complete(state, 100.0) is complete


def test_a_parked_message_is_waited_for(store: TextStore) -> None:
    """A message that contests an n is decided about before the run ends."""
    settle(store, result(car(1)))
    set_end(store, 1)
    state = RunState("run-1", store)
    handle(state, car(2), "r2")
    handle(state, car(2, "stray.jpg"), "s2")
    assert not is_complete(state, 100.0)
    on_settled(state, 2, failed=False)
    assert is_complete(state, 100.0)


def test_with_a_failure_a_rival_is_waited_for(store: TextStore) -> None:
    """A second after the last thing that happened, and not before, the run is complete."""
    set_end(store, 1)
    settle(store, result(car(1), failed=True))
    state = RunState("run-1", store, now=5.0)
    handle(state, Alive("run-1"), "r1")
    assert not is_complete(state, 5.0 + QUIET_SECONDS - 0.01)
    assert is_complete(state, 5.0 + QUIET_SECONDS)
    on_settled(state, 1, failed=True)
    assert not is_complete(state, 5.0 + QUIET_SECONDS - 0.01)
