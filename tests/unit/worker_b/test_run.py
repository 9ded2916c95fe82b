"""The main loop's own decisions: what is read and when, and how a run ends."""

from __future__ import annotations

import json
import signal
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from carscribe_common.aws import Calls, Clients
from carscribe_common.cli import Shutdown
from carscribe_common.errors import Exit, ShutdownRequested, WorkerExit
from carscribe_common.pool import Pool
from carscribe_common.protocol import Alive, Car, Done, car_hash
from carscribe_worker_b import run as run_module
from carscribe_worker_b.run import ALONE_AFTER_CRASHES, IN_FLIGHT_MAX, RunB, Unread
from carscribe_worker_b.settings import SettingsB
from carscribe_worker_b.store import CRASHES_MAX, TextStore
from tests.unit.stubs import FakePool
from tests.unit.worker_b.conftest import ETAG, FakeEffects, car, result, set_end, settle
from tests.unit.worker_b.fake_sqs import FakeSQS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from carscribe_worker_b.consumer import Received


class B:
    """A worker B whose queue is in memory, and whose pool reads nothing."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        *,
        effects: Any = FakeEffects,
        **settings: Any,
    ) -> None:
        self.sqs = FakeSQS()
        self.listed = 0
        s3 = SimpleNamespace(list_objects_v2=self._list)
        make: Any = Clients
        clients = make(sqs=self.sqs, s3=s3, rekognition=None, calls=Calls())
        self.pool = FakePool()
        monkeypatch.setattr(run_module, "build_clients", lambda *_: clients)
        pools = {"read": lambda *_: self.pool, "effect": effects}
        monkeypatch.setattr(run_module, "Pool", lambda name, *how: pools[name](name, *how))
        self.settings = SettingsB(
            run_id="run-1",
            bucket="photos",
            queue_url="q",
            region="us-east-1",
            state_dir=folder,
            **settings,
        )
        self.shutdown = Shutdown()
        self.settings.run_dir.mkdir(parents=True)
        self._open()

    def start(self) -> None:
        """Start a process, as after a kill of the one before."""
        self.store.close()
        self._open()

    def _open(self) -> None:
        self.store = TextStore(self.settings.run_dir, {"run_id": "run-1", "queue_url": "q"})
        self.pool.submitted.clear()
        self.run = RunB(self.settings, self.shutdown, self.store)

    def _list(self, **_: Any) -> dict[str, Any]:
        self.listed += 1
        return {}

    def send(self, *messages: Car | Done | Alive) -> list[Received]:
        """Put messages on the queue; return what is received."""
        for message in messages:
            self.sqs.send(message)
        return self.run._consumer.receive(0)

    def ready(self) -> Sequence[Any]:
        """Return the events that the main loop would find now."""
        return self.run._next_events(0)

    @property
    def summary(self) -> dict[str, Any]:
        """What the run's summary says."""
        return dict(json.loads((self.settings.run_dir / "summary.json").read_text()))


@pytest.fixture
def start_b(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., B]:
    """Start a worker B with these settings."""
    return lambda **settings: B(memory_path, monkeypatch, **settings)


def die(b: B, times: int, *messages: Car) -> None:
    """Let so many processes begin these images and be killed."""
    b.run._turn([b.send(*messages)])
    for _ in range(times - 1):
        b.start()
        b.run._resume()
        b.run._turn(b.ready())
    b.start()


@pytest.mark.parametrize("died", [CRASHES_MAX - 1, CRASHES_MAX])
def test_an_image_that_ends_every_process(start_b: Callable[..., B], died: int) -> None:
    """After five processes it is that image's failure, and the run goes on without it."""
    b = start_b()
    die(b, died, car(1))
    b.run._resume()
    b.run._turn(b.ready())
    if died < CRASHES_MAX:
        assert b.pool.submitted == [car(1)]
        assert not b.store.is_settled(1, "1.jpg")
    else:
        assert b.pool.submitted == []
        failure = next(iter(b.store.rows()))["failure"]
        assert failure == {
            "reason": "crashes",
            "detail": "5 processes began to read it, and ended before they had",
        }
        assert not b.store.counts().get("billed")


