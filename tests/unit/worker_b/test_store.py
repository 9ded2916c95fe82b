"""B's store: which n are settled, whose they are, and what the next process finds."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from carscribe_common.protocol import DIGEST_MODULUS, car_hash
from carscribe_worker_b.store import GAPS_NAMED, TextStore
from tests.unit.worker_b.conftest import ETAG, RUN, car, result, set_end, settle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from carscribe_common.protocol import Car


def digest(*cars: Car) -> int:
    """Return A's digest of these cars."""
    return sum(car_hash(one.n, one.key, one.etag) for one in cars) % DIGEST_MODULUS


def test_run_is_covered_only_with_its_end_and_every_n(store: TextStore) -> None:
    """All settled without -1 does not cover a run, nor -1 with a gap."""
    settle(store, result(car(1)), result(car(3), None))
    assert not store.is_covered
    set_end(store, 3)
    assert not store.is_covered
    settle(store, result(car(2), failed=True))
    assert store.is_covered


def test_an_n_beyond_the_end_covers_no_gap(store: TextStore) -> None:
    """As many settled n as there are cars are not enough: they must be the right ones."""
    settle(store, result(car(1)), result(car(99)))
    set_end(store, 2)
    assert not store.is_covered


def test_a_run_without_a_car_is_covered_by_its_end(store: TextStore) -> None:
    """-1 with 0 cars ends a run at once."""
    set_end(store, 0)
    assert store.is_covered
    assert store.digest_agrees()


def test_a_failed_image_holds_its_n_no_longer(store: TextStore) -> None:
    """A's own image takes the n that a stray message with a missing image had taken."""
    settle(store, result(car(1, "nope.jpg"), failed=True), result(car(2)))
    assert store.holder(1) is None
    assert store.is_settled(1, "nope.jpg")
    assert not store.is_settled(1, "1.jpg")
    assert store.holder(2) == "2.jpg"
    assert store.has_failures
    settle(store, result(car(1)))
    assert store.holder(1) == "1.jpg"
    assert not store.has_failures
    counts = store.counts()
    assert (counts["settled"], counts["with_text"], counts["failed"]) == (2, 2, 0)


def test_what_was_settled_is_there_for_the_next_process(
    open_store: Callable[[], TextStore],
) -> None:
    """Rows, counts and the end outlast the process; what was not committed does not."""
    first = open_store()
    settle(first, result(car(1)))
    set_end(first, 2, 7)
    first.execute("BEGIN")
    first.settle([result(car(2))])
    again = open_store()
    assert (again.holder(1), again.holder(2), again.end) == ("1.jpg", None, (2, 7))
    assert again.counts()["settled"] == 1


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


def test_the_digest_agrees_with_the_cars_that_a_numbered(store: TextStore) -> None:
    """Text or none or failed: it is which object got which n that counts."""
    cars = [car(1), car(2), car(3)]
    settle(store, result(cars[0]), result(cars[1], None), result(cars[2], failed=True))
    set_end(store, 3, digest(*cars))
    assert store.digest_agrees()


@pytest.mark.parametrize("keys", [("2.jpg", "1.jpg"), ("1.jpg", "3.jpg"), ("1.jpg", "1.jpg")])
def test_the_digest_of_other_cars_does_not_agree(store: TextStore, keys: tuple[str, str]) -> None:
    """Numbered in another order, another image, one twice: it is not the A of these n."""
    settle(store, result(car(1)), result(car(2)))
    set_end(store, 2, digest(*(car(n, key) for n, key in enumerate(keys, 1))))
    assert not store.digest_agrees()


def test_an_end_without_a_digest_is_believed(store: TextStore) -> None:
    """Older programs send none."""
    settle(store, result(car(1)))
    set_end(store, 1)
    assert store.digest_agrees()


def test_strays_leave_the_digest_alone(store: TextStore) -> None:
    """A stray that failed first, or lies beyond the end, is none of the run's cars."""
    settle(store, result(car(1, "stray.jpg"), failed=True), result(car(9)))
    settle(store, result(car(1)), result(car(2, "other-stray.jpg"), failed=True))
    settle(store, result(car(2), failed=True))
    set_end(store, 2, digest(car(1), car(2)))
    assert store.digest_agrees()


def test_receipts_are_kept_until_they_are_of_no_use(open_store: Callable[[], TextStore]) -> None:
    """Each of them, for the next process, but of what is settled, requeued or void."""
    first = open_store()
    with first.transaction():
        first.add_in_flight(car(1), ["r1", "r1 again"])
        for n in (2, 3, 4):
            first.add_in_flight(car(n), [f"r{n}"])
        first.forget_receipts(["r2"])
        first.settle([result(car(3))])
        first.leave([car(4)])
    assert open_store().in_flight() == [(car(1), "r1"), (car(1), "r1 again")]


def test_receipts_of_another_queue_are_dropped(
    open_store: Callable[[], TextStore], tmp_path: Path
) -> None:
    """They say nothing to another queue; what is settled stays so."""
    first = open_store()
    with first.transaction():
        first.add_in_flight(car(1), ["r1"])
        first.settle([result(car(2))])
    first.close()
    with TextStore(tmp_path, RUN | {"queue_url": "http://another"}) as store:
        assert store.in_flight() == []
        assert store.is_settled(2, "2.jpg")
    with TextStore(tmp_path, RUN | {"queue_url": "http://another"}) as store:
        assert not store.changed


def test_crashes_count_processes_that_died(open_store: Callable[[], TextStore]) -> None:
    """Not the one that is at work, nor one that ended in good order, nor a second try in one."""
    for died in range(4):
        store = open_store()
        assert store.crashes(car(1)) == died
        for _ in range(2):
            with store.transaction():
                store.begin([car(1)])
        assert store.crashes(car(1)) == 0
    store = open_store()
    with store.transaction():
        store.begin([car(1), car(2)])
        store.leave([car(1), car(2)])
    store = open_store()
    assert (store.crashes(car(1)), store.crashes(car(2))) == (4, 0)
    settle(store, result(car(1)))
    assert store.crashes(car(1)) == 0


def test_rows_have_what_came_of_each_image(store: TextStore) -> None:
    """By n, with the texts as they were, a lone surrogate too; or the failed ones alone."""
    texts = [{"text": "\ud800 | \n", "confidence": 99.0}]
    settle(store, result(car(2), failed=True), replace(result(car(1)), text=texts))
    first, second = store.rows()
    assert (first["n"], first["key"], first["etag"], first["line"]) == (1, "1.jpg", ETAG, "GO 1")
    assert (first["text"], first["failure"]) == (texts, None)
    assert (second["text"], second["failure"]) == (None, {"reason": "gone", "detail": ""})
    assert [row["n"] for row in store.rows(failed=True)] == [2]
