"""Two pairs on this machine: made, run, robbed of a worker, gone on with, removed."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.deployment.checkout import EXPECTED, Beside
from tests.deployment.test_runs import count_anew

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployment.checkout import Copy

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

HOSTS = ("a", "b", "a-2", "b-2")
OF_THE_FIRST_PAIR = {"8.jpg", "9.jpg"}
"""Of the ten images, those whose CRC-32 is even; the others are the second pair's."""


@pytest.fixture(scope="module")
def pairs(empty: Copy) -> Iterator[Copy]:
    """The copy with two pairs up."""
    variables = empty.root / "terraform/local.tfvars"
    before = variables.read_text()
    empty.append("terraform/local.tfvars", "pairs = 2\n")
    try:
        empty.make_target("up", "TARGET=local")
        yield empty
    finally:
        variables.write_text(before)


def test_a_worker_of_the_second_pair_is_killed(pairs: Copy) -> None:
    """Its own pair ends with it and no other; who goes on starts that pair alone.

    The result is the same byte for byte, and nothing is paid for twice.
    """
    count_anew(pairs)
    pairs.emulator("faults", {"operations": {"rekognition.DetectLabels": {"throttle_share": 1}}})
    running = Beside(pairs, "python", "-m", "carscribe", "run")
    await_listing(pairs)
    unit = "carscribe-worker-a.service"
    pairs.on_host(
        "a-2",
        f"mkdir /run/systemd/system/{unit}.d"
        f" && (echo [Service]; echo Restart=no) > /run/systemd/system/{unit}.d/once.conf"
        f" && systemctl daemon-reload && systemctl kill --signal=KILL {unit}",
    )
    pairs.emulator("faults", {})
    assert running.end() != 0
    told = re.search(r"Worker A-2 has not completed run (\S+) \(failed\)", running.text)
    assert told, running.text
    assert not re.search(r"Worker [AB] has not completed", running.text), running.text
    run_id = told[1]
    first = {name: summary_on(pairs, name, run_id) for name in ("a", "b")}
    assert {json.loads(text)["state"] for text in first.values()} == {"complete"}

    words = ("python", "-m", "carscribe", "results", "--run-id", run_id)
    pairs.command(*words, code=65)
    folder = pairs.root / "results" / run_id
    lines = EXPECTED.splitlines(keepends=True)
    partial = "".join(line for line in lines if line.partition(":")[0] in OF_THE_FIRST_PAIR)
    assert (folder / "output.partial.txt").read_text() == partial != ""
    assert not (folder / "output.txt").exists()

    pairs.on_host("a-2", f"rm -r /run/systemd/system/{unit}.d && systemctl daemon-reload")
    ended = pairs.make_target("run", f"RUN_ID={run_id}")
    assert EXPECTED in ended.text
    assert pairs.result() == EXPECTED
    assert not (folder / "output.partial.txt").exists()
    assert {name: summary_on(pairs, name, run_id) for name in first} == first
    for name in HOSTS:
        assert json.loads(summary_on(pairs, name, run_id))["pairs"] == 2
    rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert {row["key"] for row in rows if row["pair"] == 1} == OF_THE_FIRST_PAIR
    assert sorted(row["key"] for row in rows) == sorted(f"{n}.jpg" for n in range(1, 11))
    counts = pairs.emulator("counts")
    assert counts["rekognition.DetectLabels"]["ok"] == 10
    assert counts["rekognition.DetectText"]["ok"] == 6


def test_all_hosts_are_as_they_should_be(pairs: Copy) -> None:
    """`make verify` is green, on every host."""
    pairs.make_target("verify")


def test_down_leaves_nothing(pairs: Copy) -> None:
    """`make down` removes both pairs."""
    said = pairs.make_target("down").text
    assert re.search(r"Removed: 4 addresses, .*4 instances", said), said
    assert pairs.remains() == []


def summary_on(copy: Copy, name: str, run_id: str) -> str:
    """Return what a worker says of its part, on its host."""
    return copy.on_host(name, f"cat /var/lib/carscribe-worker-{name[0]}/runs/{run_id}/summary.json")


def await_listing(copy: Copy) -> None:
    """Wait until the second worker A has listed its images, of which none is answered."""
    deadline = time.monotonic() + 180
    shown = "cat /var/lib/carscribe-worker-a/runs/*/summary.json 2>/dev/null || echo {}"
    while json.loads(copy.on_host("a-2", shown)).get("listing_done") is not True:
        assert time.monotonic() < deadline, copy.emulator("counts")
