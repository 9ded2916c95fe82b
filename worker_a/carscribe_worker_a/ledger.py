"""What A's journal says of a run, read back at a start.

Records, one a line behind the header:

| type   | fields                                              | written                |
|--------|-----------------------------------------------------|------------------------|
| looked | key, etag, size_bytes, n, car, failure, billed, ... | before it is sent      |
| listed | through, listed, skipped                            | all up to it is looked |
| sent   | n: a list                                           | after it is sent       |
| end    | expected, listed, skipped                           | before -1 is sent      |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from carscribe_common.numbers import Numbers
from carscribe_common.protocol import Car

if TYPE_CHECKING:
    from collections.abc import Iterator

    from carscribe_common.journal import Journal
    from carscribe_worker_a.detection import Looked


@dataclass
class Counts:
    """How many images there are of each kind."""

    looked: int = 0
    cars: int = 0
    failed: int = 0
    billed: int = 0

    def add(self, record: dict[str, Any]) -> None:
        """Count one looked record."""
        self.looked += 1
        self.cars += record["n"] is not None
        self.failed += record["failure"] is not None
        self.billed += record["billed"]


@dataclass
class Ledger:
    """Where a run stands.

    Attributes:
        counts: of the images looked at.
        last_n: the n that was given last.
        sent: the n whose message was taken by the queue.
        through: all keys up to this one, in the order of the listing, are looked at.
        looked: the keys behind ``through`` that are looked at: few.
        listed: images listed up to ``through``.
        skipped: other objects passed over up to there.
        expected: the last n of all, once the listing is at its end.
    """

    counts: Counts = field(default_factory=Counts)
    last_n: int = 0
    sent: Numbers = field(default_factory=Numbers)
    through: str = ""
    looked: set[str] = field(default_factory=set)
    listed: int = 0
    skipped: int = 0
    expected: int | None = None


def read_ledger(journal: Journal) -> Ledger:
    """Read a journal from its beginning."""
    ledger = Ledger()
    for record in journal.read():
        match record["type"]:
            case "looked":
                ledger.counts.add(record)
                ledger.last_n = max(ledger.last_n, record["n"] or 0)
                ledger.looked.add(record["key"])
            case "listed":
                ledger.through = record["through"]
                ledger.listed, ledger.skipped = record["listed"], record["skipped"]
                # Python compares strings by code point, as S3 lists.
                ledger.looked = {key for key in ledger.looked if key > ledger.through}
            case "sent":
                for n in record["n"]:
                    ledger.sent.add(n)
            case "end":
                ledger.expected = record["expected"]
                ledger.listed, ledger.skipped = record["listed"], record["skipped"]
    return ledger


def cars_to_send(journal: Journal, run_id: str, sent: Numbers) -> Iterator[Car]:
    """Yield the cars in the journal whose n is not in ``sent``, without holding them all."""
    for record in journal.read():
        if record["type"] == "looked" and record["n"] is not None and record["n"] not in sent:
            yield Car(run_id, record["n"], record["key"], record["etag"])


def looked_record(looked: Looked, n: int | None) -> dict[str, Any]:
    """Return the record of an image that was looked at."""
    return {
        "type": "looked",
        "key": looked.image.key,
        "etag": looked.image.etag,
        "size_bytes": looked.image.size_bytes,
        "n": n,
        "car": looked.car,
        "failure": looked.failure,
        "billed": looked.billed,
        "at": round(looked.at, 3),
        "seconds": round(looked.seconds, 3),
    }


class Watermark:
    """Follows which images are settled, out of order, and up to where all are.

    Images are settled out of order but for a bounded few, so what is held
    here is bounded too.
    """

    def __init__(self) -> None:
        self._next = 0
        self._waiting: dict[int, Looked] = {}
        self._reached: Looked | None = None

    def settle(self, looked: Looked) -> None:
        """Take note of an image that is in the journal."""
        self._waiting[looked.image.position] = looked
        while (found := self._waiting.pop(self._next, None)) is not None:
            self._reached = found
            self._next += 1

    def take(self) -> dict[str, Any] | None:
        """Return the listed record for the point that is reached, if it is a new one."""
        if self._reached is None:
            return None
        image, self._reached = self._reached.image, None
        return {
            "type": "listed",
            "through": image.key,
            "listed": image.listed,
            "skipped": image.skipped,
        }
