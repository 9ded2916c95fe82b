"""What B's journal says of a run, and which n is held by whom.

Records, one a line behind the header:

| type    | fields                                          | written                    |
|---------|-------------------------------------------------|----------------------------|
| settled | key, etag, n, text, line, failure, billed, ...  | before it is deleted       |
| end     | expected                                        | before ``-1`` is deleted   |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from carscribe_common.numbers import KeyOfNumber, Numbers

if TYPE_CHECKING:
    from carscribe_common.journal import Journal
    from carscribe_worker_b.text_detection import Settled


@dataclass
class Ledger:
    """Where a run stands.

    Attributes:
        settled: the n that are.
        keys: which key holds an n.
        failed: the n whose image failed.
        with_text: how many settled images have text.
        billed: how many calls of DetectText were answered.
        expected: the last n, once A has said it.
    """

    settled: Numbers = field(default_factory=Numbers)
    keys: KeyOfNumber = field(default_factory=KeyOfNumber)
    failed: set[int] = field(default_factory=set)
    with_text: int = 0
    billed: int = 0
    expected: int | None = None

    def settle(self, record: dict[str, Any]) -> None:
        """Take note of a settled record."""
        n = record["n"]
        self.settled.add(n)
        self.keys[n] = record["key"]
        self.failed.discard(n)
        if record["failure"]:
            self.failed.add(n)
        self.with_text += record["line"] is not None
        self.billed += record["text"] is not None

    def is_taken(self, n: int, key: str) -> bool:
        """Tell whether another key holds n.

        An image that failed holds its n no longer: should a message that A
        never sent come first, naming an image that is not there, it cannot
        take the place of A's own.
        """
        return self.keys.is_other(n, key) and n not in self.failed

    def is_settled(self, n: int, key: str) -> bool:
        """Tell whether this n of this key is settled."""
        return n in self.settled and not self.keys.is_other(n, key)

    @property
    def complete(self) -> bool:
        """Whether A is done and each of its n is settled. The order of messages plays no part."""
        return self.expected is not None and self.settled.covers(self.expected)


def read_ledger(journal: Journal) -> Ledger:
    """Read a journal from its beginning."""
    ledger = Ledger()
    for record in journal.read():
        match record["type"]:
            case "settled":
                ledger.settle(record)
            case "end":
                ledger.expected = record["expected"]
    return ledger


def settled_record(settled: Settled) -> dict[str, Any]:
    """Return the record of a settled image."""
    return {
        "type": "settled",
        "key": settled.car.key,
        "etag": settled.car.etag,
        "n": settled.car.n,
        "text": settled.text,
        "line": settled.line,
        "failure": settled.failure,
        "at": round(settled.at, 3),
        "seconds": round(settled.seconds, 3),
    }
