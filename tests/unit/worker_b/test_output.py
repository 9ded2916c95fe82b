"""output.txt from the journal, in order, with little memory, and B's view of n."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.journal import Journal
from carscribe_worker_b import output
from carscribe_worker_b.ledger import read_ledger

if TYPE_CHECKING:
    from pathlib import Path


def settled(n: int, key: str, line: str | None, *, failed: bool = False) -> dict[str, Any]:
    """Return a record of B's journal."""
    return {
        "type": "settled",
        "key": key,
        "n": n,
        "text": None if failed else [],
        "line": line,
        "failure": {"reason": "gone", "detail": ""} if failed else None,
    }


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.jsonl", {"run_id": "r"}, "then")


def write(journal: Journal, *records: dict[str, Any]) -> None:
    """Write records to disk."""
    for record in records:
        journal.append(record)
    journal.commit()


@pytest.mark.parametrize("at_once", [1, 2, 3, 10_000])
def test_lines_are_sorted_whatever_fits_into_memory(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Sorting in parts gives the same file as sorting all at once, and leaves no parts."""
    monkeypatch.setattr(output, "SORTED_AT_ONCE", at_once)
    monkeypatch.setattr(output, "READ_BYTES", 7)
    write(
        journal,
        settled(1, "10.jpg", "ten"),
        settled(2, "9.jpg", None),
        settled(3, "2.jpg", "two"),
        settled(4, "1.jpg", "one"),
        settled(5, "a\n.jpg", "esc\\\\aped"),
        settled(6, "3.jpg", None, failed=True),
    )
    assert output.write_output(tmp_path, journal, 6) == 4
    assert (tmp_path / "output.txt").read_bytes() == (
        b"1.jpg: one\n2.jpg: two\n10.jpg: ten\na\\u000a.jpg: esc\\\\aped\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.jsonl", "output.txt"]


def test_empty_run_has_an_empty_result(journal: Journal, tmp_path: Path) -> None:
    """A run without a car ends with an empty file, not without one."""
    assert output.write_output(tmp_path, journal, 0) == 0
    assert (tmp_path / "output.txt").read_bytes() == b""


def test_an_n_beyond_the_end_is_none_of_the_runs(journal: Journal, tmp_path: Path) -> None:
    """A stray message with this run's id and an n that A never gave stays out of the result."""
    write(journal, settled(1, "1.jpg", "one"), settled(99, "stray.jpg", "stray"))
    assert output.write_output(tmp_path, journal, 1) == 1
    assert (tmp_path / "output.txt").read_text() == "1.jpg: one\n"


def test_run_is_complete_only_with_its_end_and_every_n(journal: Journal) -> None:
    """All settled without -1 is not complete, nor -1 with a gap."""
    write(journal, settled(1, "1.jpg", "one"), settled(3, "3.jpg", None))
    assert not read_ledger(journal).complete
    write(journal, {"type": "end", "expected": 3})
    assert not read_ledger(journal).complete
    write(journal, settled(2, "2.jpg", None, failed=True))
    assert read_ledger(journal).complete


def test_a_failed_image_holds_its_n_no_longer(journal: Journal) -> None:
    """A's own image takes the n that a stray message with a missing image had taken."""
    write(journal, settled(1, "nope.jpg", None, failed=True), settled(2, "2.jpg", "two"))
    ledger = read_ledger(journal)
    assert not ledger.is_taken(1, "1.jpg")
    assert not ledger.is_settled(1, "1.jpg")
    assert ledger.is_settled(1, "nope.jpg")
    assert ledger.is_taken(2, "1.jpg")
    write(journal, settled(1, "1.jpg", "one"))
    ledger = read_ledger(journal)
    assert ledger.is_taken(1, "nope.jpg")
    assert len(ledger.settled) == 2
    assert not ledger.failed
