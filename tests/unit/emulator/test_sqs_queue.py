"""What a queue does, by a clock of the test's own."""

from __future__ import annotations

import time

import pytest

from emulator.sqs import fifo, queue
from emulator.sqs.fifo import FifoQueue
from emulator.sqs.queue import (
    ExpiredReceiptError,
    Message,
    OverLimitError,
    PurgeError,
    Queue,
    ReceiptError,
    State,
    VisibilityTotalError,
)


def send(into: Queue, *bodies: str, at: float = 0, group: str = "", delay: float = 0) -> None:
    """Send messages."""
    for body in bodies:
        into.send(Message(body, {}, at, group=group), delay)


def bodies(of: Queue, count: int = 10, visibility: float = 30, at: float = 0) -> list[str]:
    """Receive messages; return their bodies."""
    return [message.body for message, _ in of.receive(count, visibility, at)]


def counts(of: Queue, at: float = 0) -> tuple[int, int, int]:
    """Return how many are visible, in flight and delayed."""
    return (
        of.count(State.VISIBLE, at),
        of.count(State.IN_FLIGHT, at),
        of.count(State.DELAYED, at),
    )


@pytest.mark.parametrize("kind", [Queue, FifoQueue])
def test_a_received_message_comes_back_after_its_timeout(kind: type[Queue]) -> None:
    """Not a moment before, and then it is received a second time."""
    of = kind()
    send(of, "1.jpg", group="g")
    assert bodies(of, visibility=30, at=100) == ["1.jpg"]
    assert bodies(of, at=129.9) == []
    assert of.next_change() == 130
    ((message, _),) = of.receive(10, 30, 130)
    assert (message.receives, message.first_received_at) == (2, 100)


def test_a_delayed_message_is_counted_as_such_until_its_time() -> None:
    """It is neither visible nor in flight."""
    of = Queue()
    send(of, "1.jpg", delay=5)
    assert counts(of) == (0, 0, 1)
    assert bodies(of, at=4.9) == []
    assert counts(of, at=5) == (1, 0, 0)
    assert bodies(of, at=5) == ["1.jpg"]


def test_a_standard_queue_deletes_by_any_handle_at_any_time() -> None:
    """Also after the timeout, and when another consumer has received it again; twice is once."""
    for again in (False, True):
        of = Queue()
        send(of, "1.jpg")
        ((_, receipt),) = of.receive(1, 10, 0)
        if again:
            assert bodies(of, at=11) == ["1.jpg"]
        of.delete(receipt, 12)
        of.delete(receipt, 12)
        assert counts(of, 99) == (0, 0, 0)
        assert bodies(of, at=99) == []


def test_a_fifo_queue_deletes_only_in_time() -> None:
    """After the timeout the handle has expired: the message comes again, for whoever is next."""
    of = FifoQueue()
    send(of, "1.jpg", group="g")
    ((_, receipt),) = of.receive(1, 10, 0)
    with pytest.raises(ExpiredReceiptError):
        of.delete(receipt, 10)
    ((_, newer),) = of.receive(1, 10, 11)
    with pytest.raises(ExpiredReceiptError):
        of.delete(receipt, 12)
    of.delete(newer, 12)
    of.delete(newer, 99)  # what is deleted already is deleted
    assert bodies(of, at=99) == []


@pytest.mark.parametrize("kind", [Queue, FifoQueue])
@pytest.mark.parametrize("receipt", ["", "x", "1.1.", "1.1.abc", "ü", "1"])
def test_a_handle_that_was_never_given_out_is_none(kind: type[Queue], receipt: str) -> None:
    """Nor is one of another queue."""
    of, other = kind(), kind()
    for each in (of, other):
        send(each, "1.jpg", group="g")
    ((_, foreign),) = other.receive(1, 10, 0)
    of.receive(1, 10, 0)
    for wrong in (receipt, foreign):
        with pytest.raises(ReceiptError):
            of.delete(wrong, 1)
        with pytest.raises(ReceiptError):
            of.change_visibility(wrong, 1, 1)


