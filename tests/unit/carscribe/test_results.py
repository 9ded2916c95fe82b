"""Merging what two workers wrote."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from carscribe import results
from carscribe_common import rules
from emulator.rekognition.labels import detect_labels
from tests.browser import runs

if TYPE_CHECKING:
    from pathlib import Path

PATHS = (runs.IMAGES.parent, runs.IMAGES.parent / "common")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run over the sample images."""
    folder = tmp_path / "run-1"
    runs.write_run(folder, *runs.sample_run(["10.jpg", "9.jpg", "1.jpg", "4.jpg", "3.jpg"], 10))
    return folder


def merged(folder: Path) -> list[dict[str, Any]]:
    """Return the merged records."""
    text = (folder / "results.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def change(path: Path, **values: Any) -> None:
    """Change values of a summary."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_output_is_that_of_b_byte_for_byte(run: Path) -> None:
    """output.txt is B's, whatever bytes it holds."""
    odd = b"1.jpg: a\\u2028b\r\n\xff\n"
    (run / "b" / "output.txt").write_bytes(odd)
    results.merge(run)
    assert (run / "output.txt").read_bytes() == odd


def test_old_output_goes_when_b_has_none(run: Path) -> None:
    """A run that goes on has no output yet, and none of the time before is left."""
    (run / "b" / "output.txt").unlink()
    results.merge(run)
    assert not (run / "output.txt").exists()


def test_records_are_in_natural_order(run: Path) -> None:
    """10.jpg comes after 9.jpg, whatever order A looked in."""
    assert [r["key"] for r in merged(run)] == ["1.jpg", "3.jpg", "4.jpg", "9.jpg", "10.jpg"]


def test_car_has_what_both_workers_found(run: Path) -> None:
    """A merged record joins A's car with B's text by their n."""
    record = merged(run)[0]
    assert record["car"]["confidence"] == 98.9519
    assert record["line"] == "SBR8167"
    assert [t["text"] for t in record["text"] if t["type"] == "LINE"] == ["SBR8167"]
    assert record["a"].keys() == record["b"].keys() == {"at", "seconds"}
    assert record["failure"] is None


def test_image_without_car_has_nothing_of_b(run: Path) -> None:
    """What B never saw has no text, no line and no time of B's."""
    record = merged(run)[2]
    assert record["key"] == "4.jpg"
    assert record["car"]["confidence"] == 90.0
    assert (record["n"], record["text"], record["line"], record["b"]) == (None, None, None, None)


@pytest.mark.parametrize("worker", ["a", "b"])
def test_failure_names_its_worker(tmp_path: Path, worker: str) -> None:
    """An image that failed says with which worker, and why."""
    failure = {"reason": "gone", "detail": "NoSuchKey"}
    a = [runs.image("1.jpg", 1.0, 0.1, n=1, car=runs.car(99))]
    b = [runs.reading(a[0], [], 2.0, 0.1) | {"text": None}]
    (a if worker == "a" else b)[0]["failure"] = failure
    runs.write_run(tmp_path / "run", a, b)
    assert merged(tmp_path / "run")[0]["failure"] == {"worker": worker, **failure}
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["totals"]["failed"] == 1


def test_totals_count_what_is_in_the_files(run: Path) -> None:
    """The totals are counts of the merged records, and the sums of both summaries."""
    totals = json.loads((run / "summary.json").read_text())["totals"]
    counted = {name: totals[name] for name in ("images", "cars", "with_text", "failed")}
    assert counted == {"images": 5, "cars": 3, "with_text": 3, "failed": 0}
    assert totals["estimated_cost_usd"] == pytest.approx(0.008)


def test_what_left_the_region_is_in_the_cost(run: Path) -> None:
    """Both workers', at two cents a gigabyte from the bucket's region, beside the calls."""
    for name, sent in (("a", 10**9), ("b", 2 * 10**9)):
        regions = {"us-east-1": "in use", "sa-east-1": "in use"}
        change(run / name / "summary.json", regions=regions, transferred_bytes=sent)
    assert results.merge(run)["totals"]["estimated_cost_usd"] == pytest.approx(0.068)


def test_no_cost_is_named_where_nothing_was_paid(run: Path) -> None:
    """Calls to an emulator cost nothing, neither in all nor by worker."""
    summary = results.merge(run, paid=False)
    found = (summary["totals"], summary["worker_a"], summary["worker_b"])
    assert [part["estimated_cost_usd"] for part in found] == [None, None, None]


def test_the_samples_answers_are_named_as_what_they_are(run: Path) -> None:
    """Recorded, and in a few fields set by hand: so images/README.md has it."""
    answers = json.loads((runs.IMAGES / "answers/4.jpg.json").read_text())
    version = answers["DetectLabels"]["LabelModelVersion"]
    change(run / "a/summary.json", answers={f"us-east-1 {version}": 10})
    assert results.merge(run, paid=False)["totals"]["recognized_by"] == [
        "recorded answers of carscribe-recognizer-1, a few fields of them set by hand"
    ]


@pytest.mark.parametrize(
    ("paid", "named"),
    [
        (True, ["Rekognition, model 3.0", "the recognizer, carscribe-recognizer-1"]),
        (
            False,
            ["Rekognition, model 3.0, recorded", "the recognizer, carscribe-recognizer-1"],
        ),
    ],
)
def test_who_recognized_is_named(run: Path, named: list[str], *, paid: bool) -> None:
    """By the versions of the models that both workers were answered by, each once."""
    change(run / "a/summary.json", answers={"us-east-1 3.0": 4, "us-west-2 3.0": 1})
    change(run / "b/summary.json", answers={"us-east-1 carscribe-recognizer-1": 3})
    assert results.merge(run, paid=paid)["totals"]["recognized_by"] == named


def test_nobody_is_who_recognized_what_has_no_answer(run: Path) -> None:
    """The emulator's answer about an image that nobody has looked at is told from all others."""
    nothing = detect_labels({}, {})["LabelModelVersion"]
    change(run / "a/summary.json", answers={f"us-east-1 {nothing}": 5})
    assert results.merge(run)["totals"]["recognized_by"] == ["nobody"]


def test_duration_is_from_the_first_start_to_the_last_end(run: Path) -> None:
    """Two workers at once are not counted twice."""
    day = "2026-03-03T10:00:"
    change(run / "a/summary.json", started_at=f"{day}00+00:00", ended_at=f"{day}20+00:00")
    change(run / "b/summary.json", started_at=f"{day}01+00:00", ended_at=f"{day}21.5+00:00")
    assert results.merge(run)["totals"]["seconds"] == 21.5


@pytest.mark.parametrize(
    ("a", "b", "whole"),
    [
        ("complete", "complete", "complete"),
        ("complete", "running", "running"),
        ("stopped", "running", "stopped"),
        ("complete", "incomplete", "incomplete"),
        ("failed", "complete", "failed"),
    ],
)
def test_state_is_that_of_the_worse_half(run: Path, a: str, b: str, whole: str) -> None:
    """A run is complete only if both workers are."""
    change(run / "a/summary.json", state=a)
    change(run / "b/summary.json", state=b)
    assert results.merge(run)["state"] == whole


def test_run_without_b_is_incomplete(run: Path) -> None:
    """What A found is shown though nothing came from B."""
    for file in (run / "b").iterdir():
        file.unlink()
    (run / "b").rmdir()
    summary = results.merge(run)
    assert (summary["state"], summary["worker_b"]) == ("incomplete", None)
    assert merged(run)[0]["key"] == "1.jpg"


def test_texts_are_kept_when_nothing_came_from_a(run: Path) -> None:
    """What B read is not lost though A's host is gone."""
    for file in (run / "a").iterdir():
        file.unlink()
    assert results.merge(run)["totals"]["with_text"] == 3
    first = merged(run)[0]
    assert (first["key"], first["car"], first["a"]) == ("1.jpg", None, None)


def test_stray_message_takes_no_place_in_a_complete_run(run: Path) -> None:
    """A reading under an n of A's but another key, or beyond A's last, is none of the run's."""
    path = run / "b" / "results.jsonl"
    first = json.loads(path.read_text().splitlines()[0])
    strays = [first | {"key": "stray.jpg", "line": "no"}, first | {"n": 99, "key": "late.jpg"}]
    lines = "".join(json.dumps(stray) + "\n" for stray in strays)
    path.write_text(lines[: lines.index("\n") + 1] + path.read_text() + lines)
    results.merge(run)
    assert "no" not in [r["line"] for r in merged(run)]
    assert len(merged(run)) == 5


def test_what_is_merged_on_disk_is_removed(run: Path) -> None:
    """The database is gone after a merge, and one that was killed is no hindrance to the next."""
    (run / ".merge.sqlite3").write_bytes(b"cut off")
    results.merge(run)
    assert not [path for path in run.iterdir() if path.name.startswith(".")]


def test_what_a_worker_adds_is_kept(run: Path) -> None:
    """A field that is new in a worker's records stands beside when and how long."""
    path = run / "b" / "results.jsonl"
    records = [json.loads(line) | {"region": "eu-west-1"} for line in path.open()]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    results.merge(run)
    assert merged(run)[0]["b"]["region"] == "eu-west-1"


@pytest.mark.parametrize("key", ["\ud800.jpg", "nul\x00.jpg", "ü 🚗.jpg", 'a"b\\c.jpg'])
def test_any_key_comes_out_as_it_went_in(tmp_path: Path, key: str) -> None:
    """Lone surrogates, NULs, quotes and signs of any plane."""
    a = [runs.image(key, 1.0, 0.1, n=1, car=runs.car(99)), runs.image("0.jpg", 2.0, 0.1)]
    runs.write_run(tmp_path / "run", a, [runs.reading(a[0], [], 2.0, 0.1)])
    assert [record["key"] for record in merged(tmp_path / "run")] == ["0.jpg", key]


def test_order_is_that_of_output(tmp_path: Path) -> None:
    """Natural order, and by code point where numbers are equal, as the lines of output.txt."""
    keys = ["b.jpg", "a10.jpg", "a9.jpg", "a09.jpg", "ä.jpg", "🚗.jpg", "\uffee.jpg", "A.jpg"]
    a = [runs.image(key, 1.0, 0.1) for key in keys]
    runs.write_run(tmp_path / "run", a, [])
    found = [record["key"] for record in merged(tmp_path / "run")]
    assert found == sorted(keys, key=rules.natural_key)


def test_a_table_for_spreadsheets_has_every_image(tmp_path: Path) -> None:
    """results.csv: cars, texts and failures; no cell that a spreadsheet would run as a formula."""
    failure = {"reason": "gone", "detail": "NoSuchKey"}
    a = [
        runs.image("=1+1.jpg", 1.0, 0.1, n=1, car=runs.car(98.765)),
        runs.image('b,"c".jpg', 1.1, 0.1, car=runs.car(90.0)),
        runs.image("d.jpg", 1.2, 0.1, failure=failure),
        runs.image("e\n.jpg", 1.3, 0.1),
    ]
    text = [runs.line(0, "=HYPERLINK(1)", 99.0, (0.1, 0.1, 0.1, 0.1))]
    runs.write_run(tmp_path / "run", a, [runs.reading(a[0], text, 2.0, 0.1)])
    with (tmp_path / "run" / "results.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["key", "car", "car_confidence_percent", "text", "failure"],
            ["'=1+1.jpg", "yes", "98.765", "'=HYPERLINK(1)", ""],
            ['b,"c".jpg', "no", "90.0", "", ""],
            ["d.jpg", "", "", "", "gone"],
            ["e\\u000a.jpg", "no", "", "", ""],
        ]


def test_merging_twice_gives_the_same(run: Path) -> None:
    """Merging again changes nothing."""
    names = ("output.txt", "results.jsonl", "results.csv", "summary.json", "report.html")
    before = [(run / name).read_bytes() for name in names]
    results.merge(run)
    assert [(run / name).read_bytes() for name in names] == before


def test_empty_run_has_empty_results(tmp_path: Path) -> None:
    """A run over an empty bucket gives empty files and a page, and is complete."""
    runs.write_run(tmp_path / "run", [], [])
    assert (tmp_path / "run" / "results.jsonl").read_bytes() == b""
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["totals"]["images"] == 0
    assert summary["state"] == "complete"


NAMES = ["10.jpg", "9.jpg", "1.jpg", "4.jpg", "3.jpg", "2.jpg", "7.jpg", "6.jpg"]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A run of two pairs over sample images."""
    runs.write_run_of_two(tmp_path / "run-1", *runs.sample_run(NAMES, 10))
    return tmp_path / "run-1"


def without_pairs(folder: Path) -> list[dict[str, Any]]:
    """Return the merged records without what pairs number for themselves."""
    return [record | {"pair": None, "n": bool(record["n"])} for record in merged(folder)]


def test_two_pairs_give_what_one_gives(pairs: Path, tmp_path: Path) -> None:
    """output.txt and the table byte for byte, the records but for pair and number."""
    one = tmp_path / "one" / "run-1"
    runs.write_run(one, *runs.sample_run(NAMES, 10))
    for name in ("output.txt", "results.csv"):
        assert (pairs / name).read_bytes() == (one / name).read_bytes()
    assert (pairs / "output.txt").read_bytes().count(b"\n") > 2
    assert without_pairs(pairs) == without_pairs(one)
    assert [record["pair"] for record in merged(pairs)] == [1, 2, 1, 2, 2, 1, 2, 1]
    assert {record["pair"] for record in merged(one)} == {1}
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in (pairs, one)]
    of_two, of_one = (summary["totals"] for summary in summaries)
    assert of_two == of_one
    assert not (pairs / "output.partial.txt").exists()


def test_texts_of_any_kind_stand_in_the_output_of_two_pairs_as_b_writes_them(
    tmp_path: Path,
) -> None:
    """Colons, bars, backslashes and surrogates in keys and texts are escaped in the same way."""
    a = [runs.image(key, 1.0, 0.1, n=1, car=runs.car(99)) for key in ("a: b.jpg", "\ud800\\.jpg")]
    b = [runs.reading(one, [runs.line(0, "x|y\u2028", 99, (0, 0, 1, 1))], 2, 1) for one in a]
    runs.write_run_of_two(tmp_path / "run", a, b)
    theirs = b"".join((tmp_path / "run" / n / "output.txt").read_bytes() for n in ("b", "b-2"))
    assert (tmp_path / "run" / "output.txt").read_bytes() == theirs
    assert len(theirs.splitlines()) == 2


@pytest.mark.parametrize("left", ["a-2", "b-2", "b"])
def test_output_is_partial_while_a_pair_is_incomplete(pairs: Path, left: str) -> None:
    """What there is has another name, and the state of each pair is told; then it is whole."""
    whole = (pairs / "output.txt").read_bytes()
    change(pairs / left / "summary.json", state="stopped", reason="It was stopped.")
    (pairs / left / "results.jsonl").rename(pairs / "kept")
    summary = results.merge(pairs)
    assert summary["state"] == "stopped"
    number = int(left.endswith("2"))
    assert summary["pairs"][number]["state"] == "stopped"
    assert summary["pairs"][1 - number]["state"] == "complete"
    assert not (pairs / "output.txt").exists()
    lines = (pairs / "output.partial.txt").read_bytes().splitlines()
    assert lines
    assert set(lines) <= set(whole.splitlines())
    (pairs / "kept").rename(pairs / left / "results.jsonl")
    change(pairs / left / "summary.json", state="complete")
    results.merge(pairs)
    assert (pairs / "output.txt").read_bytes() == whole
    assert not (pairs / "output.partial.txt").exists()


def test_a_pair_of_which_nothing_came_is_incomplete(pairs: Path) -> None:
    """Its number is known from the others' summaries; a number that no pair has is not believed."""
    for name in ("a-2", "b-2"):
        shutil.rmtree(pairs / name)
    change(pairs / "a" / "summary.json", pairs=2)
    summary = results.merge(pairs)
    nothing = {"pair": 2, "state": "incomplete", "worker_a": None, "worker_b": None}
    assert summary["pairs"][1] == nothing
    assert summary["state"] == "incomplete"
    assert (pairs / "output.partial.txt").exists()
    change(pairs / "a" / "summary.json", pairs=17)
    assert "pairs" not in results.merge(pairs)


def test_strays_are_told_by_pair(pairs: Path) -> None:
    """An n that another pair has numbered says nothing of this one's; none is taken for both."""
    images = len(merged(pairs))
    for name in ("a-2",):
        (pairs / name / "results.jsonl").write_text("")
        change(pairs / name / "summary.json", state="failed")
    of_b = [json.loads(line)["key"] for line in (pairs / "b-2" / "results.jsonl").open()]
    of_a = [json.loads(line)["key"] for line in (pairs / "a" / "results.jsonl").open()]
    results.merge(pairs)
    assert sorted(record["key"] for record in merged(pairs)) == sorted([*of_a, *of_b])
    assert 0 < len(of_b) < images / 2


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as the Makefile does."""
    line = [sys.executable, "-m", "carscribe.results", *map(str, arguments)]
    root = runs.IMAGES.parent
    return subprocess.run(
        line,
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS))},
    )


def test_command_says_that_nothing_is_there(tmp_path: Path) -> None:
    """Without fetched results there is one sentence and exit code 66."""
    done = command(tmp_path)
    assert done.returncode == 66
    assert done.stderr == (
        f"There is nothing in {tmp_path}/a and {tmp_path}/b. Fetch the results of a run first.\n"
    )


def test_command_names_a_damaged_line(run: Path) -> None:
    """A file that was cut off is named with its line, and exit code 65."""
    path = run / "a" / "results.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    done = command(run)
    assert done.returncode == 65
    assert done.stderr == f"Line 5 of {path} is damaged. Fetch the results again.\n"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a/results.jsonl", "{}"),
        ("a/results.jsonl", '{"key": 7, "car": null, "etag": "", "n": null, "failure": null}'),
        ("b/results.jsonl", '{"key": "1.jpg", "etag": "", "n": 1, "text": [], "line": 1}'),
        ("a/results.jsonl", "[" * 100_000),
        ("a/summary.json", '{"run_id": "x"}'),
        ("b/summary.json", '{"state": "complete", "started_at": "yesterday"}'),
    ],
)
def test_command_names_what_no_worker_writes(run: Path, file: str, text: str) -> None:
    """A host that was taken over may send anything: it is a sentence and no traceback."""
    (run / file).write_text(f"{text}\n")
    done = command(run)
    assert done.returncode == 65
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_command_merges(run: Path) -> None:
    """The command line writes its files and says nothing."""
    for name in ("output.txt", "results.jsonl", "results.csv", "summary.json", "report.html"):
        (run / name).unlink()
    done = command(run, "--images", runs.IMAGES)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    expected = (run / "b" / "output.txt").read_bytes()
    assert (run / "output.txt").read_bytes() == expected
    assert b"data:image/webp" in (run / "report.html").read_bytes()


MERGE = """
import json, pathlib, resource, sys
from carscribe.merging import Pair, joined
n = int(sys.argv[1])
car = {"confidence": 97.5, "instances": []}
a = ({"key": f"{i * 7919 % n}-{i}.jpg", "etag": "e", "n": i + 1, "car": car, "failure": None, "at": 1.0}
     for i in range(n))
b = ({"key": f"{i * 7919 % n}-{i}.jpg", "etag": "e", "n": i + 1, "text": ["x" * 300], "line": "x" * 300,
      "failure": None, "at": 1.0} for i in range(n))
with joined([Pair(1, a, b, a_is_complete=True)], pathlib.Path(sys.argv[2])) as records:
    assert sum(record.line is not None for record in records) == n
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    """Forty thousand images take hardly more memory than four hundred."""
    peaks = []
    for images in (400, 40_000):
        done = subprocess.run(
            [sys.executable, "-c", MERGE, str(images), str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS))},
        )
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 12_000, "KiB; the records themselves are 40,000"
