"""A's store: which images it detected, which of them are cars, and which cars were sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from carscribe_common.protocol import DIGEST_MODULUS, Car, car_hash
from carscribe_common.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from carscribe_worker_a.detection import Detection
    from carscribe_worker_a.settings import Range


_ROWS = "SELECT key, etag, n, car, failure, at, seconds, region, model FROM image WHERE key > ? ORDER BY key LIMIT ?"
_FAILED_ROWS = _ROWS.replace("WHERE", "WHERE failure IS NOT NULL AND")


class DetectionStore(Store):
    """What A knows of a run.

    Under another queue URL than before no car counts as sent.

    Args:
        run_dir: the folder of the run.
        run: what must stay the same, ``run_id`` and ``queue_url`` among it.

    Attributes:
        last_n: the n that was given last.
        digest: the sum of ``car_hash`` over all cars modulo 2^64.
    """

    TABLES = """
    -- One row for each image whose detection is committed. n numbers the cars
    -- in the order in which A found them; sent: the queue took its message.
    CREATE TABLE image (
        key TEXT PRIMARY KEY,
        etag TEXT NOT NULL,
        size INTEGER NOT NULL,
        n INTEGER,
        car TEXT,       -- JSON: confidence and instances of the label Car
        failure TEXT,   -- JSON: reason and detail
        at REAL NOT NULL,
        seconds REAL NOT NULL,
        region TEXT,    -- where Rekognition answered, and the model's version
        model TEXT,
        sent INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX car ON image (n) WHERE n IS NOT NULL;
    CREATE INDEX unsent ON image (n) WHERE n IS NOT NULL AND sent = 0;
    CREATE INDEX failed ON image (key) WHERE failure IS NOT NULL;
    """

    def __init__(self, run_dir: Path, run: Mapping[str, Any]) -> None:
        super().__init__(run_dir, run)
        self._run_id = str(run["run_id"])
        if "queue_url" in self.changed:
            with self.transaction():
                self.execute("UPDATE image SET sent = 0 WHERE n IS NOT NULL AND sent = 1")
                self.put(queue_url=json.dumps(run["queue_url"]))
        self.last_n = int(self.one("SELECT max(n) FROM image WHERE n IS NOT NULL") or 0)
        self.digest = int(self.get("digest") or 0)

    # --- inside a transaction -------------------------------------------------------

    def add(self, detections: Iterable[Detection]) -> list[Car]:
        """Take what came of images; give each car its n; return the cars.

        If the transaction is rolled back, this object's ``last_n`` and
        ``digest`` are ahead of the file: it is not to be used any more.
        """
        cars: list[Car] = []
        rows: list[tuple[Any, ...]] = []
        answers: list[tuple[str | None, str | None, int]] = []
        counts = {"detected": 0, "cars": 0, "failed": 0, "billed": 0}
        for item in detections:
            image, n = item.image, None
            if item.is_car:
                n = self.last_n = self.last_n + 1
                self.digest = (self.digest + car_hash(n, image.key, image.etag)) % DIGEST_MODULUS
                cars.append(Car(self._run_id, n, image.key, image.etag, image.size))
            counts["detected"] += 1
            counts["cars"] += item.is_car
            counts["failed"] += item.failure is not None
            counts["billed"] += item.billed
            answers.append((item.region, item.model, item.bytes_elsewhere))
            rows.append(
                (
                    image.key,
                    image.etag,
                    image.size,
                    n,
                    item.car and json.dumps(item.car),
                    item.failure and json.dumps(item.failure),
                    item.at,
                    item.seconds,
                    item.region,
                    item.model,
                )
            )
        self.execute_many("INSERT INTO image VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", rows)
        self.count(**counts)
        self.count_answers(answers)
        if cars:
            self.put(digest=str(self.digest))
        return cars

    def set_listed_through(self, key: str, *, listed: int, skipped: int) -> None:
        """Note that all images up to a key, in the order of the listing, are detected.

        Args:
            key: the last of them.
            listed: how many images were listed up to it.
            skipped: how many other objects were passed over before it.
        """
        self.put(listed_through=json.dumps([key, listed, skipped]))

    def end(self, *, listed: int, skipped: int) -> None:
        """Note that the listing is at its end: there will be no further n."""
        self.put(end=json.dumps([self.last_n, listed, skipped]))

    def mark_sent(self, numbers: Sequence[int]) -> None:
        """Note that the queue took these cars' messages."""
        self.execute_many("UPDATE image SET sent = 1 WHERE n = ?", [(n,) for n in numbers])
        self.count(sent=len(numbers))

    def send_again(self, token: str, ranges: Iterable[Range]) -> int:
        """Let these cars count as not sent; return how many there are.

        Once for each token: a restart for the same reason sends nothing again.
        """
        if self.get("resend") == token:
            return 0
        self.put(resend=token)
        return sum(
            self.execute(
                "UPDATE image SET sent = 0 WHERE n BETWEEN ? AND ? AND sent = 1",
                first,
                self.last_n if last is None else last,
            ).rowcount
            for first, last in ranges
        )

    # --- what is committed ----------------------------------------------------------

    @property
    def listed_through(self) -> tuple[str, int, int]:
        """Key, listed, skipped of ``set_listed_through``; of the whole listing at its end."""
        value = json.loads(self.get("listed_through") or '["", 0, 0]')
        if self.expected is not None:
            value[1:] = json.loads(self.get("end") or "[]")[1:]
        return value[0], value[1], value[2]

    @property
    def expected(self) -> int | None:
        """The last n of all, once the listing is at its end."""
        end = self.get("end")
        return None if end is None else int(json.loads(end)[0])

    def detected_after(self, key: str) -> set[str]:
        """Return the keys behind this one that are detected: few, see ``listed_through``."""
        return {
            row[0]
            for row in self.pages(
                "SELECT key FROM image WHERE key > ? ORDER BY key LIMIT ?",
                (key,),
            )
        }

    def unsent(self) -> Iterator[Car]:
        """Yield the cars whose message the queue has not taken, by n."""
        rows = self.pages(
            "SELECT n, key, etag, size FROM image "
            "WHERE n IS NOT NULL AND sent = 0 AND n > ? ORDER BY n LIMIT ?",
            (0,),
        )
        return (Car(self._run_id, row[0], row[1], row[2], row[3]) for row in rows)

    def rows(self, *, failed: bool = False) -> Iterator[dict[str, Any]]:
        """Yield what came of each image, or of each that failed, by key, as results.jsonl has it."""
        for row in self.pages(_FAILED_ROWS if failed else _ROWS, ("",)):
            item = dict(row)
            item["car"] = item["car"] and json.loads(item["car"])
            item["failure"] = item["failure"] and json.loads(item["failure"])
            yield item
