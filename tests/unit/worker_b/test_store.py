"""B's store: what settles an n, what is missing, and what the next process goes on with."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.protocol import DIGEST_MODULUS, Car, car_hash
from carscribe_common.store import PAGE_ROWS
from carscribe_worker_b.store import CRASHES_MAX, SUMS_MAX, TextStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = {"worker": "b", "run_id": "r", "bucket": "photos", "queue_url": "q", "percent": 80.0}
GONE = {"reason": "gone", "detail": "it is not there"}


def car(n: int, key: str | None = None, etag: str = '"e"') -> Car:
    """Return a car of this run."""
    return Car("r", n, key or f"{n}.jpg", etag, 7)


def result(of: Car, line: str | None = None, *, failed: bool = False) -> Any:
    """Return what came of a car's image."""
    return SimpleNamespace(
        car=of,
        text=None if failed else [{"text": line}] if line else [],
        line=line,
        failure=GONE if failed else None,
        billed=not failed,
        at=0.0,
        seconds=0.0,
        region=None if failed else "us-west-2",
        model=None if failed else "3.0",
        bytes_elsewhere=0 if failed else 7,
    )


def settle(store: TextStore, *results: Any) -> None:
    """Commit results."""
    with store.transaction():
        store.settle(results)


def end(store: TextStore, expected: int, *cars: Car) -> None:
    """Commit A's end with the digest of these cars, or with none."""
    digest = sum(car_hash(each.n, each.key, each.etag) for each in cars) % DIGEST_MODULUS
    with store.transaction():
        store.set_end(expected, digest if cars else None)


@pytest.fixture
def store(memory_path: Path) -> Iterator[TextStore]:
    """An empty store."""
    with TextStore(memory_path, RUN) as store:
        yield store


def test_each_settled_image_is_counted_once(store: TextStore) -> None:
    """Text, no text and failure each settle an n; an n with two images counts once."""
    settle(store, result(car(1), "GO"), result(car(2)), result(car(3), failed=True))
    settle(store, result(car(3, "other.jpg"), "NO"))
    # The third one has an image after all, and is failed no longer.
    expected = {"settled": 3, "with_text": 2, "failed": 0, "billed": 3}
    assert store.counts().items() >= expected.items()
    settle(store, result(car(4), failed=True), result(car(4, "other.jpg"), failed=True))
    assert (store.counts()["settled"], store.counts()["failed"]) == (4, 1)


def test_who_settled_an_n_holds_it(store: TextStore) -> None:
    """With success the key holds its n; with a failure the n is settled and free."""
    settle(store, result(car(1), "GO"), result(car(2), failed=True))
    assert (store.holder(1), store.holder(2), store.holder(3)) == ("1.jpg", None, None)
    assert store.is_settled(1, "1.jpg")
    assert store.is_settled(2, "2.jpg")
    assert not store.is_settled(2, "other.jpg")
    assert not store.is_settled(3, "3.jpg")


@pytest.mark.parametrize(
    ("settled", "expected", "missing"),
    [
        ([], None, []),
        ([], 0, []),
        ([], 3, [1, 2, 3]),
        ([1, 3], None, [2]),
        ([1, 3], 3, [2]),
        ([1, 3], 5, [2, 4, 5]),
        ([2, 900], 2, [1]),
        ([2, 900], None, [1, *range(3, 900)]),
    ],
)
def test_missing(
    store: TextStore, settled: list[int], expected: int | None, missing: list[int]
) -> None:
    """Missing is each n up to the end, or up to the highest that came, that is not settled."""
    settle(store, *(result(car(n)) for n in settled))
    if expected is not None:
        end(store, expected)
    assert list(store.missing()) == missing
    assert store.is_covered == (expected is not None and not missing)


def test_covered_only_with_the_end(store: TextStore) -> None:
    """However many are settled: without A's end nobody knows that these are all."""
    settle(store, result(car(1)))
    assert not store.is_covered
    end(store, 1)
    assert store.is_covered


def test_strays_do_not_cover_a_missing_n(store: TextStore) -> None:
    """An n above A's last one, or two images of one n, make up for no other."""
    settle(store, result(car(1)), result(car(77)), result(car(1, "x.jpg"), failed=True))
    end(store, 2)
    assert not store.is_covered
    settle(store, result(car(2)))
    assert store.is_covered


@pytest.mark.parametrize(
    ("told", "agrees"),
    [
        ([car(1), car(2)], True),
        ([car(2, "1.jpg"), car(1, "2.jpg")], False),
        ([car(1), car(2, "3.jpg")], False),
        ([car(1), car(2, etag='"f"')], False),
        ([car(1)], False),
        ([], True),  # an older A says none
    ],
)
def test_digest(store: TextStore, told: list[Car], agrees: bool) -> None:
    """The rows are A's cars if key, etag and n of all of them are."""
    settle(store, result(car(1), "GO"), result(car(2)), result(car(9)))
    end(store, 2, *told)
    assert store.digest_agrees() is agrees


def test_digest_of_an_n_that_a_stray_failed_for(store: TextStore) -> None:
    """Where only failures claim an n, one of them must be A's; a success speaks for itself."""
    settle(store, result(car(1, "stray.jpg"), failed=True), result(car(1), failed=True))
    settle(store, result(car(2, "stray.jpg"), failed=True), result(car(2), "GO"))
    end(store, 2, car(1), car(2))
    assert store.digest_agrees()
    end(store, 2, car(1, "stray.jpg"), car(2))
    assert store.digest_agrees()
    end(store, 2, car(1), car(2, "stray.jpg"))
    assert not store.digest_agrees()


