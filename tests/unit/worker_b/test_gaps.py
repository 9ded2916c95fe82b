"""What B lacks of a run, as A takes it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from carscribe_worker_b.store import GAPS_NAMED
from tests.unit.worker_b.conftest import car, result, set_end, settle

if TYPE_CHECKING:
    from carscribe_worker_b.store import TextStore


def test_gaps_are_named_as_a_takes_them(store: TextStore) -> None:
    """Single n and stretches up to the last one; without -1 the rest is open."""
    settle(store, *(result(car(n)) for n in (1, 2, 4, 8, 9)))
    assert store.missing_ranges() == "3,5-7,10-"
    assert list(store.missing()) == [3, 5, 6, 7]
    set_end(store, 12)
    assert store.missing_ranges() == "3,5-7,10-12"
    assert list(store.missing()) == [3, 5, 6, 7, 10, 11, 12]


def test_nothing_settled_and_nothing_missing(store: TextStore) -> None:
    """Before the first message all is missing; when all is settled, nothing is."""
    assert store.missing_ranges() == "1-"
    assert list(store.missing()) == []
    set_end(store, 2)
    assert store.missing_ranges() == "1-2"
    settle(store, result(car(1)), result(car(2)))
    assert store.missing_ranges() == ""


def test_very_many_gaps_end_in_an_open_one(store: TextStore) -> None:
    """Past a thousand stretches all from there on is sent again; a huge n costs no time."""
    settle(store, *(result(car(2 * n)) for n in range(1, GAPS_NAMED + 10)))
    settle(store, result(car(999_999_999_999)))
    ranges = store.missing_ranges().split(",")
    assert len(ranges) == GAPS_NAMED + 1
    assert ranges[-2:] == [f"{2 * GAPS_NAMED - 1}", f"{2 * GAPS_NAMED + 1}-"]
    assert len(list(islice(store.missing(), 5000))) == 5000