def test_what_may_end_the_process_is_read_alone(start_b: Callable[..., B]) -> None:
    """One after the other, and before all else: so its neighbours are not taken for it."""
    b = start_b()
    die(b, ALONE_AFTER_CRASHES, car(1), car(2))
    b.run._resume()
    assert b.pool.submitted == [car(1)]
    b.run._turn([b.send(car(3), car(4))])
    assert b.pool.submitted == [car(1)]
    b.run._turn([result(car(1))])
    assert b.pool.submitted == [car(1), car(2)]
    b.run._turn([result(car(2))])
    assert b.pool.submitted == [car(1), car(2), car(3), car(4)]


def test_what_ended_one_process_is_read_with_others(start_b: Callable[..., B]) -> None:
    """A kill says little: the whole of what was in flight goes on at once."""
    b = start_b()
    die(b, ALONE_AFTER_CRASHES - 1, car(1), car(2))
    b.run._resume()
    assert b.pool.submitted == [car(1), car(2)]


def test_a_neighbour_is_not_blamed(start_b: Callable[..., B]) -> None:
    """However often the process dies of one image, the other one is read in the end."""
    b = start_b()
    die(b, ALONE_AFTER_CRASHES, car(1), car(2))
    for _ in range(CRASHES_MAX - ALONE_AFTER_CRASHES):
        b.run._resume()
        assert b.pool.submitted == [car(1)]
        b.start()
    b.run._resume()
    b.run._turn(b.ready())
    assert b.store.is_settled(1, "1.jpg")
    assert b.pool.submitted == [car(2)]


def test_a_void_receipt_is_forgotten(start_b: Callable[..., B]) -> None:
    """Its message comes again, and is read then; the others go on without a new delivery."""
    b = start_b()
    first, second = b.send(car(1), car(2))
    b.run._turn([[first, second]])
    b.sqs.expire(first.receipt)
    b.start()
    b.run._resume()
    assert b.pool.submitted == [car(2)]
    assert b.store.in_flight() == [(car(2), second.receipt)]
    b.run._turn([b.send()])
    assert b.pool.submitted == [car(2), car(1)]


def test_so_many_are_begun_as_the_pool_has_room_for(start_b: Callable[..., B]) -> None:
    """Only those may have been paid for after a kill; the next follows with a result."""
    b = start_b()
    b.pool.capacity = 2
    b.run._turn([b.send(car(1), car(2), car(3))])
    assert b.pool.submitted == [car(1), car(2)]
    b.start()
    assert b.store.calls_unknown == 2
    assert b.store.crashes(car(3)) == 0
    b.run._resume()
    assert b.pool.submitted == [car(1), car(2)]
    b.run._turn([result(car(2))])
    assert b.pool.submitted == [car(1), car(2), car(3)]


def test_room_for_a_batch(start_b: Callable[..., B]) -> None:
    """Not while as many wait as the pool has use for, nor with too many in flight."""
    b = start_b()
    b.pool.capacity = 2
    assert b.run._has_room()
    b.run._turn([b.send(car(1), car(2))])
    assert not b.run._has_room()
    b.pool.capacity = 3
    assert b.run._has_room()
    b.run._consumer.heartbeat.track(*map(str, range(IN_FLIGHT_MAX)))
    assert not b.run._has_room()


def test_results_before_an_error_are_committed(start_b: Callable[..., B]) -> None:
    """They are paid for: the error of the same turn is raised behind the commit."""
    b = start_b()
    b.run._turn([b.send(car(1), car(2))])
    error = WorkerExit(Exit.DENIED, "no")
    with pytest.raises(WorkerExit, match="no"):
        b.run._turn([result(car(1)), Unread(car(2)), error])
    assert b.store.is_settled(1, "1.jpg")
    assert b.run._acks
    b.run._drain()
    assert [b.sqs.messages[n].message for n in b.sqs.visible()] == [car(2)]
    b.start()
    assert (b.store.calls_unknown, b.store.crashes(car(2)), b.store.in_flight()) == (0, 0, [])


