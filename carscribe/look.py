"""Look at what is up: `make status`, `make logs`, `make ssh`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from carscribe import targets
from carscribe.deployment import (
    BUILD,
    NOTHING_IS_UP,
    DeploymentError,
    Host,
    choose_hosts,
    hosts,
    target_that_is_up,
)
from carscribe.progress import Figures, of_all_pairs
from carscribe.remains import ask_hosts
from carscribe.run import reached
from carscribe.runs import WORKERS, Remote, SilentError, is_summary, listed, shown
from carscribe.waking import STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from carscribe.runs import About

_SUMMARY = "cat {state}/runs/{run_id}/summary.json 2>/dev/null || echo '{{}}'"


def status(states: Mapping[str, str]) -> None:
    """Say what is up, what runs, how deep the queue is, and how the last run ended.

    Args:
        states: EC2's of each host, by short name, as far as they are known.

    Raises:
        DeploymentError: nothing is up.
    """
    target = target_that_is_up()
    if target is None:
        raise DeploymentError(NOTHING_IS_UP)
    print(f"target    {target}")
    present = hosts()
    for host in present.values():
        if host.worker == "b":
            title = "queue" if host.pair == 1 else f"queue {host.pair}"
            print(f"{title:<9} {queue(host, target)}")
    remotes = {remote.name: remote for remote in reached()}
    stopped = {name for name, state in states.items() if state in STOPPED}
    seen = ask_hosts(stopped)
    for name, one in seen.items():
        print(f"worker {name.upper()}  {present[name].variables['ansible_host']}  {one}")
    print(f"run       {run_in_words(seen, lambda name, run: summary_of(remotes[name], run))}")
    print(f"result    {fetched()}")


def fetched(build: Path = BUILD) -> str:
    """Say which result was fetched last."""
    try:
        folder = Path((build / "fetched-run").read_text().strip())
        totals = json.loads((folder / "summary.json").read_text())["totals"]
        counts = (
            f"{totals['images']} images, {totals['cars']} cars, "
            f"{totals['with_text']} with text, {totals['failed']} failed"
        )
    except (OSError, ValueError, KeyError, RecursionError, TypeError):
        return "none fetched yet: `make results` fetches the latest run"
    return f"{folder.name}: {counts}; see {folder}/report.html"


def queue(host: Host, target: str) -> str:
    """Say how many messages wait, are held, and were given up."""
    depths = []
    try:
        sqs = targets.of(target).session(str(host.variables["carscribe_region"])).client("sqs")
        for variable in ("carscribe_queue_url", "carscribe_dead_letter_queue_url"):
            answer = sqs.get_queue_attributes(
                QueueUrl=host.variables[variable], AttributeNames=["All"]
            )["Attributes"]
            depths.append(
                (
                    int(answer["ApproximateNumberOfMessages"]),
                    int(answer["ApproximateNumberOfMessagesNotVisible"]),
                )
            )
    except (BotoCoreError, ClientError, DeploymentError, ValueError) as error:
        return f"cannot be asked: {error}"
    (waiting, held), (dead, dead_held) = depths
    return f"{waiting} waiting, {held} held by worker B, {dead + dead_held} given up"


def summary_of(remote: Remote, run_id: str) -> dict[str, Any]:
    """Return a worker's summary of a run; nothing if there is none."""
    try:
        summary = json.loads(remote.read(_SUMMARY.format(state=remote.state, run_id=run_id)))
    except (SilentError, ValueError, RecursionError):
        return {}
    return summary if is_summary(summary) else {}


def run_in_words(seen: Mapping[str, About], summary: Callable[[str, str], dict[str, Any]]) -> str:
    """Say how far the run in progress is, or how the latest one ended, and what to do."""
    hosts = seen.values()
    current = [one.current for one in hosts if one.current]
    run_id = next(iter([*current, *(run for one in hosts for run in one.runs[:1])]), "")
    if not run_id:
        if any(one.problem for one in hosts):
            return "not known while a host cannot be asked"
        return "none yet: `make run` makes one"
    summaries = {name: summary(name, run_id) for name in seen}
    states = {
        name: shown(str(one.get("state", "no summary yet"))) for name, one in summaries.items()
    }
    same, *others = set(states.values())
    state = ", ".join(f"{name.upper()} {one}" for name, one in states.items()) if others else same
    said = f"{run_id}: {state}; {Figures.of(*of_all_pairs(summaries))}"
    if run_id not in current or any(one.is_at_work for one in hosts):
        return said
    lost = [
        name.upper()
        for name, one in seen.items()
        if name.startswith("a") and not one.problem and run_id not in {one.current, *one.runs}
    ]
    pairs = len(seen) // len(WORKERS)
    if lost:
        why = f"worker {listed(lost)}'s host knows nothing of it"
    elif any(one.get("pairs", pairs) != pairs for one in summaries.values()):
        why = f"it was begun with another number of pairs than {pairs}"
    else:
        return f"{said}; it has not ended, go on with it: `make run RUN_ID={run_id}`"
    return (
        f"{said}; {why}, so it cannot be gone on with: `make results RUN_ID={run_id}` fetches what "
        "there is"
    )


def logs(host: str, lines: int) -> None:
    """Print the last lines of the workers' journals."""
    for chosen in choose_hosts(host):
        print(f"== worker {chosen.name.upper()}", flush=True)
        unit = f"carscribe-worker-{chosen.worker}"
        journal = ["journalctl", f"--unit={unit}", f"--lines={lines}"]
        command = chosen.ssh("sudo", *journal, "--output=short-iso", "--no-pager")
        if subprocess.run(command, check=False).returncode:
            raise DeploymentError(
                f"Worker {chosen.name.upper()}'s host cannot be reached: `make status` says more."
            )


def shell(host: Host) -> int:
    """Open a shell on a host; return its exit code."""
    return subprocess.run(host.ssh(terminal=True), check=False).returncode
