"""Fill a worker's store with settled images, as a long run of the server's first images would.

`python -m benchmarks.fill_store a|b RUN_DIR QUEUE_URL IMAGES SEED IMAGE_BYTES`
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.harness import BUCKET
from benchmarks.images import Images
from carscribe_common.protocol import Car
from carscribe_worker_a.detection import Detection
from carscribe_worker_a.listing import ListedImage
from carscribe_worker_a.store import DetectionStore
from carscribe_worker_b.store import TextStore
from carscribe_worker_b.text_detection import TextResult

COMMIT_ROWS = 10_000
BOX = {"left": 0.1, "top": 0.1, "width": 0.5, "height": 0.2}


def fill_a(run_dir: Path, queue_url: str, images: Images) -> None:
    """Images with a car, all of them sent, and the listing behind them."""
    identity = {
        "worker": "a",
        "run_id": "bench",
        "bucket": BUCKET,
        "prefix": "",
        "pairs": 1,
        "pair": 1,
        "car_confidence_percent": 90.0,
        "queue_url": queue_url,
    }
    car = {"confidence": 99.0, "instances": [{"confidence": 99.0, "box": BOX}]}
    found = (
        Detection(
            ListedImage(images.key(index), f'"{images.etag(index)}"', images.length),
            car,
            True,
            None,
            True,
            0.0,
            0.1,
        )
        for index in range(images.count)
    )
    with DetectionStore(run_dir, identity) as store:

        def commit(part: list[Detection]) -> None:
            store.mark_sent([each.n for each in store.add(part)])
            last = part[-1].image.key
            store.set_listed_through(last, listed=store.last_n, skipped=0)

        in_parts(store, found, commit)


def fill_b(run_dir: Path, queue_url: str, images: Images) -> None:
    """Images with text, and no end yet."""
    identity = {
        "worker": "b",
        "run_id": "bench",
        "bucket": BUCKET,
        "prefix": "",
        "pairs": 1,
        "pair": 1,
        "queue_url": queue_url,
        "text_confidence_percent": 80.0,
    }
    text = [
        {"type": kind, "id": i, "parent_id": None, "text": "GO 77", "confidence": 99.0, "box": BOX}
        for i, kind in enumerate(("LINE", "WORD", "WORD"))
    ]
    found = (
        TextResult(
            Car("bench", index + 1, images.key(index), f'"{images.etag(index)}"'),
            text,
            "GO 77",
            None,
            True,
            0.0,
            0.1,
        )
        for index in range(images.count)
    )
    with TextStore(run_dir, identity) as store:
        in_parts(store, found, store.settle)


def in_parts(store: Any, rows: Iterable[Any], commit: Callable[[list[Any]], None]) -> None:
    """Commit rows, many at once."""
    rest: Iterator[Any] = iter(rows)
    while part := list(islice(rest, COMMIT_ROWS)):
        with store.transaction():
            commit(part)


if __name__ == "__main__":
    worker, run_dir, queue_url, *numbers = sys.argv[1:]
    count, seed, size_bytes = map(int, numbers)
    images = Images(count, seed, size_bytes=size_bytes)
    {"a": fill_a, "b": fill_b}[worker](Path(run_dir), queue_url, images)
