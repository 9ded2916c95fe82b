"""The benchmark itself, small: that it runs, counts and memory. No absolute time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.harness import ROOT, environment

if TYPE_CHECKING:
    from pathlib import Path

PROMISES = [
    *("0", "1a", "1b", "1c", "2", "3", "4", "5", "6a", "6b", "7a", "7b", "8a", "8b", "9", "10"),
    *("11a", "11b", "12a", "12b", "13", "14a", "14b", "15a", "15b", "15c", "16a", "16b"),
    *("17a", "17b", "18"),
]
RUN_SECONDS = 1200  # two minutes on a machine with nothing else to do
pytestmark = pytest.mark.timeout(RUN_SECONDS + 20)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the one short run of this module has written."""
    folder = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "--short", "--out", str(folder)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert not done.stderr, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def rows(out: Path) -> dict[str, dict[str, Any]]:
    """The rows of the result by their numbers."""
    return {row["number"]: row for row in json.loads((out / "results.json").read_text())["rows"]}


def test_every_promise_has_its_row(rows: dict[str, dict[str, Any]], out: Path) -> None:
    """One run measures each promise of docs/performance.md, in order, as JSON and as a table."""
    assert list(rows) == PROMISES
    table = (out / "results.md").read_text().splitlines()
    assert [line.split("|")[1].strip() for line in table[2:]] == PROMISES


def test_parameters_stand_beside_the_result(out: Path) -> None:
    """Seed, sizes and machine are in the result, so that it can be measured again."""
    found = json.loads((out / "results.json").read_text())
    assert found["parameters"]["seed"] == 1
    assert found["parameters"]["short"] is True
    assert found["machine"]["cores"] >= 1


def test_all_regions_are_used(rows: dict[str, dict[str, Any]]) -> None:
    """With three, each of them answers both workers, and each image is answered once."""
    for number in ("15a", "15b", "15c"):
        for answers in rows[number]["values"]["answers"].values():
            assert {who.split()[0] for who in answers} == {"us-east-1", "us-west-2", "eu-west-1"}
            assert sum(answers.values()) == 150


def test_pairs_together_are_one(rows: dict[str, dict[str, Any]]) -> None:
    """Two and four write what one writes, and ask about each image once."""
    for number in ("16a", "16b"):
        assert rows[number]["values"]["identical"]
        assert set(rows[number]["values"]["calls"].values()) == {100}


def test_no_call_is_paid_for_twice(rows: dict[str, dict[str, Any]]) -> None:
    """N images with c cars cost N + c calls, one thousandth of a dollar each."""
    values = rows["9"]["values"]
    count, cars = values["images"]["count"], values["images"]["cars"]
    assert (count, 0 < cars < count) == (100, True)
    assert values["calls"] == {"a": count, "b": cars}
    assert values["cost_usd"] == pytest.approx((count + cars) * 0.001)
    assert rows["9"]["kept"] is True


def test_messages_go_in_batches(rows: dict[str, dict[str, Any]]) -> None:
    """Neither a send nor a delete is made for each car alone."""
    values = rows["9"]["values"]
    cars = values["images"]["cars"]
    assert values["counts"]["sqs.SendMessageBatch"]["calls"] < cars
    assert values["counts"]["sqs.DeleteMessageBatch"]["calls"] < cars
    assert "sqs.SendMessage" not in values["counts"]


@pytest.mark.parametrize("worker", ["7a", "7b"])
def test_memory_is_flat(rows: dict[str, dict[str, Any]], worker: str) -> None:
    """Five times the images need hardly more memory, and no worker needs 120 MB."""
    values = rows[worker]["values"]
    assert max(values["peak_bytes"].values()) < 120e6
    assert values["growth"] < 1.15


def test_no_image_is_lost_when_the_quota_is_cut(rows: dict[str, dict[str, Any]]) -> None:
    """Throttled images are tried again until they are answered."""
    speeds = rows["3"]["values"]["speeds"]
    assert {letter: each["failed"] for letter, each in speeds.items()} == {"a": 0, "b": 0}


def test_a_waiting_worker_is_quiet(rows: dict[str, dict[str, Any]]) -> None:
    """While a long poll lasts B sends no other request."""
    assert (
        sum(rows["10"]["values"]["requests"].values()) <= 2 + rows["10"]["values"]["seconds"] / 20
    )


def test_all_results_are_merged(rows: dict[str, dict[str, Any]]) -> None:
    """As many as there are images, of which about half are cars with a text."""
    totals = rows["18"]["values"]["totals"]
    assert totals["images"] == 2000
    assert 900 < totals["with_text"] == totals["cars"] < 1100


@pytest.mark.parametrize("row", ["17a", "17b"])
def test_a_long_run_ends_in_the_memory_of_a_small_one(
    rows: dict[str, dict[str, Any]], row: str
) -> None:
    """What an earlier process has settled is counted, not held."""
    assert rows[row]["kept"] is True, rows[row]["measured"]
    assert "complete, 2,000 images" in rows[row]["measured"]