def test_digest_of_too_many_strays_is_not_believed(store: TextStore) -> None:
    """Strays for which too many choices would have to be tried end as another digest."""
    cars = range(1, SUMS_MAX.bit_length() + 1)
    for n in cars:
        settle(store, result(car(n, "stray.jpg"), failed=True), result(car(n), failed=True))
    end(store, len(cars), *map(car, cars))
    assert not store.digest_agrees()


def test_receipts_outlive_a_kill(memory_path: Path) -> None:
    """What was in flight is known to the next process, each delivery of it, until it is settled."""
    (memory_path / "run").mkdir()
    store = TextStore(memory_path / "run", RUN)
    with store.transaction():
        store.add_in_flight(car(1), ["r1", "r2"])
        store.add_in_flight(car(2), ["r3"])
        store.add_in_flight(car(3), ["r4"])
        store.begin([car(1)])
    settle(store, result(car(3)))
    with store.transaction():
        store.forget_receipts(["r3"])
    shutil.copytree(memory_path / "run", memory_path / "copy")
    store.close()
    with TextStore(memory_path / "copy", RUN) as again:
        assert sorted(again.in_flight(), key=str) == [(car(1), "r1"), (car(1), "r2")]
        assert again.crashes(car(1)) == 1


def test_receipts_of_another_queue_are_void(memory_path: Path) -> None:
    """Under another queue URL no receipt is worth anything; what is settled stays settled."""
    with TextStore(memory_path, RUN) as store:
        with store.transaction():
            store.add_in_flight(car(1), ["r1"])
        settle(store, result(car(2)))
    for _ in range(2):
        with TextStore(memory_path, {**RUN, "queue_url": "other"}) as store:
            assert store.in_flight() == []
            assert store.is_settled(2, "2.jpg")
            with store.transaction():
                store.add_in_flight(car(1), ["r9"])
            assert store.changed in ({"queue_url"}, frozenset())
        with TextStore(memory_path, {**RUN, "queue_url": "other"}) as store:
            assert store.in_flight() == [(car(1), "r9")]
            with store.transaction():
                store.forget_receipts(["r9"])


def test_processes_that_begin_an_image_and_die_are_counted(memory_path: Path) -> None:
    """Each process counts once, however often it begins; one that ends in order does not."""
    for crashes in range(CRASHES_MAX + 1):
        with TextStore(memory_path, RUN) as store:
            assert store.crashes(car(1)) == crashes
            for _ in range(2):
                with store.transaction():
                    store.begin([car(1), car(2)])
            with store.transaction():
                store.leave([car(2)])
    with TextStore(memory_path, RUN) as store:
        assert store.crashes(car(2)) == 0
        settle(store, result(car(1)))
    with TextStore(memory_path, RUN) as store:
        assert store.crashes(car(1)) == 0


def test_lines_are_in_natural_order_and_end_at_the_last_n(store: TextStore) -> None:
    """2 before 10; ties by code point; what claims a higher n than A's last is not in it."""
    keys = ["10.jpg", "2.jpg", "02.jpg", "B.jpg", "a.jpg", "\U0001f697.jpg", "\ufffd.jpg"]
    settle(store, *(result(car(n, key), f"T{n}") for n, key in enumerate(keys, start=1)))
    settle(store, result(car(99, "1.jpg"), "STRAY"), result(car(8, "9.jpg")))
    end(store, 8)
    assert [key for key, _ in store.lines()] == [
        "02.jpg",
        "2.jpg",
        "10.jpg",
        "B.jpg",
        "a.jpg",
        "\ufffd.jpg",
        "\U0001f697.jpg",
    ]


def test_one_key_may_have_several_lines(store: TextStore) -> None:
    """A key under two n has a line for each: nothing is lost at a page's boundary."""
    settle(store, *(result(car(n, "same.jpg"), str(n)) for n in range(1, PAGE_ROWS + 3)))
    end(store, PAGE_ROWS + 2)
    assert sorted(int(line) for _, line in store.lines()) == list(range(1, PAGE_ROWS + 3))


def test_rows_are_what_was_found(store: TextStore) -> None:
    """results.jsonl gets back what was written: lone surrogates and controls too."""
    found = result(car(1), "\\ud800")
    found.text = [{"text": "\ud800\x00\u2028", "box": {"left": 0.1}}]
    settle(store, found, result(car(2), failed=True))
    rows = list(store.rows())
    assert [(row["n"], row["text"], row["line"], row["failure"]) for row in rows] == [
        (1, found.text, "\\ud800", None),
        (2, None, None, GONE),
    ]
    assert [row["n"] for row in store.rows(failed=True)] == [2]
    assert [(row["region"], row["model"]) for row in rows] == [("us-west-2", "3.0"), (None, None)]
    counts = store.counts()
    assert (counts["answers:us-west-2:3.0"], counts["bytes_elsewhere"]) == (1, 7)


def test_the_end_is_known_again(memory_path: Path) -> None:
    """A B that has seen its -1 knows it at the next start."""
    with TextStore(memory_path, RUN) as store:
        assert (store.expected, store.end) == (None, None)
        with store.transaction():
            store.set_end(0, 2**64 - 1)
    with TextStore(memory_path, RUN) as store:
        assert (store.expected, store.end) == (0, (0, 2**64 - 1))
