"""The main loop's own decisions: what is committed before anything relies on it."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.aws import Calls, Clients
from carscribe_common.cli import Shutdown
from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.protocol import Car
from carscribe_worker_a import run as run_module
from carscribe_worker_a.detection import Detection
from carscribe_worker_a.listing import ListedImage, Skipped
from carscribe_worker_a.run import ListingEnd, RunA, Sent
from carscribe_worker_a.settings import SettingsA
from carscribe_worker_a.store import DetectionStore
from tests.unit.stubs import FakePool

if TYPE_CHECKING:
    from pathlib import Path


class A:
    """A worker A whose pool asks nobody, and whose threads do not run."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make: Any = Clients
        clients = make(s3=None, sqs=None, rekognition=None, calls=Calls())
        self.pool = FakePool(capacity=2)
        monkeypatch.setattr(run_module, "build_clients", lambda *_: clients)
        monkeypatch.setattr(run_module, "Pool", lambda *_: self.pool)
        monkeypatch.setattr(run_module, "TURN_SECONDS", 0)
        monkeypatch.setattr(run_module, "LINGER_SECONDS", 0)
        self.settings = SettingsA(
            run_id="run-1", bucket="photos", queue_url="q", region="us-east-1", state_dir=folder
        )
        self.settings.run_dir.mkdir(parents=True)
        self._open()

    def start(self) -> None:
        """Start a process, as after a kill of the one before."""
        self.store.close()
        self._open()

    def _open(self) -> None:
        self.store = DetectionStore(self.settings.run_dir, {"run_id": "run-1", "queue_url": "q"})
        self.pool.submitted.clear()
        self.run = RunA(self.settings, Shutdown(), self.store)

    @property
    def submitted(self) -> list[str]:
        """The keys of what the pool was given."""
        return [image.key for image in self.pool.submitted]

    def turn(self, *events: Any) -> Exception | None:
        """Let the main loop take these events, all at once."""
        for event in events:
            if isinstance(event, ListedImage):
                self.run._room.acquire()
            self.run._events.put(event)
        return self.run._turn()

    def to_send(self) -> list[Car | None]:
        """Return what the publisher was given since the last time; None is the end."""
        found: list[Car | None] = []
        while True:
            try:
                found.append(self.run._to_send.get_nowait())
            except queue.Empty:
                return found


@pytest.fixture
def a(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> A:
    """A worker A that was just started."""
    return A(memory_path, monkeypatch)


def listed(key: str) -> ListedImage:
    """Return an image of the listing."""
    return ListedImage(key, '"e"', 3)


def detected(key: str, *, is_car: bool = True) -> Detection:
    """Return what came of an image."""
    return Detection(
        image=listed(key),
        car={"confidence": 99.0, "instances": []} if is_car else None,
        is_car=is_car,
        failure=None,
        billed=True,
        at=1.0,
        seconds=0.1,
    )


def car(n: int, key: str) -> Car:
    """Return the n-th car of this run."""
    return Car("run-1", n, key, '"e"', 3)


def test_a_car_is_sent_behind_its_commit(a: A, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed before it was sent has it to send."""
    a.turn(listed("1.jpg"))
    monkeypatch.setattr(a.run, "_send", lambda _: pytest.fail("killed"))
    with pytest.raises(pytest.fail.Exception):
        a.turn(detected("1.jpg"))
    a.start()
    assert list(a.store.unsent()) == [car(1, "1.jpg")]


def test_what_the_queue_took_is_not_sent_again(a: A) -> None:
    """It is marked for the next process, and no other car is."""
    a.turn(listed("1.jpg"), listed("2.jpg"))
    a.turn(detected("1.jpg"), detected("2.jpg"))
    assert a.to_send() == [car(1, "1.jpg"), car(2, "2.jpg")]
    a.turn(Sent([1]))
    a.start()
    assert list(a.store.unsent()) == [car(2, "2.jpg")]


def test_the_end_is_committed_before_it_is_sent(a: A) -> None:
    """When all is listed and detected, and not before; from then on the number of cars stands."""
    a.turn(listed("1.jpg"), listed("2.jpg"), Skipped("3.txt"), ListingEnd())
    a.turn(detected("1.jpg"))
    assert a.store.get("end") is None
    assert a.to_send() == [car(1, "1.jpg")]
    a.turn(detected("2.jpg", is_car=False))
    assert a.to_send() == [None]
    a.start()
    assert a.store.expected == 1
    assert a.store.listed_through[1:] == (2, 1)


def test_the_listing_goes_on_before_what_is_not_detected(a: A) -> None:
    """An image whose detection takes longer than that of those behind it is not passed over."""
    a.turn(listed("1.jpg"), listed("2.jpg"), Skipped("3.txt"))
    a.turn(detected("2.jpg"))
    assert a.store.listed_through == ("", 0, 0)
    a.turn(detected("1.jpg"))
    a.start()
    assert a.store.listed_through == ("3.txt", 2, 1)


def test_an_image_that_is_detected_already_is_not_asked_about_again(a: A) -> None:
    """It is behind the place where the listing goes on, and has its row."""
    a.turn(listed("1.jpg"), listed("2.jpg"))
    a.turn(detected("2.jpg"))
    a.start()
    a.turn(listed("1.jpg"), listed("2.jpg"))
    assert a.submitted == ["1.jpg"]


def test_calls_are_noted_before_they_are_made(a: A) -> None:
    """So many as the pool has room for; after a kill they may have been paid for."""
    a.turn(listed("1.jpg"), listed("2.jpg"), listed("3.jpg"))
    assert a.submitted == ["1.jpg", "2.jpg"]
    a.start()
    assert a.store.calls_unknown == 2


def test_detections_before_an_error_are_committed(a: A) -> None:
    """They are paid for: the error of the same turn ends the run behind the commit."""
    error = WorkerExit(Exit.DENIED, "no")
    a.turn(listed("1.jpg"))
    assert a.turn(error, detected("1.jpg")) is error
    assert a.store.counts()["detected"] == 1
