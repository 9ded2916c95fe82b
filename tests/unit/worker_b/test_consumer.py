"""What is in flight stays hidden until it is let go, and never a moment longer."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from carscribe_common.aws import Caller, Calls
from carscribe_common.circuit_breaker import CircuitBreaker
from carscribe_common.cli import Shutdown
from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.protocol import Alive, Car, MalformedMessageError
from carscribe_worker_b.consumer import BEATS_PER_TIMEOUT, Consumer
from tests.unit.worker_b.fake_sqs import FakeSQS

if TYPE_CHECKING:
    from collections.abc import Callable

VISIBILITY_SECONDS = 60


@pytest.fixture
def sqs() -> FakeSQS:
    """A queue with 25 cars."""
    sqs = FakeSQS()
    for n in range(1, 26):
        sqs.send(Car("r", n, f"{n}.jpg", '"e"'))
    return sqs


@pytest.fixture
def consumer(sqs: FakeSQS) -> Consumer:
    """A consumer of it."""
    clients: Any = SimpleNamespace(sqs=sqs, s3=None, rekognition=None, calls=Calls())
    return Consumer(Caller(clients, CircuitBreaker(60), Shutdown()), "q", VISIBILITY_SECONDS)


def receive(consumer: Consumer, batches: int = 1) -> list[str]:
    """Receive so many batches; return the receipts."""
    return [one.receipt for _ in range(batches) for one in consumer.receive(0)]


def refuse(code: str, status: int = 400) -> Callable[..., Any]:
    """Return an operation that is answered with an error."""

    def operation(**_: Any) -> Any:
        error: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(error, "Operation")

    return operation


def test_what_is_received_is_read_and_tracked(sqs: FakeSQS, consumer: Consumer) -> None:
    """Each delivery says what it is or what is wrong with it, and is in flight at once."""
    sqs.messages.clear()
    sqs.send(Alive("r"))
    sqs.send("?")
    alive, malformed = consumer.receive(0)
    assert alive.message == Alive("r")
    assert isinstance(malformed.message, MalformedMessageError)
    assert consumer.in_flight() == 2
    assert consumer.receive(0) == []


def test_a_beat_extends_all_that_is_in_flight(sqs: FakeSQS, consumer: Consumer) -> None:
    """More than a batch, in batches; what is acknowledged or requeued no longer is."""
    receipts = receive(consumer, 3)
    consumer.heartbeat.beat()
    assert sqs.extended == set(receipts)
    assert sqs.calls["extend"] == 3
    sqs.extended.clear()
    consumer.ack(receipts[:11])
    consumer.requeue(receipts[11:22])
    consumer.heartbeat.beat()
    assert sqs.extended == set(receipts[22:])
    assert consumer.in_flight() == 3


def test_nothing_in_flight_is_no_call(sqs: FakeSQS, consumer: Consumer) -> None:
    """A heartbeat without a message, and letting go of none, ask nobody for anything."""
    consumer.heartbeat.beat()
    consumer.ack([])
    assert consumer.requeue([]) == []
    assert not sqs.calls


def test_a_requeue_waits_for_an_extension_under_way(sqs: FakeSQS, consumer: Consumer) -> None:
    """An extension that lands behind the requeue would hide for an hour what is to be seen now."""
    receipts = receive(consumer)
    is_under_way, may_land = threading.Event(), threading.Event()

    def under_way(_: list[str]) -> None:
        is_under_way.set()
        assert may_land.wait(10)

    sqs.on_extend = under_way
    beating = threading.Thread(target=consumer.heartbeat.beat)
    requeueing = threading.Thread(target=consumer.requeue, args=[receipts])
    beating.start()
    assert is_under_way.wait(10)
    requeueing.start()
    time.sleep(0.05)
    assert sqs.calls["requeue"] == 0, "it did not wait"
    may_land.set()
    beating.join(10)
    requeueing.join(10)
    assert sqs.extended == set(receipts)
    assert len(sqs.visible()) == 25


def test_what_was_let_go_during_a_beat_is_not_extended(sqs: FakeSQS, consumer: Consumer) -> None:
    """Each batch of a beat is looked at again just before its call."""
    receipts = receive(consumer, 2)

    def let_go(_: list[str]) -> None:
        sqs.on_extend = None
        consumer.heartbeat.untrack(*receipts[10:15])

    sqs.on_extend = let_go
    consumer.heartbeat.beat()
    assert sqs.extended == {*receipts[:10], *receipts[15:]}


def test_a_void_receipt_is_told_and_forgotten(sqs: FakeSQS, consumer: Consumer) -> None:
    """Its message is gone or comes again: that is no fault, and the others are extended."""
    receipts = receive(consumer, 2)
    sqs.expire(receipts[3])
    sqs.messages.pop(15)
    assert consumer.heartbeat.beat() == {receipts[3], receipts[14]}
    assert consumer.in_flight() == 18
    sqs.extended.clear()
    assert consumer.heartbeat.beat() == frozenset()
    assert len(sqs.extended) == 18


@pytest.mark.parametrize("how", ["network", "InternalError"])
def test_what_could_not_be_extended_is_tried_again(
    sqs: FakeSQS, consumer: Consumer, how: str
) -> None:
    """Trouble of one beat lets nothing go: the next one has all of it."""
    receipts = receive(consumer, 2)
    sqs.failing["extend"] = how
    assert consumer.heartbeat.beat() == frozenset()
    assert sqs.extended == set(receipts[10:])
    consumer.heartbeat.beat()
    assert sqs.extended == set(receipts)


@pytest.mark.parametrize("how", ["network", "InternalError"])
def test_an_effect_that_fails_is_left_to_the_queue(
    sqs: FakeSQS, consumer: Consumer, how: str
) -> None:
    """Neither a delete nor a requeue is tried again, nor extended: the timeout brings it back."""
    receipts = receive(consumer, 2)
    sqs.failing = {"delete": how, "requeue": how}
    consumer.ack(receipts[:10])
    assert consumer.requeue(receipts[10:]) == []
    assert (sqs.calls["delete"], sqs.calls["requeue"]) == (1, 1)
    assert len(sqs.in_flight()) == 20
    assert consumer.in_flight() == 0


def test_a_requeue_tells_what_was_answered(sqs: FakeSQS, consumer: Consumer) -> None:
    """Of twelve messages one is gone: eleven are returned."""
    receipts = receive(consumer, 2)[:12]
    sqs.messages.pop(5)
    assert consumer.requeue(receipts) == [*receipts[:4], *receipts[5:]]


@pytest.mark.parametrize(
    ("code", "exits_with"),
    [
        ("AccessDenied", Exit.DENIED),
        ("AWS.SimpleQueueService.NonExistentQueue", Exit.CONFIG),
    ],
)
@pytest.mark.parametrize("what", ["ack", "requeue", "beat"])
def test_a_role_or_queue_that_never_will_ends_the_worker(
    sqs: FakeSQS, consumer: Consumer, code: str, exits_with: Exit, what: str
) -> None:
    """What no later try can mend is one sentence and the worker's end."""
    receipts = receive(consumer)
    both = {"delete_message_batch": None, "change_message_visibility_batch": None}
    for operation in both:
        setattr(sqs, operation, refuse(code))
    do: dict[str, Callable[[], Any]] = {
        "ack": lambda: consumer.ack(receipts),
        "requeue": lambda: consumer.requeue(receipts),
        "beat": consumer.heartbeat.beat,
    }
    with pytest.raises(WorkerExit) as end:
        do[what]()
    assert end.value.code == exits_with


def test_the_heart_goes_on_beating(consumer: Consumer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times in a timeout, and after trouble too, which is handed on."""

    class Over(BaseException):
        """The end of the test's patience."""

    slept: list[float] = []
    heard: list[Exception] = []
    trouble = RuntimeError("trouble")

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise Over

    def beat() -> frozenset[str]:
        raise trouble

    monkeypatch.setattr("carscribe_worker_b.consumer.time.sleep", sleep)
    monkeypatch.setattr(consumer.heartbeat, "beat", beat)
    with pytest.raises(Over):
        consumer.heartbeat.keep_beating(heard.append)
    assert heard == [trouble, trouble]
    assert slept == [VISIBILITY_SECONDS / BEATS_PER_TIMEOUT] * 3
