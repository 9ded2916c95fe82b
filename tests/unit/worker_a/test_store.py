"""A's store: which n a car has, what is sent, and where the listing goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.protocol import DIGEST_MODULUS, Car, car_hash
from carscribe_common.store import PAGE_ROWS
from carscribe_worker_a.detection import Detection
from carscribe_worker_a.listing import ListedImage
from carscribe_worker_a.settings import Range
from carscribe_worker_a.store import DetectionStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = {"worker": "a", "run_id": "r", "bucket": "photos", "queue_url": "q", "percent": 90.0}


def detection(key: str, *, is_car: bool = False, failed: bool = False, **more: Any) -> Detection:
    """Return what came of an image."""
    return Detection(
        image=ListedImage(key, f'"{key}"', 7),
        car={"confidence": 99.0, "instances": []} if is_car else None,
        is_car=is_car,
        failure={"reason": "gone", "detail": "x\ud800"} if failed else None,
        billed=not failed,
        at=0.0,
        seconds=0.0,
        **more,
    )


def add(store: DetectionStore, *detections: Any) -> list[Car]:
    """Commit detections; return the cars."""
    with store.transaction():
        return store.add(detections)


@pytest.fixture
def store(memory_path: Path) -> Iterator[DetectionStore]:
    """An empty store."""
    with DetectionStore(memory_path, RUN) as store:
        yield store


def test_cars_are_numbered_in_the_order_they_come(store: DetectionStore) -> None:
    """1, 2, 3, ... over all transactions, with key, etag and size; what is no car gets none."""
    cars = add(store, detection("b", is_car=True), detection("a"), detection("c", is_car=True))
    cars += add(store, detection("d", failed=True), detection("e", is_car=True))
    assert cars == [Car("r", n, key, f'"{key}"', 7) for n, key in ((1, "b"), (2, "c"), (3, "e"))]
    assert store.counts() == {"detected": 5, "cars": 3, "failed": 1, "billed": 4}


def test_numbers_and_digest_go_on_after_a_restart(memory_path: Path) -> None:
    """The next process gives the next n, and its digest is over all cars of the run."""
    with DetectionStore(memory_path, RUN) as store:
        assert (store.last_n, store.digest) == (0, 0)
        add(store, detection("a", is_car=True))
    with DetectionStore(memory_path, RUN) as store:
        assert [car.n for car in add(store, detection("b", is_car=True))] == [2]
        wanted = sum(car_hash(n, key, f'"{key}"') for n, key in ((1, "a"), (2, "b")))
        assert store.digest == wanted % DIGEST_MODULUS
    with DetectionStore(memory_path, RUN) as store:
        assert (store.last_n, store.digest) == (2, wanted % DIGEST_MODULUS)


def test_what_was_not_sent_is_sent_again(memory_path: Path) -> None:
    """A kill between commit and send loses no car, and only those that were not sent are there."""
    with DetectionStore(memory_path, RUN) as store:
        add(store, *(detection(key, is_car=True) for key in "abc"), detection("d"))
        with store.transaction():
            store.mark_sent([1, 3])
    with DetectionStore(memory_path, RUN) as store:
        assert list(store.unsent()) == [Car("r", 2, "b", '"b"', 7)]


@pytest.mark.parametrize("cars", [PAGE_ROWS - 1, PAGE_ROWS, PAGE_ROWS + 1])
def test_unsent_bears_that_they_are_sent_meanwhile(store: DetectionStore, cars: int) -> None:
    """Each car comes once, by n, though what has come is marked as sent in between."""
    add(store, *(detection(f"{n:05}", is_car=True) for n in range(cars)))
    seen = []
    for car in store.unsent():
        seen.append(car.n)
        with store.transaction():
            store.mark_sent([car.n])
    assert seen == list(range(1, cars + 1))
    assert list(store.unsent()) == []


def test_under_another_queue_nothing_counts_as_sent(memory_path: Path) -> None:
    """Another queue has none of the messages; the same one, at the start after that, has them."""
    with DetectionStore(memory_path, RUN) as store:
        add(store, detection("a", is_car=True), detection("b", is_car=True))
        with store.transaction():
            store.mark_sent([1, 2])
    with DetectionStore(memory_path, {**RUN, "queue_url": "other"}) as store:
        assert [car.n for car in store.unsent()] == [1, 2]
        with store.transaction():
            store.mark_sent([1, 2])
    with DetectionStore(memory_path, {**RUN, "queue_url": "other"}) as store:
        assert list(store.unsent()) == []


@pytest.mark.parametrize(
    ("ranges", "again"),
    [
        ([Range(2, 2), Range(4, 5)], [2, 4, 5]),
        ([Range(4, None)], [4, 5, 6]),
        ([Range(6, 99), Range(200, None)], [6]),
        ([], []),
    ],
)
def test_what_is_asked_for_is_sent_again_once(
    memory_path: Path, ranges: list[Range], again: list[int]
) -> None:
    """However often A is started for the same reason; another reason is another one."""
    for token, wanted in (("one", again), ("one", []), ("two", again), ("two", [])):
        with DetectionStore(memory_path, RUN) as store:
            if not store.last_n:
                add(store, *(detection(key, is_car=True) for key in "abcdef"))
                with store.transaction():
                    store.mark_sent([1, 2, 3, 4, 5, 6])
            with store.transaction():
                assert store.send_again(token, ranges) == len(wanted)
            assert [car.n for car in store.unsent()] == wanted
            with store.transaction():
                store.mark_sent(wanted)


def test_the_listing_goes_on_where_all_is_detected(memory_path: Path) -> None:
    """The checkpoint is the last one; keys behind it that are detected are named, no others."""
    with DetectionStore(memory_path, RUN) as store:
        assert store.listed_through == ("", 0, 0)
        add(store, *(detection(key) for key in ("a", "b", "d")))
        with store.transaction():
            store.set_listed_through("a", listed=1, skipped=0)
            store.set_listed_through("b", listed=2, skipped=5)
    with DetectionStore(memory_path, RUN) as store:
        assert store.listed_through == ("b", 2, 5)
        assert store.detected_after("b") == {"d"}


def test_keys_compare_as_s3_lists_them(store: DetectionStore) -> None:
    """S3's order is that of UTF-8 bytes: an emoji comes behind U+FFFD, unlike in UTF-16."""
    add(store, detection("\ufffd.jpg"), detection("\U0001f697.jpg"), detection("a\0b"))
    assert store.detected_after("\ufffd.jpg") == {"\U0001f697.jpg"}
    assert "a\0b" in store.detected_after("a")


