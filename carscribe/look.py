"""Look at what is up: `make status`, `make logs`, `make ssh`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from carscribe.deployment import (
    BUILD,
    EXIT_NOT_CONFIGURED,
    NOTHING_IS_UP,
    DeploymentError,
    Host,
    choose_hosts,
    environment,
    hosts,
    target_that_is_up,
)

SECONDS_MAX = 30

# One line each: the unit's state, the run in progress, the latest run, its summary.
_ASK = r"""
unit=carscribe-worker-{worker}; state=/var/lib/$unit
echo "unit=$(systemctl is-active $unit)"
echo "current=$(sed -n 's/^CARSCRIBE_RUN_ID=//p' $state/current-run 2>/dev/null)"
latest=$(ls -t $state/runs 2>/dev/null | head -n 1)
echo "latest=$latest"
[ -z "$latest" ] || cat "$state/runs/$latest/summary.json" 2>/dev/null
"""


def status() -> None:
    """Say what is up, what runs, how deep the queue is, and how the last run ended."""
    target = target_that_is_up()
    if target is None:
        raise DeploymentError(NOTHING_IS_UP)
    print(f"target    {target}")
    present = hosts()
    print(f"queue     {queue(present['a'], target)}")
    for host in present.values():
        print(f"worker {host.worker.upper()}  {host.variables['ansible_host']}  {about(host)}")
    print(f"result    {fetched()}")


def fetched(build: Path = BUILD) -> str:
    """Say which result was fetched last."""
    try:
        folder = Path((build / "fetched-run").read_text().strip())
        totals = json.loads((folder / "summary.json").read_text())["totals"]
    except (OSError, ValueError, KeyError):
        return "none fetched yet: `make results` fetches the latest run"
    return (
        f"{folder.name}: {totals['images']} images, {totals['cars']} cars, "
        f"{totals['with_text']} with text, {totals['failed']} failed; see {folder}/report.html"
    )


def queue(host: Host, target: str) -> str:
    """Say how many messages wait, are held, and were given up."""
    depths = []
    os.environ.update(environment(target))
    try:
        sqs = boto3.client("sqs", region_name=host.variables["carscribe_region"])
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
    except (BotoCoreError, ClientError) as error:
        return f"cannot be asked: {error}"
    (waiting, held), (dead, dead_held) = depths
    return f"{waiting} waiting, {held} held by worker B, {dead + dead_held} given up"


def about(host: Host) -> str:
    """Say what a host's worker does."""
    ask = _ASK.format(worker=host.worker)
    try:
        done = subprocess.run(
            host.ssh("sudo", "sh", "-c", ask),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        return "does not answer SSH"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return f"cannot be asked over SSH: {last}"
    return describe(done.stdout)


def describe(answer: str) -> str:
    """Put a host's answer into words."""
    lines = answer.splitlines()
    facts = dict(line.split("=", 1) for line in lines[:3])
    summary: dict[str, Any] = {}
    with suppress(ValueError):  # a run that has just begun has none
        summary = json.loads("\n".join(lines[3:]) or "{}")
    running = facts["unit"] in {"active", "activating", "deactivating", "reloading"}
    if not facts["latest"]:
        return "running" if running else "idle, no run yet"
    counts = ", ".join(f"{number} {name}" for name, number in summary.get("images", {}).items())
    state = summary.get("state", "no summary yet")
    if running:
        return f"running {facts['current']}: {counts or 'starting'}"
    last = f"last run {facts['latest']}: {state}; {counts}"
    if facts["current"]:
        return (
            f"idle, run {facts['current']} has not ended "
            f"(go on with it: `make run RUN_ID={facts['current']}`); {last}"
        )
    return f"idle; {last}"


def logs(host: str, lines: int) -> None:
    """Print the last lines of the workers' journals."""
    for chosen in choose_hosts(host):
        print(f"== worker {chosen.worker.upper()}", flush=True)
        unit = f"carscribe-worker-{chosen.worker}"
        journal = ["journalctl", f"--unit={unit}", f"--lines={lines}"]
        command = chosen.ssh("sudo", *journal, "--output=short-iso", "--no-pager")
        if subprocess.run(command, check=False).returncode:
            raise DeploymentError(
                f"Worker {chosen.worker.upper()}'s host cannot be reached: `make status` says more."
            )


def shell(host: str) -> int:
    """Open a shell on a host."""
    if not host:
        raise DeploymentError("Say which host: `make ssh HOST=a` or `make ssh HOST=b`.")
    [chosen] = choose_hosts(host)
    return subprocess.run(chosen.ssh(terminal=True), check=False).returncode


def main() -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m carscribe.look")
    parser.add_argument("command", choices=["status", "logs", "ssh"])
    parser.add_argument("--host", default="")
    parser.add_argument("--lines", type=int, default=50)
    options = parser.parse_args()
    try:
        if options.command == "status":
            status()
        elif options.command == "logs":
            logs(options.host, options.lines)
        else:
            return shell(options.host)
    except DeploymentError as problem:
        print(problem, file=sys.stderr)
        return EXIT_NOT_CONFIGURED
    return 0


if __name__ == "__main__":
    sys.exit(main())
