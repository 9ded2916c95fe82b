"""What A knows of a run when it is started again, from little memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.journal import Journal
from carscribe_worker_a.detection import Looked
from carscribe_worker_a.ledger import Watermark, cars_to_send, looked_record, read_ledger
from carscribe_worker_a.listing import Image

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.jsonl", {"run_id": "r"}, "then")


def looked(position: int, key: str, *, n: int | None = None) -> Looked:
    """Return an image that was looked at."""
    image = Image(position, key, '"e"', 1, listed=position + 1, skipped=position * 2)
    return Looked(image, None, n is not None, None, billed=True, at=0.0, seconds=0.0)


def append(journal: Journal, *records: dict[str, Any]) -> None:
    """Write records to disk."""
    for record in records:
        journal.append(record)
    journal.commit()


def test_watermark_moves_only_over_settled_images() -> None:
    """An image that is still out holds the mark back, however many behind it are settled."""
    watermark = Watermark()
    watermark.settle(looked(1, "b.jpg"))
    watermark.settle(looked(2, "c.jpg"))
    assert watermark.take() is None
    watermark.settle(looked(0, "a.jpg"))
    assert watermark.take() == {"type": "listed", "through": "c.jpg", "listed": 3, "skipped": 4}
    assert watermark.take() is None


def test_only_keys_behind_the_watermark_are_held(journal: Journal) -> None:
    """What is in memory after a restart does not grow with the images looked at."""
    append(
        journal,
        *(looked_record(looked(i, f"{i:03}.jpg"), None) for i in range(100)),
        {"type": "listed", "through": "097.jpg", "listed": 98, "skipped": 5},
    )
    ledger = read_ledger(journal)
    assert ledger.looked == {"098.jpg", "099.jpg"}
    assert (ledger.through, ledger.listed, ledger.skipped) == ("097.jpg", 98, 5)
    assert ledger.counts.looked == 100


def test_watermark_compares_keys_as_s3_lists_them(journal: Journal) -> None:
    """S3's order is that of UTF-8 bytes: an emoji comes behind U+FFFD, unlike in UTF-16."""
    append(
        journal,
        looked_record(looked(0, "\ufffd.jpg"), None),
        looked_record(looked(1, "\U0001f697.jpg"), None),
        {"type": "listed", "through": "\ufffd.jpg", "listed": 1, "skipped": 0},
    )
    assert read_ledger(journal).looked == {"\U0001f697.jpg"}


def test_cars_without_sent_are_sent_again(journal: Journal) -> None:
    """A kill between journal and send loses no car, and only unsent ones are sent again."""
    append(
        journal,
        looked_record(looked(0, "1.jpg", n=1), 1),
        looked_record(looked(1, "2.jpg"), None),
        looked_record(looked(2, "3.jpg", n=2), 2),
        {"type": "sent", "n": [1]},
    )
    ledger = read_ledger(journal)
    assert [(car.n, car.key) for car in cars_to_send(journal, "r", ledger.sent)] == [(2, "3.jpg")]
    assert ledger.last_n == 2
    assert ledger.expected is None


def test_end_is_known_again(journal: Journal) -> None:
    """A that wrote its end never lists again."""
    append(journal, {"type": "end", "expected": 0, "listed": 3, "skipped": 1})
    assert read_ledger(journal).expected == 0
