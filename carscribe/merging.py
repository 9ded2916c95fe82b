"""Join what pairs of workers wrote of the same images, however many, on disk.

All files go into one SQLite database in the run's folder, which is removed
again; what is read from it is joined, counted and in natural order. So memory
does not grow with the number of images.
"""

from __future__ import annotations

import errno
import json
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from carscribe_common.rules import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

Record = dict[str, Any]

NAME = ".merge.sqlite3"

# Keys are bytes: an S3 key may hold what SQLite's text cannot, and bytes of
# UTF-8 sort by code point. The other columns are JSON as it is written.
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE a (
    pair INTEGER, key BLOB, sort_key BLOB, etag BLOB, n INTEGER, car BLOB, confidence REAL,
    failure BLOB, call BLOB
);
CREATE TABLE b (
    pair INTEGER, key BLOB, etag BLOB, n INTEGER, text BLOB, line BLOB, failure BLOB, call BLOB,
    PRIMARY KEY (n, key) ON CONFLICT REPLACE
);
"""
_NUMBERS = "CREATE INDEX a_n ON a (n, pair) WHERE n IS NOT NULL"
_STRAYS = """
INSERT INTO a (pair, key, sort_key, etag, n, car, failure, call)
SELECT pair, key, natural_key(key), etag, n, 'null', 'null', 'null' FROM b WHERE pair = ?
AND NOT EXISTS (SELECT * FROM a WHERE a.n = b.n AND a.pair = b.pair)
"""
_ORDER = "CREATE INDEX a_order ON a (sort_key, key)"
_JOINED = """
SELECT a.pair, a.key, a.etag, a.n, a.car, a.confidence, b.text, b.line, a.failure, b.failure,
    a.call, b.call
FROM a LEFT JOIN b ON b.n = a.n AND b.key = a.key ORDER BY a.sort_key, a.key
"""

_OF_A = {"key", "etag", "n", "car", "failure"}
_OF_B = {"key", "etag", "n", "text", "line", "failure"}


class Pair(NamedTuple):
    """What a pair of workers wrote.

    Attributes:
        number: of the pair.
        a: worker A's records.
        b: worker B's; one is A's if ``n`` and key are the same.
        a_is_complete: whether what B has beside A came from messages that A
            never sent; else it is shown too.
    """

    number: int
    a: Iterable[Record]
    b: Iterable[Record]
    a_is_complete: bool


class Merged(NamedTuple):
    """One image as both workers of its pair saw it.

    Attributes:
        json: the record as it stands in results.jsonl.
        key: of the image.
        n: of the image, if it has a car.
        confidence: of the car in percent, if the label was there at all.
        line: as in output.txt; None without text.
        failure: ``worker``, ``reason`` and ``detail``, if it failed.
    """

    json: str
    key: str
    n: int | None
    confidence: float | None
    line: str | None
    failure: Record | None


@contextmanager
def joined(pairs: Sequence[Pair], folder: Path) -> Iterator[Iterator[Merged]]:
    """Join the workers' records of all pairs, in the natural order of their keys.

    Args:
        pairs: of the run.
        folder: where the database may be.
    """
    path = folder / NAME
    path.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.executescript(_SCHEMA)
            # What it sorts may be more than /tmp holds.
            database.execute(f"PRAGMA temp_store_directory = '{_quoted(folder)}'")
            database.create_function("natural_key", 1, _natural, deterministic=True)
            for number, a, b, _ in pairs:
                _insert(database, "a", 9, ((number, *_row_of_a(record)) for record in a))
                _insert(database, "b", 8, ((number, *_row_of_b(record)) for record in b))
            if halves := [(pair.number,) for pair in pairs if not pair.a_is_complete]:
                database.execute(_NUMBERS)
                database.executemany(_STRAYS, halves)
            database.execute(_ORDER)
            try:
                yield map(_merged, database.execute(_JOINED))
            finally:
                database.execute("PRAGMA temp_store_directory = ''")
    except sqlite3.Error as error:
        raise OSError(errno.EIO, f"SQLite cannot sort the results ({error})", str(path)) from error
    finally:
        path.unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("'", "''")


def _insert(
    database: sqlite3.Connection, table: str, columns: int, rows: Iterable[tuple[Any, ...]]
) -> None:
    marks = ", ".join("?" * columns)
    database.execute("BEGIN")
    database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 # both are ours
    database.execute("COMMIT")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _natural(key: bytes) -> bytes:
    return _bytes(natural_key(key.decode("utf-8", "surrogatepass"))[0])


def _json(value: Any) -> bytes:
    # A lone surrogate becomes \\udXXX, which is what JSON means by it.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _call(record: Record, known: set[str]) -> bytes:
    """Return when and how the image was asked about, with whatever a worker may add to it."""
    return _json({name: value for name, value in record.items() if name not in known})


def _row_of_a(record: Record) -> tuple[Any, ...]:
    key, car = record["key"], record["car"]
    return (
        *(_bytes(key), _bytes(natural_key(key)[0]), _json(record["etag"]), record["n"]),
        *(_json(car), car["confidence"] if car else None),
        *(_json(record["failure"]), _call(record, _OF_A)),
    )


def _row_of_b(record: Record) -> tuple[Any, ...]:
    line = record["line"]
    return (
        *(_bytes(record["key"]), _json(record["etag"]), record["n"], _json(record["text"])),
        *(None if line is None else _bytes(line), _json(record["failure"]), _call(record, _OF_B)),
    )


def _merged(row: tuple[Any, ...]) -> Merged:
    pair, key, etag, n, car, confidence, text, line, failed_a, failed_b, call_a, call_b = row
    failure: Record | None = None
    for worker, failed in (("a", failed_a), ("b", failed_b)):
        if failed and failed not in (b"null", "null"):
            failure = {"worker": worker, **json.loads(failed)}
    name = key.decode("utf-8", "surrogatepass")
    said = None if line is None else line.decode("utf-8", "surrogatepass")
    record = (
        f'{{"key": {_text(_json(name))}, "etag": {_text(etag)}, "pair": {pair}, '
        f'"n": {json.dumps(n)}, "car": {_text(car)}, "text": {_text(text)}, "line": {_text(_json(said))}, '
        f'"failure": {_text(_json(failure))}, "a": {_text(call_a)}, "b": {_text(call_b)}}}'
    )
    return Merged(record, name, n, confidence, said, failure)


def _text(value: bytes | str | None) -> str:
    if value is None:
        return "null"
    return value if isinstance(value, str) else value.decode("utf-8")
