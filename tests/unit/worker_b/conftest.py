"""What the tests of worker B share: its store, cars, and what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe_common.protocol import Car
from carscribe_worker_b.store import TextStore
from carscribe_worker_b.text_detection import TextResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from carscribe_worker_b.handler import Ack, Requeue

RUN = {"run_id": "run-1", "queue_url": "http://queue"}
ETAG = '"e"'


def car(n: int, key: str = "", size: int | None = 3) -> Car:
    """Return the n-th car of this run."""
    return Car("run-1", n, key or f"{n}.jpg", ETAG, size)


def result(of: Car, line: str | None = "GO 1", *, failed: bool = False) -> TextResult:
    """Return what came of an image."""
    return TextResult(
        car=of,
        text=None if failed else [],
        line=None if failed else line,
        failure={"reason": "gone", "detail": ""} if failed else None,
        billed=not failed,
        at=1.0,
        seconds=0.1,
    )


class FakeEffects:
    """What is acknowledged and requeued, carried out by the queue's mood and without a thread.

    Attributes:
        queue_is: ``well``: it answers at once; ``slow``: when it is waited for; or ``silent``.
        waiting: what is not carried out.
    """

    def __init__(
        self,
        _name: str,
        work: Callable[[Ack | Requeue], None],
        failed: Callable[[Exception], None],
        *_: object,
    ) -> None:
        self._work, self._failed = work, failed
        self.queue_is = "well"
        self.waiting: list[Ack | Requeue] = []

    @property
    def receipts(self) -> list[str]:
        """The receipts of what is not carried out."""
        return [receipt for effect in self.waiting for receipt in effect.receipts]

    def submit(self, effect: Ack | Requeue) -> None:
        """Take an effect."""
        self.waiting.append(effect)
        if self.queue_is == "well":
            self.join()

    def join(self, _seconds: float = 0) -> bool:
        """Carry out all there is; tell whether nothing is left."""
        while self.waiting and self.queue_is != "silent":
            try:
                self._work(self.waiting.pop(0))
            except Exception as error:  # noqa: BLE001 - as Pool has it
                self._failed(error)
        return not self.waiting


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[[], TextStore]]:
    """Open the store of a run, after the one before was closed as by a kill."""
    stores: list[TextStore] = []

    def open_again() -> TextStore:
        for store in stores:
            store.close()
        stores.append(TextStore(tmp_path, RUN))
        return stores[-1]

    yield open_again
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], TextStore]) -> TextStore:
    """The store of a new run."""
    return open_store()


def settle(store: TextStore, *results: TextResult) -> None:
    """Commit what came of images."""
    with store.transaction():
        store.settle(results)


def set_end(store: TextStore, expected: int, digest: int | None = None) -> None:
    """Commit that A is done."""
    with store.transaction():
        store.set_end(expected, digest)
