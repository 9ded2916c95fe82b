"""What people and programs read of a run stays as it is, or is changed on purpose.

Keys and types of summary.json and results.jsonl are compared with golden/.
After a change that is meant, `GOLDEN=write python -m pytest` on this file
writes them anew, and the difference is for the reviewer to see.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common.errors import Exit
from tests.integration.pipeline.scenarios import Ended, Scenarios
from tests.pipeline import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.emulator import Emulator

GOLDEN = Path(__file__).parent / "golden"
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([0-9, ]+) \|", re.MULTILINE)

COUNTED = {"answers", "api_calls", "messages"}
"""Objects of summary.json whose keys are a matter of what came and of time."""

ENDS = {
    "Incomplete: nothing of run ... came for": "b incomplete",
    "did not number the images of run": "b of other images",
    "Another process is at work on this run": "b in use",
    "A fault in carscribe itself": "a fault",
    "Cannot make ...; set CARSCRIBE_STATE_DIR to a directory": "a no state directory",
    "Nothing was acknowledged that is not on disk": "a full disk",
    "Cannot write ...; make space and start again": "a no results",
    "nothing was written over: restore it, or begin a new run": "a damaged",
    "Nothing succeeded for": "a nothing succeeds",
    "metadata service, which has the AWS credentials, does not answer": "b silent metadata",
    "no AWS credentials were found": "b no credentials",
    "AWS refuses it": "a denied",
    "correct the settings": "a failed",
    "belongs to another run": "a of another run",
    "is gone, but other files of its run are there": "a without its store",
    "holds a run of an older release": "a of an older release",
    "start it again to go on with this run": "b stopped",
}
"""The sentences of docs/troubleshooting.md, and the scenario in which each must be said."""

LOG_LINES = {
    "a complete": (
        r"1\.jpg: car 99\.0, queued",
        r"3\.jpg: car 90\.0, not above 90|3\.jpg: no car",
        r"4\.jpg: no car",
        r"5\.jpg: failed, invalid-image \(.+\)",
        r"Done: 5 images, 2 with a car, 1 failed, 1 other objects skipped",
    ),
    "b complete": (
        r"1\.jpg: text GO 1",
        r"2\.jpg: no text",
        r"nowhere\.jpg: failed, gone \(.+\)",
        r"-1: worker A is done, 2 images with a car in all",
        r"Done: 3 images read, 1 with text, 1 failed; .+/output\.txt has 1 lines",
    ),
    "b incomplete": (
        r"A message of another run, other: deleted",
        r"A message is none of this program's: .+; returned",
        r"A second end of this run, at 3 and not 2; returned",
        r"Incomplete: nothing of run run-1 came for 1 s; missing are n = 2\. .+ \(exit 65\)",
    ),
    "a failed": (r"Cannot list the bucket golden-no-such-bucket: .+ \(exit 78\)",),
    "b stopped": (r"Stopped by SIGTERM; .+ \(exit 143\)", r"[01] messages returned to the queue"),
}
"""A line for each decision, as whoever greps the journal knows them."""


@pytest.fixture(scope="module")
def ends(_shared_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """Every scenario, run once for all the tests of this file."""
    _shared_emulator.reset()
    return Scenarios(_shared_emulator, tmp_path_factory.mktemp("golden")).run()


def members(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the type of all that is in a value of JSON, its own first."""
    match value:
        case None:
            yield at, "null"
        case bool():
            yield at, "boolean"
        case int() | float():
            yield at, "number"
        case str():
            yield at, "string"
        case list():
            yield at, "array"
            for item in value:
                yield from members(item, f"{at}[]")
        case dict() if at in COUNTED and all(type(number) is int for number in value.values()):
            yield at, "object of numbers"
        case dict():
            yield at, "object"
            for name, item in value.items():
                yield from members(item, f"{at}.{name}".lstrip("."))


def shape(values: Iterable[Any]) -> str:
    """Return a line for each member of the values: its path and the types it had."""
    found: dict[str, set[str]] = {}
    for value in values:
        for path, kind in members(value):
            if path:
                found.setdefault(path, set()).add(kind)
    return "".join(f"{path}: {' or '.join(sorted(found[path]))}\n" for path in sorted(found))


