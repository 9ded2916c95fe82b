"""Messages in flight: received, extended, acknowledged, requeued, and what fails of that."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.protocol import MalformedMessageError, entry
from carscribe_worker_b.consumer import Consumer
from tests.unit.common.test_aws_calls import caller, shutdown
from tests.unit.common.test_errors import answer
from tests.unit.worker_b.conftest import car

if TYPE_CHECKING:
    from collections.abc import Callable

    from carscribe_common.cli import Shutdown

__all__ = ["shutdown"]

URL = "http://queue"


class Queue:
    """SQS as the consumer calls it: notes each batch, and answers what a test says.

    Attributes:
        deleted, changed: receipts, and receipts with their new timeout, by batches.
        void: receipts that are refused.
        failing: the code of every entry's failure, or an exception of the whole call.
        before_change: called before a change is made.
    """

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.asked: dict[str, Any] = {}
        self.deleted: list[list[str]] = []
        self.changed: list[list[tuple[str, int]]] = []
        self.void: set[str] = set()
        self.failing: str | Exception | None = None
        self.before_change: Callable[[], None] = lambda: None

    def receive_message(self, **parameters: Any) -> dict[str, Any]:
        self.asked = parameters
        return {"Messages": self.messages} if self.messages else {}

    def delete_message_batch(self, **parameters: Any) -> dict[str, Any]:
        self.deleted.append([entry["ReceiptHandle"] for entry in parameters["Entries"]])
        return self._answer(**parameters)

    def change_message_visibility_batch(self, **parameters: Any) -> dict[str, Any]:
        self.before_change()
        self.changed.append(
            [
                (entry["ReceiptHandle"], entry["VisibilityTimeout"])
                for entry in parameters["Entries"]
            ]
        )
        return self._answer(**parameters)

    def _answer(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == URL
        assert 1 <= len(Entries) <= 10
        if isinstance(self.failing, Exception):
            raise self.failing
        done: dict[str, Any] = {"Successful": [], "Failed": []}
        for item in Entries:
            code = "ReceiptHandleIsInvalid" if item["ReceiptHandle"] in self.void else self.failing
            failed = {"Id": item["Id"], "Code": code, "SenderFault": True}
            done["Failed" if code else "Successful"].append(failed if code else {"Id": item["Id"]})
        return done


@pytest.fixture
def queue() -> Queue:
    """A queue without messages."""
    return Queue()


@pytest.fixture
def consumer(queue: Queue, shutdown: Shutdown) -> Consumer:
    """A consumer of it, with a visibility timeout of a minute."""
    return Consumer(caller(shutdown, queue)[0], URL, 60)  # type: ignore[arg-type]


def message(receipt: str, of: Any = None) -> dict[str, Any]:
    """Return a message as it is received."""
    sent = entry(of or car(1))
    return {
        "Body": sent["MessageBody"],
        "MessageAttributes": sent["MessageAttributes"],
        "ReceiptHandle": receipt,
    }


def test_what_is_received_is_in_flight(queue: Queue, consumer: Consumer) -> None:
    """A batch of ten, with attributes, hidden for the timeout, and tracked from its delivery."""
    queue.messages = [message("r1"), {"Body": "?", "ReceiptHandle": "r2"}]
    first, second = consumer.receive(7)
    assert first == (car(1), "r1")
    assert isinstance(second.message, MalformedMessageError)
    assert queue.asked == {
        "QueueUrl": URL,
        "MaxNumberOfMessages": 10,
        "MessageAttributeNames": ["All"],
        "VisibilityTimeout": 60,
        "WaitTimeSeconds": 7,
    }
    assert consumer.in_flight() == 2
    consumer.heartbeat.beat()
    assert queue.changed == [[("r1", 60), ("r2", 60)]]


def test_an_empty_poll(consumer: Consumer) -> None:
    """No message is no batch of messages."""
    assert consumer.receive(1) == []


def test_batches_of_ten(queue: Queue, consumer: Consumer) -> None:
    """As many calls as it takes, and none for nothing."""
    receipts = [f"r{i}" for i in range(21)]
    consumer.ack(receipts)
    assert [len(batch) for batch in queue.deleted] == [10, 10, 1]
    assert [receipt for batch in queue.deleted for receipt in batch] == receipts
    consumer.ack([])
    consumer.requeue([])
    consumer.heartbeat.beat()
    assert (len(queue.deleted), len(queue.changed)) == (3, 0)


def test_what_is_acknowledged_is_extended_no_longer(queue: Queue, consumer: Consumer) -> None:
    """Nor what is requeued, which is visible at once."""
    consumer.heartbeat.track("r1", "r2", "r3")
    consumer.ack(["r1"])
    assert consumer.requeue(["r2"]) == 1
    assert queue.changed == [[("r2", 0)]]
    consumer.heartbeat.beat()
    assert queue.changed[1:] == [[("r3", 60)]]


def test_each_receipt_of_a_message_is_extended(queue: Queue, consumer: Consumer) -> None:
    """Deliveries of one message are receipts of their own."""
    queue.messages = [message("r1"), message("r1 again")]
    consumer.receive(1)
    consumer.heartbeat.beat()
    assert queue.changed == [[("r1", 60), ("r1 again", 60)]]


def test_void_receipts_are_extended_no_longer(queue: Queue, consumer: Consumer) -> None:
    """They are told of, so that they are not relied upon; it is no fault of the set-up."""
    consumer.heartbeat.track("r1", "r2")
    queue.void = {"r1"}
    assert consumer.heartbeat.beat() == {"r1"}
    assert consumer.heartbeat.beat() == set()
    assert queue.changed == [[("r1", 60), ("r2", 60)], [("r2", 60)]]


@pytest.mark.parametrize("failing", ["InternalError", answer("InternalError", 500)])
def test_what_could_not_be_extended_is_extended_next_time(
    queue: Queue, consumer: Consumer, failing: str | Exception
) -> None:
    """An entry, or a whole call, that fails is left to the next beat."""
    consumer.heartbeat.track("r1")
    queue.failing = failing
    assert consumer.heartbeat.beat() == set()
    queue.failing = None
    consumer.heartbeat.beat()
    assert queue.changed == [[("r1", 60)], [("r1", 60)]]


@pytest.mark.parametrize("failing", ["InternalError", answer("InternalError", 500)])
def test_what_fails_is_left_to_the_visibility_timeout(
    queue: Queue, consumer: Consumer, failing: str | Exception
) -> None:
    """Neither raised nor tried again here, and not counted as done."""
    queue.failing = failing
    consumer.ack(["r1"])
    assert consumer.requeue(["r2"]) == 0
    assert (queue.deleted, queue.changed) == ([["r1"]], [[("r2", 0)]])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (answer("AccessDenied", 403), Exit.DENIED),
        (answer("AWS.SimpleQueueService.NonExistentQueue", 400), Exit.CONFIG),
    ],
)
def test_what_will_never_work_ends_the_worker(
    queue: Queue, consumer: Consumer, error: Exception, code: Exit
) -> None:
    """A role without the permission, a queue that is not there."""
    queue.failing = error
    attempts: list[Callable[[], object]] = [
        consumer.heartbeat.beat,
        lambda: consumer.ack(["r1"]),
        lambda: consumer.requeue(["r1"]),
    ]
    consumer.heartbeat.track("r1")
    for attempt in attempts:
        with pytest.raises(WorkerExit) as end:
            attempt()
        assert end.value.code == code


def test_an_extension_under_way_never_lands_after_a_requeue(
    queue: Queue, consumer: Consumer
) -> None:
    """Requeue waits for the beat; what is requeued is not in the beat's next batch either."""
    consumer.heartbeat.track(*(f"r{i}" for i in range(11)))
    under_way, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        queue.before_change = lambda: None
        under_way.set()
        go_on.wait(5)

    queue.before_change = hold
    beat = threading.Thread(target=consumer.heartbeat.beat)
    beat.start()
    assert under_way.wait(5)
    requeue = threading.Thread(target=consumer.requeue, args=[["r0", "r10"]])
    requeue.start()
    requeue.join(0.1)
    assert queue.changed == []
    go_on.set()
    beat.join()
    requeue.join()
    extended = [f"r{i}" for i in range(10)]
    assert queue.changed == [[(r, 60) for r in extended], [("r0", 0), ("r10", 0)]]