@pytest.mark.parametrize("kind", [Queue, FifoQueue])
def test_visibility_is_changed_of_what_is_in_flight_alone(kind: type[Queue]) -> None:
    """Zero gives it back at once; an old handle, or one that is late, changes nothing."""
    of = kind()
    send(of, "1.jpg", group="g")
    ((_, first),) = of.receive(1, 10, 0)
    of.change_visibility(first, 100, 5)
    assert bodies(of, at=104) == []
    of.change_visibility(first, 0, 104)
    with pytest.raises(ExpiredReceiptError):
        of.change_visibility(first, 100, 104)
    assert bodies(of, at=104) == ["1.jpg"]
    with pytest.raises(ExpiredReceiptError):
        of.change_visibility(first, 0, 105)


def test_twelve_hours_after_one_receive_are_the_end() -> None:
    """Extended again and again, a message shows itself twelve hours after it was received."""
    of = Queue()
    send(of, "1.jpg")
    ((_, receipt),) = of.receive(1, 43_200, 0)
    of.change_visibility(receipt, 43_200 - 100, 100)
    with pytest.raises(VisibilityTotalError):
        of.change_visibility(receipt, 43_200 - 99, 100)


def test_a_message_received_too_often_goes_to_the_dead_letter_queue() -> None:
    """In place of one more receive than allowed, and with its id and its source."""
    of, dead = Queue(), Queue()
    of.arn, of.dead_letter = "arn:of", (dead, 2)
    send(of, "junk", "good")
    assert [bodies(of, 1, visibility=0, at=t) for t in range(5)] == [
        ["junk"],
        ["good"],
        ["junk"],
        ["good"],
        [],
    ]
    assert counts(of, 9) == (0, 0, 0)
    found = dead.receive(10, 30, 9)
    assert [(m.body, m.source_arn) for m, _ in found] == [("junk", "arn:of"), ("good", "arn:of")]


def test_a_message_that_is_too_old_is_received_no_more() -> None:
    """Its age counts from when it was sent, also in a dead-letter queue of the same kind."""
    of, dead = Queue(retention_seconds=60), Queue(retention_seconds=100)
    of.dead_letter = (dead, 1)
    send(of, "old", "dead", at=0)
    assert bodies(of, 2, visibility=0, at=50) == ["old", "dead"]
    assert bodies(of, 1, at=60) == []  # both are given up
    assert bodies(dead, at=101) == []
    send(of, "late", at=0)
    assert bodies(of, at=60.1) == []
    assert counts(of, 61) == (0, 0, 0)


@pytest.mark.parametrize("of", [Queue(60), FifoQueue(60)], ids=["standard", "fifo"])
def test_what_is_too_old_is_counted_no_more(of: Queue) -> None:
    """Nobody need receive for that: not what waits, nor what is in flight or delayed."""
    send(of, "in-flight", "waits", at=0)
    ((_, receipt),) = of.receive(1, 100, 1)
    of.send(Message("delayed", {}, 1, group="delayed"), 100)
    send(of, "young", at=40)
    assert sum(counts(of, 60)) == 4
    assert counts(of, 61.5) == (1, 0, 0)
    of.delete(receipt, 62)
    assert bodies(of, at=62) == ["young"]


def test_what_was_settled_is_not_kept_until_it_is_too_old() -> None:
    """One message that nobody settles does not hold on to a million behind it."""
    of = Queue()
    send(of, "stuck")
    of.receive(1, 40_000, 0)
    for at in range(5_000):
        send(of, "1.jpg", at=at)
        ((_, receipt),) = of.receive(1, 30, at)
        of.delete(receipt, at)
    assert len(of._ages) < 2_000  # nothing else shows it


def test_a_purge_takes_all_and_once_a_minute() -> None:
    """What is in flight goes too, and its handle deletes nothing later."""
    of = Queue()
    send(of, "1.jpg", "2.jpg")
    ((_, receipt),) = of.receive(1, 30, 0)
    of.purge(10)
    assert counts(of, 99) == (0, 0, 0)
    of.delete(receipt, 11)
    send(of, "3.jpg")
    with pytest.raises(PurgeError):
        of.purge(69.9)
    assert bodies(of, at=69.9) == ["3.jpg"]
    of.purge(70)


