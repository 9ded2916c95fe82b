"""Merge what the two workers wrote into the result of a run, and make its page.

``python -m carscribe.results results/RUN_ID`` reads ``a/`` and ``b/`` in that
folder, as fetched from the hosts, and writes beside them ``output.txt`` (B's,
byte for byte), ``results.jsonl``, ``summary.json`` and ``report.html``.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from carscribe import sorting, thumbnails
from carscribe.report import write_report
from carscribe_common.errors import Exit
from carscribe_common.files import replacing, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

Record = dict[str, Any]

CACHE = Path(__file__).parents[1] / "build" / "thumbnails"

NO_INPUT = 66
"""EX_NOINPUT of sysexits.h."""

# What a run has come to is what its worse half has come to.
STATES = ("failed", "incomplete", "stopped", "running", "complete")


class ResultsError(Exception):
    """The files of a run cannot be merged. Says why and what to do."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def merge(run_dir: Path, source: thumbnails.Source | None = None, cache: Path = CACHE) -> Record:
    """Write the merged files of a run and its page.

    Args:
        run_dir: holds ``a/`` and ``b/``.
        source: where the page's thumbnails come from; without it the page has none.
        cache: where they are kept for the next time.

    Returns:
        The merged summary.

    Raises:
        ResultsError: nothing is there, or a file is damaged.
    """
    if not any((run_dir / worker).is_dir() for worker in "ab"):
        raise ResultsError(
            f"There is nothing in {run_dir}/a and {run_dir}/b. Fetch the results of a run first.",
            NO_INPUT,
        )
    _copy_output(run_dir)
    totals = _merge_results(run_dir)
    summary = _merge_summaries(run_dir, totals)
    write_json(run_dir / "summary.json", summary)
    pictures = thumbnails.Thumbnails(source, cache)
    write_report(run_dir, summary, pictures)
    if pictures.reason:
        log.warning("%s pictures are missing on the page: %s", pictures.missing, pictures.reason)
    return summary


def read_lines(path: Path) -> Iterator[Record]:
    """Return the records of a file of JSON lines; none if there is no such file.

    Raises:
        ResultsError: a line is no JSON object.
    """
    if path.exists():
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                yield _parsed(line, path, number)


def _parsed(line: str, path: Path, number: int) -> Record:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise ResultsError(
            f"Line {number} of {path} is damaged. Fetch the results again.", int(Exit.INCOMPLETE)
        )
    return record


def _copy_output(run_dir: Path) -> None:
    """Copy B's output; without one there is none, so an old copy goes."""
    theirs, ours = run_dir / "b" / "output.txt", run_dir / "output.txt"
    if not theirs.exists():
        ours.unlink(missing_ok=True)
        return
    temporary = ours.with_name(".output.txt.new")
    shutil.copyfile(theirs, temporary)
    temporary.replace(ours)


def _merge_results(run_dir: Path) -> dict[str, int]:
    """Write results.jsonl and return the counts of what is in it.

    A's records are sorted, in parts if there are many; B's are looked up in
    their file, of which only the place of each ``n`` is remembered.
    """
    totals = dict.fromkeys(("images", "cars", "with_text", "failed"), 0)
    with ExitStack() as stack:
        texts = Texts(run_dir / "b" / "results.jsonl", stack)
        joined = _joined(run_dir / "a", texts)
        merged = stack.enter_context(replacing(run_dir / "results.jsonl"))
        for record in sorting.by_key(joined, run_dir, stack):
            both = _both(record, texts.find(record))
            totals["images"] += 1
            totals["cars"] += both["n"] is not None
            totals["with_text"] += both["line"] is not None
            totals["failed"] += both["failure"] is not None
            json.dump(both, merged, ensure_ascii=False)
            merged.write("\n")
    return totals


class Texts:
    """B's records, found by their ``n`` in the file.

    An ``n`` can have more than one: a message that A never sent may have
    claimed it for another key.
    """

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._places: dict[int, list[int]] = {}
        if path.exists():
            self._file = stack.enter_context(path.open("rb"))
            place = 0
            for number, line in enumerate(self._file, 1):
                n = _parsed(line.decode("utf-8"), path, number)["n"]
                self._places.setdefault(n, []).append(place)
                place += len(line)

    def find(self, record: Record) -> Record | None:
        """Return B's record of an image of A's."""
        found = None
        for place in self._places.get(record["n"], ()):
            if self._file is not None:
                self._file.seek(place)
                candidate = json.loads(self._file.readline())
                if candidate["key"] == record["key"]:
                    found = candidate
        return found

    def beside(self, known: set[int]) -> Iterator[Record]:
        """Return the records of images that A's file does not know."""
        return (record for record in read_lines(self._path) if record["n"] not in known)


