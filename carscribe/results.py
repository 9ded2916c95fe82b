"""Merge what the workers wrote into the result of a run, and make its page.

``python -m carscribe.results results/RUN_ID`` reads ``a/`` and ``b/`` in that
folder, as fetched from the hosts, with several pairs also ``a-2/``, ``b-2/``
and so on, and writes beside them ``output.txt`` (of one pair B's, byte for
byte), ``results.jsonl``, ``results.csv``, ``summary.json`` and ``report.html``.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import os
import shutil
import sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from carscribe import CHECKOUT, thumbnails
from carscribe.merging import Merged, Pair, joined
from carscribe.page import write_page
from carscribe.runs import NAME, WORKERS, names_of, pair_of
from carscribe_common.errors import Exit
from carscribe_common.files import replacing, write_json
from carscribe_common.prices import rekognition_usd, transfer_usd
from carscribe_common.rules import escape, result_line
from carscribe_common.settings import PAIRS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

Record = dict[str, Any]
Workers = dict[str, Record | None]
"""The workers' summaries by their hosts' short names, pair by pair; None where there is none."""

CACHE = CHECKOUT / "build" / "thumbnails"

NO_INPUT = 66
"""EX_NOINPUT of sysexits.h."""

COMPLETE = "complete"
COLUMNS = ("key", "car", "car_confidence_percent", "text", "failure")
# Versions of models that are none of Rekognition's: the recognizer's, with what its recorded
# answers about the samples add (images/README.md), and that of an answer of the emulator about
# an image that nobody has looked at.
RECOGNIZER, SAMPLES, NOBODY = "carscribe-recognizer", "-samples", "carscribe-emulator"
STATES = ("failed", "incomplete", "stopped", "running", COMPLETE)


class ResultsError(Exception):
    """The files of a run cannot be merged. Says why and what to do."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def merge(
    run_dir: Path,
    source: thumbnails.Source | None = None,
    cache: Path = CACHE,
    wanted: int = thumbnails.IMAGES_MAX,
    *,
    paid: bool = True,
) -> Record:
    """Write the merged files of a run and its page.

    Args:
        run_dir: holds a folder for each worker, by its short name.
        source: where the page's thumbnails come from; without it the page has none.
        cache: where they are kept for the next time.
        wanted: of how many images there is one, the first ones.
        paid: whether the calls went to AWS; if not, no cost is named.

    Returns:
        The merged summary.

    Raises:
        ResultsError: nothing is there, or a file is damaged.
    """
    names = names_of(_pairs(run_dir))
    if not any((run_dir / name).is_dir() for name in names):
        raise ResultsError(
            f"There is nothing in {run_dir}/a and {run_dir}/b. Fetch the results of a run first.",
            NO_INPUT,
        )
    workers = {name: _summary(run_dir / name) for name in names}
    if len(names) == len(WORKERS):
        _copy_output(run_dir)
    totals = _merge_results(run_dir, workers)
    summary = _merge_summaries(run_dir, workers, totals, paid=paid)
    write_json(run_dir / "summary.json", summary)
    pictures = thumbnails.Thumbnails(source, cache, wanted)
    write_page(run_dir, summary, pictures)
    if pictures.reason:
        log.warning("%s pictures are missing on the page: %s", pictures.missing, pictures.reason)
    return summary


def _pairs(run_dir: Path) -> int:
    """Return how many pairs a run has: as any of its workers says, or left a folder."""
    known = [1]
    for folder in run_dir.glob("[ab]*"):
        if NAME.fullmatch(folder.name):
            known.append(pair_of(folder.name))
            if (said := (_summary(folder) or {}).get("pairs", 1)) in range(1, PAIRS_MAX + 1):
                known.append(said)
    return max(known)


def _by_pair(workers: Workers) -> list[tuple[str, str]]:
    """Return the short names of both workers of each pair."""
    names = [*workers]
    return list(zip(names[::2], names[1::2], strict=True))


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
        os.utime(path, (0, 0))  # so it is not taken for the one on the host
        raise ResultsError(
            f"Line {number} of {path} is damaged. Fetch the results again.", int(Exit.INCOMPLETE)
        )
    return record


@contextmanager
def _output(run_dir: Path, workers: Workers) -> Iterator[IO[str] | None]:
    """Have the output of several pairs written; None with one, whose B has written it."""
    if len(workers) == len(WORKERS):
        yield None
        return
    names = ["output.txt", "output.partial.txt"]
    if _state(*workers.values()) != COMPLETE:
        names.reverse()
    with replacing(run_dir / names[0]) as file:
        yield file
    (run_dir / names[1]).unlink(missing_ok=True)


def _copy_output(run_dir: Path) -> None:
    """Copy B's output; without one there is none, so an old copy goes."""
    theirs, ours = run_dir / "b" / "output.txt", run_dir / "output.txt"
    if not theirs.exists():
        ours.unlink(missing_ok=True)
        return
    temporary = ours.with_name(".output.txt.new")
    shutil.copyfile(theirs, temporary)
    temporary.replace(ours)