def test_the_end_is_known_again(memory_path: Path) -> None:
    """A that committed its end knows the last n, and what was listed in all."""
    with DetectionStore(memory_path, RUN) as store:
        assert store.expected is None
        add(store, detection("a", is_car=True))
        with store.transaction():
            store.end(listed=3, skipped=2)
    with DetectionStore(memory_path, RUN) as store:
        assert store.expected == 1
        assert store.listed_through[1:] == (3, 2)


def test_an_image_is_detected_once(store: DetectionStore) -> None:
    """The same key twice is a fault of the program, not a second car."""
    add(store, detection("a", is_car=True))
    with pytest.raises(Exception, match="UNIQUE"):
        add(store, detection("a", is_car=True))
    assert store.counts()["cars"] == 1


def test_rows_are_what_was_found(store: DetectionStore) -> None:
    """results.jsonl gets back what was written, by key, and the failures alone."""
    add(store, detection("b", is_car=True), detection("a", failed=True))
    rows = list(store.rows())
    assert [(row["key"], row["n"], row["failure"] is None) for row in rows] == [
        ("a", None, False),
        ("b", 1, True),
    ]
    assert rows[1]["car"] == {"confidence": 99.0, "instances": []}
    assert rows[0]["failure"]["detail"] == "x\ud800"
    assert [row["key"] for row in store.rows(failed=True)] == ["a"]


def test_where_an_answer_came_from_is_kept_and_counted(store: DetectionStore) -> None:
    """Region and version of the model stand with each image; what left the region is summed up."""
    there: dict[str, Any] = {"region": "us-west-2", "model": "3.0"}
    add(
        store,
        detection("a", region="us-east-1", model="3.0"),
        detection("b", **there, bytes_elsewhere=7),
        detection("c", **there, bytes_elsewhere=5),
        detection("d", failed=True),
    )
    rows = {row["key"]: (row["region"], row["model"]) for row in store.rows()}
    assert rows["a"] == ("us-east-1", "3.0")
    assert rows["c"] == ("us-west-2", "3.0")
    assert rows["d"] == (None, None)
    counts = store.counts()
    assert counts["answers:us-east-1:3.0"] == 1
    assert counts["answers:us-west-2:3.0"] == 2
    assert counts["bytes_elsewhere"] == 12