def test_a_result_behind_the_deadline_of_the_end(
    start_b: Callable[..., B], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that is still being read is requeued; its call may have been paid for."""
    monkeypatch.setattr(run_module, "STOP_SECONDS", 0.0)
    b = start_b()
    b.run._turn([b.send(car(1))])
    b.shutdown.request(signal.SIGTERM)
    b.run._drain()
    assert len(b.sqs.visible()) == 1
    b.start()
    assert (b.store.calls_unknown, b.store.crashes(car(1))) == (1, 0)


def test_what_a_last_poll_brings_is_requeued(start_b: Callable[..., B]) -> None:
    """It is visible at once, not after the visibility timeout."""
    b = start_b()
    b.run._events.put(b.send(car(1), Done("run-1", 1)))
    b.run._drain()
    assert len(b.sqs.visible()) == 2
    assert b.store.end is None
    assert len(b.run._returned) == 2


def test_what_is_settled_at_the_end_is_acknowledged(start_b: Callable[..., B]) -> None:
    """An error of another thread, which ends for the same reason, holds nothing of it up."""
    b = start_b()
    b.run._turn([b.send(car(1), car(2))])
    b.shutdown.request(signal.SIGTERM)
    for event in (result(car(1)), WorkerExit(Exit.DENIED, "no"), result(car(2))):
        b.run._events.put(event)
    b.run._drain()
    assert [stored.message for stored in b.sqs.deleted] == [car(1), car(2)]
    assert b.run._returned == []


def test_a_slow_queue_holds_nothing_up(start_b: Callable[..., B]) -> None:
    """While it deletes messages others are handled, and images settled; all are acknowledged."""
    b = start_b(effects=Pool)
    may_delete = threading.Event()
    b.sqs.on_delete = Mock(side_effect=lambda _: may_delete.wait(2))
    b.run._turn([b.send(*[Alive("run-1")] * 10)])
    b.run._ack_due()
    b.run._turn([b.send(car(1))])
    b.run._turn([result(car(1))])
    assert b.store.is_settled(1, "1.jpg")
    assert not b.sqs.deleted
    may_delete.set()
    b.run._finish()
    assert len(b.sqs.deleted) == 11


def test_a_silent_queue_does_not_hold_up_the_end(
    start_b: Callable[..., B], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does not take comes again, and the next process goes on with what is kept of it."""
    monkeypatch.setattr(run_module, "EFFECTS_SECONDS", 0.1)
    monkeypatch.setattr(run_module, "STOP_SECONDS", 0.0)
    b = start_b(effects=Pool)
    is_over = threading.Event()
    b.sqs.on_delete = b.sqs.on_requeue = Mock(side_effect=lambda _: is_over.wait(2))
    b.run._turn([b.send(car(1), car(2))])
    b.run._turn([result(car(1))])
    b.shutdown.request(signal.SIGTERM)
    b.run._drain()
    assert len(b.sqs.in_flight()) == 2
    b.start()
    b.run._resume()
    assert b.pool.submitted == [car(2)]
    assert b.store.crashes(car(2)) == 0
    is_over.set()


def test_an_effect_that_never_will_ends_the_worker(start_b: Callable[..., B]) -> None:
    """The main loop hears of it from the thread that tried."""
    b = start_b()
    error: Any = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    b.sqs.on_delete = Mock(side_effect=ClientError(error, "DeleteMessageBatch"))
    b.run._turn([b.send(Alive("run-1"))])
    b.run._ack_due(all_of_them=True)
    with pytest.raises(WorkerExit, match="give this role the permission") as end:
        b.run._turn(b.ready())
    assert end.value.code == Exit.DENIED


def test_a_disk_that_is_full_leaves_nothing_hidden(start_b: Callable[..., B]) -> None:
    """Nothing is committed any more, and all that is in flight is requeued."""
    b = start_b()
    b.run._turn([b.send(car(1), car(1, "rival.jpg"))])
    b.store.close()  # whatever it would write fails
    b.run._drain(may_commit=False)
    assert len(b.sqs.visible()) == 2


@pytest.mark.parametrize("error", [WorkerExit(Exit.DENIED, "no"), ShutdownRequested()])
def test_an_image_that_could_not_be_read(
    start_b: Callable[..., B], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The main loop hears of it, so that it does not wait for it at the end."""

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(run_module, "detect_text", fail)
    b = start_b()
    with pytest.raises(type(error)):
        b.run._read(car(1))
    assert b.ready() == [Unread(car(1))]


def test_nothing_more_is_read_at_the_end(
    start_b: Callable[..., B], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for a thread when the end comes costs nothing."""
    monkeypatch.setattr(run_module, "detect_text", lambda *_: pytest.fail("it is read"))
    b = start_b()
    b.run._ending = True
    b.run._read(car(1))
    assert b.ready() == [Unread(car(1))]


def test_messages_are_handled_without_a_pause(start_b: Callable[..., B]) -> None:
    """A batch ends the wait for other events; all that is there comes with it."""
    b = start_b()
    batch = b.send(car(1))
    for event in (result(car(2)), batch, result(car(3))):
        b.run._events.put(event)
    began = time.monotonic()
    assert b.run._next_events(60) == [result(car(2)), batch, result(car(3))]
    assert time.monotonic() - began < run_module.LINGER_SECONDS


def test_acknowledgements_wait_for_others(start_b: Callable[..., B]) -> None:
    """Ten go at once; fewer when the first of them has waited long enough."""
    b = start_b()
    for first in (1, 11):
        b.run._turn([b.send(*(Alive("run-1") for _ in range(first, first + 10)))])
    b.run._turn([b.send(Alive("run-1"))])
    b.run._ack_due()
    assert (len(b.sqs.deleted), len(b.run._acks)) == (20, 1)
    b.run._ack_at = time.monotonic()
    b.run._ack_due()
    assert (len(b.sqs.deleted), len(b.run._acks)) == (21, 0)


def test_silence_ends_a_run_and_work_does_not(start_b: Callable[..., B]) -> None:
    """While an image is in flight nothing else need come; then the missing n are named."""
    b = start_b(idle_timeout_seconds=1)
    b.run._turn([b.send(car(2))])
    b.run._state.heard_at -= 1000
    b.run._go_on_receiving(1)
    b.run._turn([result(car(2))])
    b.run._state.heard_at -= 0.9
    b.run._go_on_receiving(1)
    b.run._state.heard_at -= 0.2
    b.run._go_on_receiving(0)
    with pytest.raises(WorkerExit, match=r"and no -1 at all; missing are n = 1\. ") as end:
        b.run._go_on_receiving(1)
    assert end.value.code == Exit.INCOMPLETE


def test_who_asks_for_the_silence_moves_nothing(start_b: Callable[..., B]) -> None:
    """The receiving thread asks, too, and the state is the main thread's alone."""
    b = start_b()
    b.run._turn([b.send(car(1))])
    b.run._state.heard_at = 1.0
    assert b.run._idle_seconds() == 0
    assert b.run._state.heard_at == 1.0


def test_a_run_that_was_done_asks_nobody(start_b: Callable[..., B]) -> None:
    """It only writes its output again, be there failures or not (rule 2)."""
    b = start_b()
    settle(b.store, result(car(1)), result(car(2), failed=True))
    set_end(b.store, 2)
    b.start()
    b.run.run()
    (b.settings.run_dir / "output.txt").unlink()
    b.start()
    b.sqs.calls.clear()
    b.listed = 0
    b.run.run()
    assert (b.settings.run_dir / "output.txt").read_text() == "1.jpg: GO 1\n"
    assert not b.sqs.calls
    assert not b.listed


class Bucket:
    """Takes what a run puts into the bucket, or refuses one of the calls.

    Attributes:
        taken: what was put, each with the state that the summary on the disk had.
    """

    def __init__(self, b: B, refused: str | None = None) -> None:
        self._b, self._refused = b, refused
        self.taken: list[tuple[str, str | None]] = []

    def _take(self, what: str) -> None:
        if what == self._refused:
            raise WorkerExit(Exit.TRANSIENT, "the bucket takes nothing")
        path = self._b.settings.run_dir / "summary.json"
        self.taken.append((what, self._b.summary["state"] if path.exists() else None))

    def put_files(self) -> None:
        """Take results.jsonl and output.txt."""
        assert (self._b.settings.run_dir / "results.jsonl").exists()
        self._take("files")

    def put_summary(self, path: Path) -> None:
        """Take the summary that is about to be on the disk."""
        self._take(json.loads(path.read_text())["state"])


def test_a_run_is_complete_when_the_bucket_has_it(start_b: Callable[..., B]) -> None:
    """The summary last of all, and on the disk only behind that."""
    b = start_b()
    settle(b.store, result(car(1)))
    set_end(b.store, 1)
    b.start()
    b.run._summary._upload = bucket = Bucket(b)  # type: ignore[assignment]
    b.run.run()
    assert bucket.taken == [("files", None), ("complete", None)]
    assert b.summary["state"] == "complete"


@pytest.mark.parametrize("refused", ["files", "complete"])
def test_what_the_bucket_does_not_take_is_put_after_the_next_start(
    start_b: Callable[..., B], refused: str
) -> None:
    """Until then the run is not said to be complete, and every row is kept."""
    b = start_b()
    settle(b.store, result(car(1)))
    set_end(b.store, 1)
    b.start()
    b.run._summary._upload = Bucket(b, refused)  # type: ignore[assignment]
    with pytest.raises(WorkerExit, match="takes nothing"):
        b.run.run()
    assert (b.summary["state"], b.summary["exit_code"]) == ("failed", Exit.TRANSIENT)
    b.start()
    b.run._summary._upload = bucket = Bucket(b)  # type: ignore[assignment]
    b.run.run()
    assert bucket.taken == [("files", "failed"), ("complete", "failed")]
    assert b.summary["state"] == "complete"


def test_an_incomplete_run_that_the_bucket_does_not_take(start_b: Callable[..., B]) -> None:
    """It goes on after the next start, as nothing else would put it there."""
    b = start_b()
    settle(b.store, result(car(1)))
    b.run._summary._upload = Bucket(b, "incomplete")  # type: ignore[assignment]
    with pytest.raises(WorkerExit, match="takes nothing"):
        b.run._end_early(WorkerExit(Exit.INCOMPLETE, "nothing came"))
    assert (b.summary["state"], b.summary["missing_ranges"]) == ("failed", "2-")


def test_a_run_that_fails_is_not_put_into_the_bucket(start_b: Callable[..., B]) -> None:
    """It has not come to its end."""
    b = start_b()
    b.run._summary._upload = bucket = Bucket(b)  # type: ignore[assignment]
    b.run._end_early(WorkerExit(Exit.DENIED, "no"))
    assert bucket.taken == []


def test_a_run_of_other_images_is_never_complete(start_b: Callable[..., B]) -> None:
    """All n are there, and they are not the ones that A numbered: begin a new run."""
    b = start_b()
    settle(b.store, result(car(1)), result(car(2)))
    set_end(b.store, 2, car_hash(1, "2.jpg", ETAG) + car_hash(2, "1.jpg", ETAG))
    for _ in range(2):
        b.start()
        with pytest.raises(WorkerExit, match="begin a new run") as end:
            b.run.run()
        assert end.value.code == Exit.INCOMPLETE
        assert not (b.settings.run_dir / "output.txt").exists()
        summary = b.summary
        assert summary["state"] == "incomplete"
        assert (summary["missing"], summary["missing_ranges"]) == ([], "")


def test_what_an_early_end_says_of_the_run(start_b: Callable[..., B]) -> None:
    """Whatever the reason: what is missing, so that no more than that is sent again."""
    b = start_b()
    settle(b.store, result(car(1)), result(car(3)))
    b.run._end_early(WorkerExit(Exit.TRANSIENT, "nothing succeeds"))
    assert (b.summary["missing_ranges"], b.summary["state"]) == ("2,4-", "failed")
    assert "missing" not in b.summary


def test_counts_are_of_the_whole_run(start_b: Callable[..., B]) -> None:
    """Messages and calls of every process, and what of this one is not stored yet."""
    b = start_b()
    b.run._calls.add("api:s3.GetObject", "message:received")
    b.run._turn([b.send(Alive("old"), car(1))])
    b.start()
    b.run._resume()
    b.run._turn([b.send(Alive("old"))])
    b.run._calls.add("api:s3.GetObject")
    b.run._summary.tick()
    summary = b.summary
    assert summary["api_calls"]["s3.GetObject"] == 2
    assert summary["messages"] == {"of_other_runs": 2, "received": 1}
    assert summary["images"]["received"] == 1
    assert summary["calls_unknown"] == 1
