"""Messages go in full batches, but none waits long. No time passes here."""

from __future__ import annotations

from typing import Any

import pytest

from carscribe_common.protocol import Alive, Car, Done, parse
from carscribe_worker_a import publisher as module
from carscribe_worker_a.publisher import LINGER_SECONDS, Publisher
from tests.unit.fake_aws import Service, caller


class Queue(Service):
    """A queue that takes everything."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[Any]] = []

    def send_message_batch(self, **parameters: Any) -> Any:
        """Take a batch."""
        assert parameters["QueueUrl"] == "https://q"
        entries = parameters["Entries"]
        self.batches.append(
            [
                parse(
                    {"Body": entry["MessageBody"], "MessageAttributes": entry["MessageAttributes"]}
                )
                for entry in entries
            ]
        )
        return {"Successful": [{"Id": entry["Id"]} for entry in entries]}


class Time:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The publisher's time."""
    clock = Time()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def queue() -> Queue:
    """An empty queue."""
    return Queue()


@pytest.fixture
def publisher(time: Time, queue: Queue) -> Publisher:
    """A publisher of a run, that says after two minutes that A is alive."""
    assert time.now
    return Publisher(caller(queue)[0], "https://q", "r", alive_seconds=120)


def cars(*numbers: int) -> list[Car]:
    """Return cars of the run."""
    return [Car("r", n, f"{n}.jpg", '"e"', 7) for n in numbers]


def put(publisher: Publisher, *numbers: int) -> None:
    """Hand cars over."""
    for car in cars(*numbers):
        publisher.put(car)


def test_full_batches_go_at_once(publisher: Publisher, queue: Queue) -> None:
    """Ten a batch; the rest waits for others."""
    put(publisher, *range(1, 24))
    assert publisher.flush_due() == [*range(1, 21)]
    assert queue.batches == [cars(*range(1, 11)), cars(*range(11, 21))]
    assert publisher.due_seconds == pytest.approx(LINGER_SECONDS)


def test_no_car_waits_long(publisher: Publisher, queue: Queue, time: Time) -> None:
    """What is less than a batch goes when its oldest car has waited long enough."""
    put(publisher, 1)
    time.now += LINGER_SECONDS / 2
    put(publisher, 2)
    assert publisher.flush_due() == []
    time.now += LINGER_SECONDS / 2
    assert publisher.due_seconds == pytest.approx(0)
    assert publisher.flush_due() == [1, 2]
    assert queue.batches == [cars(1, 2)]


def test_a_silent_worker_says_that_it_is_alive(
    publisher: Publisher, queue: Queue, time: Time
) -> None:
    """After two minutes without a message, and again after two more."""
    time.now += 119
    assert publisher.flush_due() == []
    assert queue.batches == []
    time.now += 1
    publisher.flush_due()
    publisher.flush_due()
    assert queue.batches == [[Alive("r")]]
    assert publisher.due_seconds == 120


def test_a_car_is_a_sign_of_life(publisher: Publisher, queue: Queue, time: Time) -> None:
    """Two minutes count from the last message, whatever it was."""
    time.now += 119
    put(publisher, 1)
    assert publisher.flush_all() == [1]
    time.now += 119
    publisher.flush_due()
    assert queue.batches == [cars(1)]


def test_the_end_says_how_many_there_were(publisher: Publisher, queue: Queue) -> None:
    """And which: by their digest."""
    put(publisher, 1, 2, 3)
    assert publisher.flush_all() == [1, 2, 3]
    publisher.send_end(3, 12345)
    assert queue.batches == [cars(1, 2, 3), [Done("r", 3, 12345)]]