def shapes(ends: dict[str, Ended]) -> dict[str, str]:
    """Return the shape of each file of each state, by the name of its golden file."""
    seen = {
        # Whether the end is known yet is a matter of time.
        f"summary-{worker}-running": [
            summary | {"expected": None} for summary in ends[f"{worker} complete"].running
        ]
        for worker in "ab"
    } | {
        "results-a": ends["a complete"].results,
        "results-b": ends["b complete"].results,
    }
    for worker, states in (("a", ("complete", "failed")), ("b", ("complete", "failed"))):
        seen |= {f"summary-{worker}-{s}": [ends[f"{worker} {s}"].summary] for s in states}
    seen["summary-b-incomplete"] = [ends["b incomplete"].summary]
    seen["summary-b-stopped"] = [ends["b stopped"].summary]
    return {name: shape(values) for name, values in seen.items()}


NAMES = [
    *(f"summary-a-{state}" for state in ("running", "complete", "failed")),
    *(f"summary-b-{state}" for state in ("running", "complete", "incomplete", "failed", "stopped")),
    "results-a",
    "results-b",
]


@pytest.mark.parametrize("name", NAMES)
def test_keys_and_types(ends: dict[str, Ended], name: str) -> None:
    """Each file has the keys and types that its readers know, in every state of a run."""
    found = shapes(ends)[name]
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(found)
    assert found == path.read_text()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("summary")])
def test_states(ends: dict[str, Ended], name: str) -> None:
    """The state in summary.json is the one that the scenario is named for."""
    _, worker, state = name.split("-")
    scenario = ends[f"{worker} {'complete' if state == 'running' else state}"]
    seen = scenario.running if state == "running" else [scenario.summary]
    assert [summary["state"] for summary in seen] == [state]


def test_kinds_of_messages(ends: dict[str, Ended]) -> None:
    """Each kind of message that B counts is counted under its own name."""
    counted = ends["b incomplete"].summary["messages"]
    assert set(counted) == {
        "received",
        "redelivered",
        "of_other_runs",
        "malformed",
        "conflicting",
    }
    assert (counted["redelivered"], counted["of_other_runs"]) == (1, 1)
    assert ends["a complete"].summary["messages"] == {"sent": 2}


def test_every_end_of_the_documentation_has_a_scenario() -> None:
    """No sentence stands in the table of docs/troubleshooting.md that is not tried here."""
    assert {sentence for sentence, _ in ROW.findall(TROUBLESHOOTING.read_text())} == set(ENDS)


@pytest.mark.parametrize("sentence", ENDS)
def test_sentence_and_exit_code(ends: dict[str, Ended], sentence: str) -> None:
    """A real worker says the sentence, last, and exits with the code that stands beside it.

    Only the traceback of a fault stands behind it, and there is no other.
    """
    ended = ends[ENDS[sentence]]
    codes = dict(ROW.findall(TROUBLESHOOTING.read_text()))[sentence]
    assert ended.code in {int(code) for code in codes.split(",")}, ended.log
    said = ended.log.splitlines()
    last = next(line for line in reversed(said) if "(exit " in line)
    is_last = last == said[-1]
    at = 0
    for part in sentence.split("..."):
        at = last.index(part.strip(), at)
    assert last.endswith(f"(exit {ended.code})")
    assert is_last == ("Traceback" not in ended.log) == (ended.code != Exit.BUG)
    if ended.summary and ended.summary["exit_code"]:
        assert ended.summary["exit_code"] == ended.code
        assert ended.summary["reason"] in last


@pytest.mark.parametrize(
    ("scenario", "line"), [(name, line) for name, lines in LOG_LINES.items() for line in lines]
)
def test_log_line(ends: dict[str, Ended], scenario: str, line: str) -> None:
    """A decision is logged on one line, with the key first."""
    said = [text.split(" ", 2)[2] for text in ends[scenario].log.splitlines()]
    assert any(re.fullmatch(line, text) for text in said), json.dumps(said, indent=1)
