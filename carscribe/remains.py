"""What on the hosts and in the bucket is the user's: runs in progress, runs not fetched, objects."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from carscribe.deployment import DeploymentError, Host, hosts
from carscribe.runs import RUN_ID

if TYPE_CHECKING:
    from pathlib import Path

SECONDS_MAX = 30
BUSY = frozenset({"active", "activating", "deactivating", "reloading"})
"""A unit's states in which a run is in progress (systemctl(1), is-active)."""

_ASK = """
unit=carscribe-worker-{worker}
echo "state $(systemctl is-active $unit)"
ls -1tr /var/lib/$unit/runs 2>/dev/null | sed 's/^/run /'
"""


@dataclass
class Seen:
    """What a host says.

    Attributes:
        answers: whether it can be asked.
        busy: whether a run is in progress.
        runs: the ids of its runs, the oldest first.
    """

    answers: bool = False
    busy: bool = False
    runs: list[str] = field(default_factory=list)


def running() -> list[str]:
    """Return the hosts on which a run is in progress, as far as they can be asked."""
    return [f"worker-{worker}" for worker, seen in ask_hosts().items() if seen.busy]


def unfetched(results: Path) -> list[str]:
    """Return the ids of the runs that are not complete in the folder of results, oldest first.

    Raises:
        DeploymentError: a host that may have some does not answer.
    """
    seen = ask_hosts()
    if silent := [f"worker-{worker}" for worker, one in seen.items() if not one.answers]:
        raise DeploymentError(
            f"{' and '.join(silent)} cannot be asked for runs that were not fetched, which would be "
            "lost: `make up` may mend it, YES=1 goes on all the same."
        )
    runs = dict.fromkeys(run for one in seen.values() for run in one.runs)
    return [run for run in runs if not _is_complete(results / run)]


def _is_complete(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / "summary.json").read_text())["state"] == "complete")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def ask_hosts() -> dict[str, Seen]:
    """Ask both hosts at once; nothing where no hosts are known."""
    try:
        present = hosts()
    except DeploymentError:
        return {}
    with ThreadPoolExecutor(len(present)) as pool:
        return dict(zip(present, pool.map(_ask_host, present.values()), strict=True))


def _ask_host(host: Host) -> Seen:
    try:
        done = subprocess.run(
            host.ssh("sudo", "sh", "-c", _ASK.format(worker=host.worker)),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        return Seen()
    seen = Seen(answers=done.returncode == 0)
    for line in done.stdout.splitlines():
        kind, _, value = line.partition(" ")
        if kind == "state":
            seen.busy = value in BUSY
        elif kind == "run" and RUN_ID.fullmatch(value):
            seen.runs.append(value)
    return seen


def objects(session: Any, bucket: str, ours: set[str]) -> set[str]:
    """Return the keys of a bucket that are not ours; of a long list the first page's.

    Raises:
        DeploymentError: the bucket cannot be listed.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 # of this alone

    try:
        found: set[str] = set()
        for page in session.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket):
            found |= {str(one["Key"]) for one in page.get("Contents", [])} - ours
            if found:
                break
    except ClientError as problem:
        if problem.response.get("Error", {}).get("Code") in {"NoSuchBucket", "404"}:
            return set()
        raise DeploymentError(
            f"The bucket {bucket} cannot be listed, and may hold what `make up` did not upload: "
            f"{problem}"
        ) from None
    except BotoCoreError as problem:
        raise DeploymentError(f"The bucket {bucket} cannot be listed: {problem}") from None
    return found