def test_too_many_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standard queue refuses, a FIFO queue hands out nothing; both go on after a delete."""
    monkeypatch.setattr(queue, "MAX_IN_FLIGHT", 2)
    monkeypatch.setattr(fifo, "MAX_IN_FLIGHT", 2)
    for of in (Queue(), FifoQueue()):
        for body in "123":
            send(of, body, group=body)
        (_, receipt), _ = of.receive(2, 30, 0)
        if of.is_fifo:
            assert bodies(of, at=1) == []
        else:
            with pytest.raises(OverLimitError):
                of.receive(1, 30, 1)
        of.delete(receipt, 2)
        assert bodies(of, at=2) == ["3"]


def test_a_group_keeps_its_order_and_waits_for_what_is_in_flight() -> None:
    """While one of a group is in flight the rest is held back; other groups go on."""
    of = FifoQueue()
    send(of, "a1", "a2", "a3", group="a")
    send(of, "b1", group="b")
    ((first, receipt),) = of.receive(1, 30, 0)
    assert first.body == "a1"
    assert bodies(of, at=1) == ["b1"]
    assert bodies(of, at=2) == []
    of.delete(receipt, 3)
    assert bodies(of, at=3) == ["a2", "a3"]


def test_what_comes_back_comes_before_what_is_younger() -> None:
    """A message that was not deleted in time is the group's next one again."""
    of = FifoQueue()
    send(of, "a1", "a2", "a3", group="a")
    (_, receipt), _ = of.receive(2, 10, 0)
    of.delete(receipt, 1)
    assert bodies(of, at=9) == []
    assert bodies(of, at=10) == ["a2", "a3"]


def test_a_partly_settled_receive_holds_its_group_until_the_last() -> None:
    """One of two is given back: it is not received before the other is settled."""
    of = FifoQueue()
    send(of, "a1", "a2", "a3", group="a")
    (_, first), (_, second) = of.receive(2, 30, 0)
    of.change_visibility(first, 0, 1)
    assert bodies(of, at=2) == []
    of.delete(second, 3)
    assert bodies(of, at=3) == ["a1", "a3"]


def test_a_group_whose_first_message_is_given_up_goes_on() -> None:
    """The dead letter makes room, in the same receive, and the group is held as ever."""
    of, dead = FifoQueue(), FifoQueue()
    of.dead_letter = (dead, 1)
    send(of, "a1", "a2", "a3", group="a")
    assert bodies(of, 1, visibility=0, at=0) == ["a1"]
    assert bodies(of, 1, at=1) == ["a2"]
    assert bodies(of, 1, at=2) == []
    assert bodies(dead, at=2) == ["a1"]


def test_sequence_numbers_grow() -> None:
    """They are twenty digits, over all groups."""
    of = FifoQueue()
    for group in "abab":
        send(of, "x", group=group)
    numbers = sorted(message.sequence for message, _ in of.receive(10, 30, 0))
    assert len(set(numbers)) == 4
    assert {len(str(number)) for number in numbers} == {20}


def test_a_deduplication_id_is_remembered_for_five_minutes() -> None:
    """Also when its message is received and deleted."""
    of = FifoQueue()
    message = Message("1.jpg", {}, 0, group="g")
    of.send(message)
    of.remember(("", "id"), message)
    ((_, receipt),) = of.receive(1, 30, 0)
    of.delete(receipt, 1)
    assert of.known_duplicate(("", "id"), 299.9) is message
    assert of.known_duplicate(("", "id"), 300) is None


@pytest.mark.parametrize("kind", [Queue, FifoQueue])
def test_a_receive_does_not_look_at_the_whole_queue(kind: type[Queue]) -> None:
    """With 20,000 messages ten cost nowhere near two thousand times what they cost with ten."""
    shallow, deep = kind(), kind()
    for number in range(20_000):
        send(deep, "x", group=str(number % 1000))
    best = {shallow: float("inf"), deep: float("inf")}
    for _ in range(100):
        for number in range(10):
            send(shallow, "x", group=str(number))
        for of in (shallow, deep):  # in turn, so that whatever else the machine does slows both
            begun = time.perf_counter()
            for _, receipt in of.receive(10, 30, 0):
                of.delete(receipt, 0)
            best[of] = min(best[of], time.perf_counter() - begun)
    assert best[deep] <= 10 * best[shallow]
