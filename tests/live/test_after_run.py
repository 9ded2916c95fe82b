"""What the latest run has left on the hosts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.live.reached import Worker


def test_the_last_run_is_complete(worker: Worker) -> None:
    """Both workers ended their part, and no run is left to go on with."""
    _, summary = worker.last_run()
    assert (summary["state"], summary["exit_code"]) == ("complete", 0), worker.journal
    assert not worker.host.file(f"{worker.state}/current-run").exists


def test_both_worked_on_the_same_run(worker_a: Worker, worker_b: Worker) -> None:
    """The latest run of A is the latest run of B, and every car of A's is settled by B."""
    _, of_a = worker_a.last_run()
    _, of_b = worker_b.last_run()
    assert of_a["run_id"] == of_b["run_id"]
    assert of_a["images"]["cars"] == of_b["expected"] == of_b["images"]["settled"]


def test_the_output_is_on_the_volume(worker_b: Worker) -> None:
    """output.txt lies on the EBS volume, readable by the worker alone."""
    directory, _ = worker_b.last_run()
    mounted_at = worker_b.say(
        f"findmnt --noheadings --output TARGET --target {directory}/output.txt"
    )
    assert mounted_at.strip() == worker_b.state
    file = worker_b.host.file(f"{directory}/output.txt")
    assert (file.user, file.mode) == (worker_b.unit, 0o600)


def test_the_output_has_the_images_with_a_car_and_text(worker_a: Worker, worker_b: Worker) -> None:
    """output.txt has the line of each image for which A found a car and B found text, and no other."""
    of_a, _ = worker_a.last_run()
    of_b, _ = worker_b.last_run()
    detected = [json.loads(line) for line in worker_a.say(f"cat {of_a}/results.jsonl").splitlines()]
    settled = [json.loads(line) for line in worker_b.say(f"cat {of_b}/results.jsonl").splitlines()]
    cars = {
        record["key"]
        for record in detected
        if record["car"] is not None and record["car"]["confidence"] > 90
    }
    expected = {record["key"]: record["line"] for record in settled if record["line"] is not None}
    assert set(expected) <= cars
    lines = worker_b.host.file(f"{of_b}/output.txt").content_string.splitlines()
    assert sorted(lines) == sorted(f"{key}: {line}" for key, line in expected.items())
