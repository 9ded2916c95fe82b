"""Messages go in full batches, never late, and until the queue has taken each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.protocol import Alive, Car, Done, Message, entry
from carscribe_worker_a import publisher
from carscribe_worker_a.publisher import LINGER_SECONDS, Publisher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.stubs import StubbedAWS

ALIVE_SECONDS = 120.0
EARLIER, LATER = -0.001, 0.001


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return its time, in seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The publisher's clock."""
    clock = Clock()
    monkeypatch.setattr(publisher, "time", clock)
    return clock


@pytest.fixture
def publish(aws: StubbedAWS, clock: Clock) -> Publisher:
    """A publisher of a run, at the clock's first moment."""
    assert clock.now
    return Publisher(aws.call, "q", "r", alive_seconds=ALIVE_SECONDS)


def car(n: int) -> Car:
    """Return a car of the run."""
    return Car("r", n, f"{n}.jpg", '"e"', 7)


def expect(
    aws: StubbedAWS, messages: Sequence[Message], *, taken: Sequence[int] | None = None
) -> None:
    """Write down a batch, and which of its entries the queue takes: all, if not told otherwise."""
    ids = range(len(messages)) if taken is None else taken
    entries = [{"Id": str(i), **entry(message)} for i, message in enumerate(messages)]
    _expect(aws, entries, [str(i) for i in ids])


def _expect(aws: StubbedAWS, entries: list[dict[str, Any]], taken: list[str]) -> None:
    failed = [
        {"Id": each["Id"], "Code": "InternalError", "SenderFault": False}
        for each in entries
        if each["Id"] not in taken
    ]
    done = [{"Id": i, "MessageId": i, "MD5OfMessageBody": i} for i in taken]
    answer = {"Successful": done, "Failed": failed}
    aws.sqs.add_response("send_message_batch", answer, {"QueueUrl": "q", "Entries": entries})


@pytest.mark.parametrize("waited", [0.0, LINGER_SECONDS + EARLIER])
def test_a_part_of_a_batch_waits_for_others(
    publish: Publisher, clock: Clock, waited: float
) -> None:
    """Nine cars are not sent before they have waited long enough."""
    for n in range(1, 10):
        publish.put(car(n))
    clock.now += waited
    assert publish.flush_due() == []
    assert publish.due_seconds == pytest.approx(LINGER_SECONDS - waited)


def test_no_car_waits_longer(aws: StubbedAWS, publish: Publisher, clock: Clock) -> None:
    """A car is sent when the time is over, however few there are, counted from the first one."""
    publish.put(car(1))
    clock.now += LINGER_SECONDS / 2
    publish.put(car(2))
    clock.now += LINGER_SECONDS / 2 + LATER
    expect(aws, [car(1), car(2)])
    assert publish.due_seconds == 0
    assert publish.flush_due() == [1, 2]


def test_full_batches_go_at_once(aws: StubbedAWS, publish: Publisher) -> None:
    """Of 25 cars twenty go in two batches, and five wait."""
    for n in range(1, 26):
        publish.put(car(n))
    expect(aws, [car(n) for n in range(1, 11)])
    expect(aws, [car(n) for n in range(11, 21)])
    assert publish.flush_due() == list(range(1, 21))
    expect(aws, [car(n) for n in range(21, 26)])
    assert publish.flush_all() == list(range(21, 26))
    assert publish.flush_all() == []


def test_only_what_was_not_taken_goes_again(aws: StubbedAWS, publish: Publisher) -> None:
    """A batch that is answered with 200 may have failed entries: those, and those alone."""
    for n in range(1, 4):
        publish.put(car(n))
    expect(aws, [car(1), car(2), car(3)], taken=[0])
    again = [{"Id": str(i), **entry(car(i + 1))} for i in (1, 2)]
    _expect(aws, again, ["2"])
    _expect(aws, again[:1], ["1"])
    assert publish.flush_all() == [1, 2, 3]


@pytest.mark.parametrize(("waited", "says"), [(EARLIER, False), (LATER, True)])
def test_a_says_that_it_is_alive(
    aws: StubbedAWS, publish: Publisher, clock: Clock, waited: float, says: bool
) -> None:
    """After two minutes without any message, and not before; then two minutes on."""
    clock.now += ALIVE_SECONDS + waited
    if says:
        expect(aws, [Alive("r")])
    assert publish.flush_due() == []
    if says:
        assert publish.due_seconds == pytest.approx(ALIVE_SECONDS)
        assert publish.flush_due() == []


def test_a_car_is_a_sign_of_life(aws: StubbedAWS, publish: Publisher, clock: Clock) -> None:
    """Whatever was sent puts the next alive off."""
    clock.now += ALIVE_SECONDS - 1
    publish.put(car(1))
    expect(aws, [car(1)])
    publish.flush_all()
    clock.now += ALIVE_SECONDS - 1
    assert publish.flush_due() == []


def test_the_end_says_how_many_and_which(aws: StubbedAWS, publish: Publisher) -> None:
    """The -1 has the last n and the digest of all cars, up to 64 bits."""
    expect(aws, [Done("r", 3, 2**64 - 1)])
    publish.send_end(3, 2**64 - 1)
