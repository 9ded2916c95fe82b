"""B's store: which n is settled by which image, with which text, and what is in flight."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

from carscribe_common.protocol import DIGEST_MODULUS, Car, car_hash
from carscribe_common.rules import natural_key
from carscribe_common.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from carscribe_worker_b.text_detection import TextResult

CRASHES_MAX = 5
"""An n that so many processes began and did not survive is that image's failure."""

GAPS_NAMED = 1000
"""More stretches of missing n are not told apart: all from there on is sent again."""

SUMS_MAX = 4096
"""So many sums are tried at the most where failed images make the digest ambiguous."""


class TextStore(Store):
    """What B knows of a run.

    Under another queue URL than before the receipts are void and dropped.

    An n is settled when it has a row. One key at most has a row without a
    failure for it; where all failed, the n is free for another key, since a
    message that A never sent may have come first.

    Args:
        run_dir: the folder of the run.
        run: what must stay the same, ``run_id`` and ``queue_url`` among it.
    """

    TABLES = """
    -- One row for each image that is settled.
    CREATE TABLE text (
        n INTEGER NOT NULL,
        key TEXT NOT NULL,
        sort_key TEXT NOT NULL,  -- natural order of keys, see rules.natural_key
        etag TEXT NOT NULL,
        text TEXT,      -- JSON: all detections, NULL where there is a failure
        line TEXT,      -- what stands behind the key in output.txt
        failure TEXT,   -- JSON: reason and detail
        at REAL NOT NULL,
        seconds REAL NOT NULL,
        region TEXT,    -- where Rekognition answered, and the model's version
        model TEXT,
        PRIMARY KEY (n, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX line ON text (sort_key, key) WHERE line IS NOT NULL;
    CREATE INDEX failed ON text (n, key) WHERE failure IS NOT NULL;

    -- Messages that were received and not settled: the next process works on
    -- them without a new delivery.
    CREATE TABLE in_flight (
        receipt TEXT PRIMARY KEY,
        n INTEGER NOT NULL,
        key TEXT NOT NULL,
        etag TEXT NOT NULL,
        size INTEGER
    ) STRICT, WITHOUT ROWID;

    -- How many processes began to work on an image and ended before it was settled.
    CREATE TABLE begun (
        n INTEGER NOT NULL,
        key TEXT NOT NULL,
        processes INTEGER NOT NULL,
        last_start INTEGER NOT NULL,
        PRIMARY KEY (n, key)
    ) STRICT, WITHOUT ROWID;
    """

    def __init__(self, run_dir: Path, run: Mapping[str, Any]) -> None:
        super().__init__(run_dir, run)
        self._run_id = str(run["run_id"])
        if "queue_url" in self.changed:
            with self.transaction():
                self.execute("DELETE FROM in_flight")
                self.put(queue_url=json.dumps(run["queue_url"]))

    # --- inside a transaction ---------------------------------------------------------

    def settle(self, results: Iterable[TextResult]) -> None:
        """Take what came of images; each settles its n."""
        counts: Counter[str] = Counter()
        settled: list[tuple[int, str]] = []
        answers: list[tuple[str | None, str | None, int]] = []
        for item in results:
            car = item.car
            first = self.one("SELECT 1 FROM text WHERE n = ? LIMIT 1", car.n) is None
            self.execute(
                "INSERT OR REPLACE INTO text VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                car.n,
                car.key,
                natural_key(car.key)[0],
                car.etag,
                None if item.text is None else json.dumps(item.text),
                item.line,
                item.failure and json.dumps(item.failure),
                item.at,
                item.seconds,
                item.region,
                item.model,
            )
            counts["settled"] += first
            counts["with_text"] += item.line is not None
            # An n that another key settles with success after all is failed no longer.
            counts["failed"] += (item.failure is not None) - (not first)
            counts["billed"] += item.billed
            settled.append((car.n, car.key))
            answers.append((item.region, item.model, item.bytes_elsewhere))
        self.count(**counts)
        self.count_answers(answers)
        self.execute_many("DELETE FROM in_flight WHERE n = ? AND key = ?", settled)
        self.execute_many("DELETE FROM begun WHERE n = ? AND key = ?", settled)

    def set_end(self, expected: int, digest: int | None) -> None:
        """Note that A is done: the last n, and the digest of its cars if it said one."""
        self.put(end=json.dumps([expected, digest]))

    def add_in_flight(self, car: Car, receipts: Iterable[str]) -> None:
        """Keep the receipts of a message until it is settled or given up."""
        self.execute_many(
            "INSERT OR REPLACE INTO in_flight VALUES (?, ?, ?, ?, ?)",
            [(receipt, car.n, car.key, car.etag, car.size) for receipt in receipts],
        )

    def forget_receipts(self, receipts: Iterable[str]) -> None:
        """Drop receipts that were requeued or are void."""
        self.execute_many(
            "DELETE FROM in_flight WHERE receipt = ?", [(receipt,) for receipt in receipts]
        )

    def begin(self, cars: Iterable[Car]) -> None:
        """Note that this process works on these images from now on."""
        self.execute_many(
            "INSERT INTO begun VALUES (?, ?, 1, ?) ON CONFLICT (n, key) DO UPDATE "
            "SET processes = processes + (last_start <> excluded.last_start), "
            "last_start = excluded.last_start",
            [(car.n, car.key, self.starts) for car in cars],
        )

    def leave(self, cars: Iterable[Car]) -> None:
        """Note that this process ends in good order, and leaves these images as they were."""
        self.execute_many(
            "UPDATE begun SET processes = processes - 1 WHERE n = ? AND key = ? AND last_start = ?",
            [(car.n, car.key, self.starts) for car in cars],
        )

    # --- what is committed --------------------------------------------------------------

    def holder(self, n: int) -> str | None:
        """Return the key that settled n with success."""
        key = self.one("SELECT key FROM text WHERE n = ? AND failure IS NULL", n)
        return None if key is None else str(key)

    def is_settled(self, n: int, key: str) -> bool:
        """Tell whether this n of this key is settled, be it by its failure."""
        return self.one("SELECT 1 FROM text WHERE n = ? AND key = ?", n, key) is not None

    def crashes(self, car: Car) -> int:
        """Return how many earlier processes began this image and ended without a result."""
        found = self.one(
            "SELECT processes FROM begun WHERE n = ? AND key = ? AND last_start < ?",
            car.n,
            car.key,
            self.starts,
        )
        return int(found or 0)

    @property
    def end(self) -> tuple[int, int | None] | None:
        """The last n and the digest of A's cars, once A has said them."""
        end = self.get("end")
        return None if end is None else tuple(json.loads(end))

    @property
    def expected(self) -> int | None:
        """The last n, once A has said it."""
        return self.end[0] if self.end else None

    @property
    def is_covered(self) -> bool:
        """Whether A is done and each n from 1 to ``expected`` is settled."""
        expected = self.expected
        if expected is None or self.counts().get("settled", 0) < expected:
            return False
        settled = self.one("SELECT count(DISTINCT n) FROM text WHERE n BETWEEN 1 AND ?", expected)
        return bool(settled == expected)

    @property
    def has_failures(self) -> bool:
        """Whether there is an n that no image settled with success."""
        return self.counts().get("failed", 0) > 0

    @property
    def is_done(self) -> bool:
        """Whether an earlier process found the run complete."""
        return self.get("done") is not None

    def digest_agrees(self) -> bool:
        """Tell whether the rows 1 to ``expected`` are the cars that A numbered.

        Only called when all of them are settled. An n whose keys all failed may
        have several rows, of which one is A's: any choice that agrees will do.
        """
        expected, wanted = self.end or (0, None)
        if wanted is None:
            return True
        sums = {0}
        rows = self.pages(
            "SELECT n, key, etag, failure IS NOT NULL FROM text "
            "WHERE (n, key) > (?, ?) ORDER BY n, key LIMIT ?",
            (0, ""),
        )
        at, hashes, won = 0, set[int](), False
        for n, key, etag, failed in chain(rows, [(expected + 1, "", "", 1)]):
            if n != at:
                if at and at <= expected:
                    sums = {(s + h) % DIGEST_MODULUS for s in sums for h in hashes}
                    if len(sums) > SUMS_MAX:
                        return False
                at, hashes, won = n, set(), False
            if not failed:
                hashes, won = {car_hash(n, key, etag)}, True
            elif not won:
                hashes.add(car_hash(n, key, etag))
        return wanted in sums

    def gaps(self) -> Iterator[tuple[int, int | None]]:
        """Yield the first and last n of each stretch that is not settled.

        Without a -1 nobody knows how far A has come: the last stretch is open.
        """
        expected, following = self.expected, 1
        for row in self.pages("SELECT n FROM text WHERE n > ? GROUP BY n ORDER BY n LIMIT ?", (0,)):
            if expected is not None and row[0] > expected:
                break
            if row[0] > following:
                yield following, row[0] - 1
            following = row[0] + 1
        if expected is None:
            yield following, None
        elif following <= expected:
            yield following, expected

    def missing(self) -> Iterator[int]:
        """Yield each n up to ``expected``, else up to the highest there is, that is not settled."""
        for first, last in self.gaps():
            yield from range(first, first if last is None else last + 1)

    def missing_ranges(self) -> str:
        """Return what is not settled as A takes it, such as ``3,7-12,2000-``: to send again."""
        named: list[str] = []
        for first, last in self.gaps():
            if last is None or len(named) == GAPS_NAMED:
                return ",".join([*named, f"{first}-"])
            named.append(str(first) if first == last else f"{first}-{last}")
        return ",".join(named)

    def in_flight(self) -> list[tuple[Car, str]]:
        """Return the messages that were in flight when an earlier process ended: a bounded few.

        Each with a receipt; a message has one for each of its deliveries.
        """
        with self._disk():
            rows = self.execute("SELECT * FROM in_flight ORDER BY n, key").fetchall()
        return [
            (Car(self._run_id, n, key, etag, size), receipt) for receipt, n, key, etag, size in rows
        ]

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield key and line of each image with text up to ``expected``, in natural order."""
        rows = self.pages(
            "SELECT sort_key, key, n, line FROM text WHERE line IS NOT NULL "
            "AND (sort_key, key, n) > (?, ?, ?) ORDER BY sort_key, key, n LIMIT ?",
            ("", "", 0),
        )
        expected = self.expected or 0
        return ((key, line) for _, key, n, line in rows if n <= expected)

    def rows(self, *, failed: bool = False) -> Iterator[dict[str, Any]]:
        """Yield what came of each image, or of each that failed, by n, as results.jsonl has it."""
        where = "failure IS NOT NULL AND " if failed else ""
        for row in self.pages(
            "SELECT n, key, etag, text, line, failure, at, seconds, region, model FROM text "  # noqa: S608
            f"WHERE {where}(n, key) > (?, ?) ORDER BY n, key LIMIT ?",
            (0, ""),
        ):
            item = dict(row)
            item["text"] = item["text"] and json.loads(item["text"])
            item["failure"] = item["failure"] and json.loads(item["failure"])
            yield item
