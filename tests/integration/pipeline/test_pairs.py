"""Several pairs of workers on one bucket: together they are one, and each minds its own."""

from __future__ import annotations

import shutil
import zlib
from typing import TYPE_CHECKING

import pytest

from carscribe.results import merge
from carscribe.runs import names_of, pair_of
from carscribe_common.errors import Exit
from carscribe_common.protocol import Car, Done
from tests.pipeline import car_answer, wait_for_log

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipeline import Pipeline

IMAGES = 24
OTHERS = ("notes.txt", "1.txt", "2.txt", "Größe/readme", "a/")
OF_PAIR_2 = "1.jpg"
assert zlib.crc32(OF_PAIR_2.encode()) % 2 + 1 == 2


def fill(pipeline: Pipeline) -> None:
    """Put images of every kind into the bucket, and other objects."""
    for n in range(1, IMAGES + 1):
        answer = (None, car_answer(90.0, "NO"), car_answer(99.0), car_answer(99.0, f"GO {n}"))
        pipeline.add(f"{n}.jpg", answer[n % 4])
    pipeline.add("Größe/🚗.jpg", car_answer(99.0, "UMLAUT"))
    for key in OTHERS:
        pipeline.add(key, body=b"text")


@pytest.mark.parametrize("pairs", [2, 3])
def test_pairs_together_write_what_one_writes(
    pipeline: Pipeline, tmp_path: Path, pairs: int
) -> None:
    """The same output for the same calls; what was listed and skipped is in sum the bucket."""
    fill(pipeline)
    one = [pipeline.start(name) for name in "ba"]
    assert [worker.wait() for worker in one] == [0, 0]
    paid = {name: pipeline.calls(f"rekognition.{name}") for name in ("DetectLabels", "DetectText")}
    workers = [
        pipeline.start(name, run_id="run-2", **pipeline.of_pair(pair_of(name), pairs))
        for name in names_of(pairs)
    ]
    assert {worker.wait() for worker in workers} == {0}
    for worker in workers:
        shutil.copytree(worker.run_dir, tmp_path / "results" / worker.name)
    assert merge(tmp_path / "results")["state"] == "complete"
    assert (tmp_path / "results" / "output.txt").read_text() == one[0].output
    assert {name: pipeline.calls(f"rekognition.{name}") for name in paid} == {
        name: 2 * calls for name, calls in paid.items()
    }
    listed = [worker.summary["images"] for worker in workers if worker.name.startswith("a")]
    for what, count in one[1].summary["images"].items():
        assert sum(each[what] for each in listed) == count, what
    assert all(each["listed"] for each in listed), "a pair without an image shows nothing"
    for worker in workers:
        assert (worker.summary["pair"], worker.summary["pairs"]) == (pair_of(worker.name), pairs)
        assert worker.summary["rate_per_second"] == pytest.approx(196 / pairs, abs=0.01)


def test_an_image_of_another_pair_is_refused(pipeline: Pipeline) -> None:
    """It is returned and counted, its n stays free, and the run ends with its own image."""
    etag = pipeline.add("9.jpg", car_answer(99.0, "OWN"))
    stray = pipeline.add(OF_PAIR_2, car_answer(99.0, "STRAY"))
    pipeline.send(Car("run-1", 1, OF_PAIR_2, stray))
    b = pipeline.start("b", **pipeline.of_pair(1, 2))
    wait_for_log(b, f"{OF_PAIR_2} is an image of another pair of workers; returned")
    pipeline.send(Car("run-1", 1, "9.jpg", etag), Done("run-1", 1))
    assert b.wait() == 0
    assert b.output == "9.jpg: OWN\n"
    assert b.summary["messages"]["of_other_pairs"] >= 1
    assert pipeline.calls("rekognition.DetectText") == 1


@pytest.mark.parametrize("worker", ["a", "b"])
@pytest.mark.parametrize("other", [(1, 3), (2, 2)])
def test_a_run_of_another_number_of_pairs_is_refused(
    pipeline: Pipeline, worker: str, other: tuple[int, int]
) -> None:
    """Its numbers are of other images: one sentence says of how many pairs, and of which."""
    pipeline.send(Done("run-1", 0))
    assert pipeline.run(worker, **pipeline.of_pair(1, 2)).process.returncode == 0
    refused = pipeline.run(worker, **pipeline.of_pair(*other))
    assert refused.process.returncode == Exit.CONFIG
    what = "pairs is 2 there and 3" if other == (1, 3) else "pair is 1 there and 2"
    assert f"belongs to another run: {what} in the settings" in refused.log
