"""What `make status` says of what is up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from carscribe import look
from carscribe.deployment import DeploymentError

if TYPE_CHECKING:
    from pathlib import Path

SUMMARY = {"state": "complete", "images": {"listed": 10, "detected": 10, "cars": 6, "failed": 0}}


def answer(unit: str, *, current: str = "", latest: str = "", summary: object = None) -> str:
    """Return what a host answers."""
    body = "" if summary is None else json.dumps(summary)
    return f"unit={unit}\ncurrent={current}\nlatest={latest}\n{body}"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (answer("inactive"), "idle, no run yet"),
        (answer("active"), "running"),
        (answer("active", current="r1", latest="r1"), "running r1: starting"),
        (
            answer("active", current="r1", latest="r1", summary=SUMMARY),
            "running r1: 10 listed, 10 detected, 6 cars, 0 failed",
        ),
        (
            answer("inactive", latest="r1", summary=SUMMARY),
            "idle; last run r1: complete; 10 listed, 10 detected, 6 cars, 0 failed",
        ),
    ],
)
def test_a_host_in_words(told: str, said: str) -> None:
    """Idle or running, the run's name, how it ended, and its counts."""
    assert look.describe(told) == said


def test_a_run_that_was_stopped() -> None:
    """A run that has not ended is named with the command that goes on with it."""
    said = look.describe(answer("failed", current="r1", latest="r1", summary=SUMMARY))
    assert said.startswith("idle, run r1 has not ended (go on with it: `make run RUN_ID=r1`)")


def test_the_last_result(tmp_path: Path) -> None:
    """What was fetched last is named with its counts and its page; before that, how to fetch."""
    assert look.fetched(tmp_path) == "none fetched yet: `make results` fetches the latest run"
    run = tmp_path / "r1"
    run.mkdir()
    (tmp_path / "fetched-run").write_text(f"{run}\n")
    totals = {"images": 10, "cars": 6, "with_text": 4, "failed": 0}
    (run / "summary.json").write_text(json.dumps({"totals": totals}))
    said = look.fetched(tmp_path)
    assert said == f"r1: 10 images, 6 cars, 4 with text, 0 failed; see {run}/report.html"


def test_nothing_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing up, one sentence says how to bring it up on either target."""
    monkeypatch.setattr(look, "target_that_is_up", lambda: None)
    with pytest.raises(DeploymentError, match=r"`make up` makes the hosts on AWS"):
        look.status()