def _merge_results(run_dir: Path, workers: Workers) -> dict[str, int]:
    """Write results.jsonl and results.csv, and return the counts of what is in them.

    With several pairs output.txt, too, or what there is of it as output.partial.txt.
    """
    totals = dict.fromkeys(("images", "cars", "with_text", "failed"), 0)
    pairs = [
        Pair(
            pair_of(a),
            read_lines(run_dir / a / "results.jsonl"),
            read_lines(run_dir / b / "results.jsonl"),
            a_is_complete=_state(workers[a]) == COMPLETE,
        )
        for a, b in _by_pair(workers)
    ]
    with (
        joined(pairs, run_dir) as records,
        replacing(run_dir / "results.jsonl") as lines,
        replacing(run_dir / "results.csv") as table,
        _output(run_dir, workers) as output,
    ):
        cells = csv.writer(table, lineterminator="\n")
        cells.writerow(COLUMNS)
        for record in records:
            totals["images"] += 1
            totals["cars"] += record.n is not None
            totals["with_text"] += record.line is not None
            totals["failed"] += record.failure is not None
            lines.write(f"{record.json}\n")
            if output and record.line is not None:
                output.write(f"{result_line(record.key, record.line)}\n")
            cells.writerow(_cells(record))
    return totals


def _cells(record: Merged) -> tuple[str, ...]:
    """Return one image for a spreadsheet, in which no cell is taken for a formula."""
    failure = record.failure or {}
    return (
        _plain(escape(record.key)),
        "" if failure.get("worker") == "a" else ("no" if record.n is None else "yes"),
        "" if record.confidence is None else str(record.confidence),
        _plain(record.line or ""),
        _plain(escape(str(failure.get("reason") or ""))),
    )


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _summary(folder: Path) -> Record | None:
    path = folder / "summary.json"
    return _parsed(path.read_text(encoding="utf-8"), path, 1) if path.exists() else None


def _state(*summaries: Record | None) -> str:
    """Return what a run has come to: what its worst part has come to."""
    states = {summary["state"] if summary else "incomplete" for summary in summaries}
    return next((state for state in STATES if state in states), "failed")


def _merge_summaries(
    run_dir: Path, workers: Workers, totals: dict[str, int], *, paid: bool
) -> Record:
    known = [summary for summary in workers.values() if summary]
    cost = rekognition_usd(sum(s.get("billed_calls", 0) for s in known))
    cost = round(cost + sum(map(_transfer_usd, known)), 6)
    if not paid:
        for summary in known:
            summary["estimated_cost_usd"] = None
    return {
        "run_id": next((summary["run_id"] for summary in known), run_dir.name),
        "state": _state(*workers.values()),
        **_parts(workers),
        "totals": {
            **totals,
            "seconds": _seconds(known),
            "estimated_cost_usd": cost if paid else None,
            "recognized_by": _recognized_by(known, paid=paid),
        },
    }


def _transfer_usd(summary: Record) -> float:
    """Return what it cost that pictures left the bucket's own region, which is the first one."""
    home = next(iter(summary.get("regions", ())), "")
    return transfer_usd(summary.get("transferred_bytes", 0), home)


def _parts(workers: Workers) -> Record:
    """Return both workers' summaries, or a list of each pair's."""
    parts = [{"worker_a": workers[a], "worker_b": workers[b]} for a, b in _by_pair(workers)]
    if len(parts) == 1:
        return parts[0]
    return {
        "pairs": [
            {"pair": number, "state": _state(*part.values()), **part}
            for number, part in enumerate(parts, 1)
        ]
    }


def _recognized_by(summaries: list[Record], *, paid: bool) -> list[str]:
    """Say whose answers these are, by the versions of the models that gave them."""
    models = {answer.partition(" ")[2] for s in summaries for answer in s.get("answers", ())}
    return sorted(_who(model, paid=paid) for model in models)


def _who(model: str, *, paid: bool) -> str:
    if model == NOBODY:
        return "nobody"
    if model.startswith(RECOGNIZER):
        if model.endswith(SAMPLES):
            by = model.removesuffix(SAMPLES)
            return f"recorded answers of {by}, a few fields of them set by hand"
        return f"the recognizer, {model}"
    return f"Rekognition, model {model}" if paid else f"Rekognition, model {model}, recorded"


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
    parser.add_argument(
        "--thumbnails",
        type=int,
        default=thumbnails.IMAGES_MAX,
        help="of how many images there is one, the first ones",
    )
    parser.add_argument("--unpaid", action="store_true", help="the calls did not go to AWS")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    try:
        source = _source(arguments)
        merge(arguments.run_dir, source, wanted=arguments.thumbnails, paid=not arguments.unpaid)
    except ResultsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        print(
            f"What lies in {arguments.run_dir}/a and b is not what workers write ({error!r}): fetch "
            "it again, and if it stays so, somebody else has changed it on a host.",
            file=sys.stderr,
        )
        return int(Exit.INCOMPLETE)
    except BotoCoreError as error:
        print(f"{error} Set the AWS_ variables, or leave --bucket out.", file=sys.stderr)
        return int(Exit.DENIED)
    except OSError as error:
        print(f"Cannot write the results: {error}.", file=sys.stderr)
        return int(Exit.DISK)
    return 0


if __name__ == "__main__":
    sys.exit(main())