def _joined(folder: Path, texts: Texts) -> Iterator[Record]:
    """Return A's records, then those of B that A's files do not have yet.

    What B has beside a complete A came from messages that A never sent.
    """
    known = set()
    for record in read_lines(folder / "results.jsonl"):
        if record["n"] is not None:
            known.add(record["n"])
        yield record
    if (_summary(folder) or {"state": "missing"})["state"] != "complete":
        nothing = dict.fromkeys(("car", "failure", "at", "seconds"))
        for record in texts.beside(known):
            yield {name: record[name] for name in ("key", "etag", "n")} | nothing


def _both(a: Record, b: Record | None) -> Record:
    """Return one image as both workers saw it."""
    failure = None
    for worker, record in (("a", a), ("b", b)):
        if record and record["failure"]:
            failure = {"worker": worker, **record["failure"]}
    return {
        "key": a["key"],
        "etag": a["etag"],
        "n": a["n"],
        "car": a["car"],
        "text": b["text"] if b else None,
        "line": b["line"] if b else None,
        "failure": failure,
        "a": None if a["at"] is None else {"at": a["at"], "seconds": a["seconds"]},
        "b": {"at": b["at"], "seconds": b["seconds"]} if b else None,
    }


def _summary(folder: Path) -> Record | None:
    path = folder / "summary.json"
    return _parsed(path.read_text(encoding="utf-8"), path, 1) if path.exists() else None


def _merge_summaries(run_dir: Path, totals: dict[str, int]) -> Record:
    workers = {worker: _summary(run_dir / worker) for worker in "ab"}
    known = [summary for summary in workers.values() if summary]
    states = {summary["state"] for summary in known}
    if len(known) < len(workers):
        states.add("incomplete")
    return {
        "run_id": next((summary["run_id"] for summary in known), run_dir.name),
        "state": next((state for state in STATES if state in states), "failed"),
        "worker_a": workers["a"],
        "worker_b": workers["b"],
        "totals": {
            **totals,
            "seconds": _seconds(known),
            "estimated_cost_usd": round(sum(s.get("estimated_cost_usd", 0) for s in known), 6),
        },
    }


def _seconds(summaries: list[Record]) -> float | None:
    """Return the time from the first worker's start to the last one's end."""
    starts = [datetime.fromisoformat(summary["started_at"]) for summary in summaries]
    ends = [datetime.fromisoformat(s["ended_at"]) for s in summaries if s["ended_at"]]
    if not starts or len(ends) < len(starts):
        return None
    return round(max((max(ends) - min(starts)).total_seconds(), 0.0), 3)


def _source(arguments: argparse.Namespace) -> thumbnails.Source | None:
    if arguments.images:
        return thumbnails.from_folder(arguments.images)
    if arguments.bucket:
        config = Config(
            connect_timeout=5,
            read_timeout=20,
            max_pool_connections=thumbnails.AT_ONCE,
            retries={"mode": "standard", "total_max_attempts": 3},
        )
        return thumbnails.from_bucket(boto3.client("s3", config=config), arguments.bucket)
    return None


def main() -> int:
    """Merge the results of one run."""
    parser = argparse.ArgumentParser(description="Merge the results of a run and make its page.")
    parser.add_argument("run_dir", type=Path, help="the folder that holds a/ and b/")
    parser.add_argument("--bucket", help="make the thumbnails from the images in this bucket")
    parser.add_argument("--images", type=Path, help="make the thumbnails from this folder instead")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    try:
        merge(arguments.run_dir, _source(arguments))
    except ResultsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BotoCoreError as error:
        print(f"{error} Set the AWS_ variables, or leave --bucket out.", file=sys.stderr)
        return int(Exit.DENIED)
    except OSError as error:
        print(f"Cannot write the results: {error}.", file=sys.stderr)
        return int(Exit.DISK)
    return 0


if __name__ == "__main__":
    sys.exit(main())
