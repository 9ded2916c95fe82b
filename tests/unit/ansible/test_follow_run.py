"""How the playbook judges what it sees of a run, and what it shows of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

PLUGIN = Path(__file__).resolve().parents[3] / "ansible/plugins/action/follow_run.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("follow_run", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


plugin = _load()
NOTHING: dict[str, Any] = {"outcome": None, "summary": {}}


def look(**facts: Any) -> dict[str, Any]:
    """Return a look at a host whose worker rests with its run not done."""
    return {
        "ActiveState": "inactive",
        "SubState": "dead",
        "Result": "success",
        "ExecMainStatus": "0",
        "System": "running",
        "Current": "yes",
        "summary": {},
        **facts,
    }


@pytest.mark.parametrize("state", ["active", "activating", "deactivating", "reloading"])
def test_a_worker_that_runs_has_not_ended(state: str) -> None:
    """Nothing is judged while the unit is active, or waits for its restart."""
    assert plugin.classify(look(ActiveState=state), NOTHING)["outcome"] is None


def test_a_run_is_complete_when_the_worker_says_so_and_the_run_is_forgotten() -> None:
    """Complete: the unit rests, current-run is gone, the summary says complete."""
    seen = look(summary={"state": "complete"})
    del seen["Current"]
    assert plugin.classify(seen, NOTHING)["outcome"] == "complete"


def test_a_run_that_is_forgotten_but_not_complete_has_failed() -> None:
    """No current-run and no complete summary is no success."""
    seen = look(summary={"state": "running"})
    del seen["Current"]
    assert plugin.classify(seen, NOTHING)["outcome"] == "failed"


def test_a_failed_unit_gives_the_workers_own_reason() -> None:
    """The reason is the sentence that the worker wrote."""
    seen = look(ActiveState="failed", summary={"reason": "The bucket is not there."})
    assert plugin.classify(seen, NOTHING)["reason"] == "The bucket is not there."


def test_a_failed_unit_without_a_summary_gives_systemds_reason() -> None:
    """A worker that could not write leaves systemd's word and the exit code."""
    seen = look(ActiveState="failed", Result="exit-code", ExecMainStatus="74")
    assert plugin.classify(seen, NOTHING)["reason"] == "exit-code, exit code 74."


@pytest.mark.parametrize("system", ["initializing", "starting", "stopping", "maintenance"])
def test_a_reboot_is_no_end(system: str) -> None:
    """A unit that rests while its host goes down or comes up has not been stopped."""
    idle_before = {**NOTHING, "idle": True}
    assert plugin.classify(look(System=system), idle_before)["outcome"] is None


def test_a_stop_counts_at_the_second_look() -> None:
    """Only two looks in a row tell a worker that was stopped from one that starts just now."""
    first = plugin.classify(look(), NOTHING)
    assert first["outcome"] is None
    assert plugin.classify(look(), first)["outcome"] == "stopped"
    between = plugin.classify(look(ActiveState="active"), first)
    assert plugin.classify(look(), between)["outcome"] is None


def test_the_last_summary_is_kept() -> None:
    """A look without a summary, as after a reboot, keeps what was known."""
    before = {"outcome": None, "summary": {"images": {"detected": 3}}}
    assert plugin.classify(look(ActiveState="active"), before)["summary"] == before["summary"]


def a(outcome: str | None = None, **images: int) -> dict[str, Any]:
    """Return what is seen of worker A."""
    counts = {"listed": 10, "detected": 4, "cars": 2, "failed": 0, **images}
    return {
        "outcome": outcome,
        "summary": {"images": counts, "listing_done": True, "rate_per_second": 49.0},
    }


def b(outcome: str | None = None, **images: int) -> dict[str, Any]:
    """Return what is seen of worker B."""
    counts = {"received": 2, "settled": 1, "with_text": 1, "failed": 0, **images}
    return {
        "outcome": outcome,
        "summary": {"images": counts, "expected": None, "rate_per_second": 4.5},
    }


def test_what_is_said_of_a() -> None:
    """Images, cars, rate, and what is left."""
    assert plugin.describe_a(a()) == "4/10 images, 2 cars, 49/s, 6 left"
    assert plugin.describe_a(a(failed=1)) == "4/10 images, 2 cars, 1 failed, 49/s, 6 left"
    assert plugin.describe_a(a("complete", detected=10)) == "10/10 images, 2 cars, complete"


def test_an_unfinished_listing_is_marked() -> None:
    """While A still lists, the number of images is a lower bound."""
    seen = a()
    seen["summary"]["listing_done"] = False
    assert plugin.describe_a(seen).startswith("4/10+ images")


def test_what_is_said_of_b() -> None:
    """B's part is measured by the cars that A has found, until B knows the number itself."""
    assert plugin.describe_b(b(), a(cars=5)["summary"]) == (
        "1/5 cars read, 1 with text, 4.5/s, 4 left"
    )


def test_before_the_first_summary_a_worker_is_starting() -> None:
    """Without a summary there is nothing to count."""
    assert plugin.describe_a(NOTHING) == "starting"
    assert plugin.describe_b({**NOTHING, "silent": True}, {}) == "out of reach"


def test_a_worker_that_waits_for_its_restart_says_so() -> None:
    """A full disk, say: what holds the run up is shown in place of a rate that is none."""
    waiting = look(ActiveState="activating", SubState="auto-restart", ExecMainStatus="74")
    seen = plugin.classify(waiting, b())
    assert seen["outcome"] is None
    said = "ended with 74 and is started again, `make logs` says why"
    assert plugin.describe_b(seen, {}) == f"1/1 cars read, 1 with text, {said}"
    assert plugin.describe_a(plugin.classify(waiting, NOTHING)) == said
    again = plugin.classify(look(ActiveState="active", SubState="running"), seen)
    assert plugin.describe_b(again, {}).endswith("4.5/s, 0 left")


def test_the_board_tells_of_the_other(tmp_path: Path) -> None:
    """Each follower reads what the other left; before that the other is running."""
    ours, theirs = plugin.Board(tmp_path, "a"), plugin.Board(tmp_path, "b")
    assert ours.other_is_running()
    theirs.post({"outcome": "failed", "summary": {}})
    assert ours.other_failed()
    theirs.post({"outcome": "complete", "summary": {}})
    assert not ours.other_failed()
    assert not ours.other_is_running()
