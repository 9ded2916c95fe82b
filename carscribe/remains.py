"""What on the hosts and in the bucket is the user's: runs in progress, runs not fetched, objects."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from carscribe.deployment import DeploymentError
from carscribe.run import reached
from carscribe.runs import About, Remote, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path


def running() -> list[str]:
    """Return the hosts on which a run is in progress, as far as they can be asked."""
    return [f"worker-{name}" for name, seen in ask_hosts().items() if seen.is_at_work]


def unfetched(results: Path, names: Collection[str] | None = None) -> list[str]:
    """Return the ids of the runs that are not complete in the folder of results, oldest first.

    Args:
        results: the folder of results.
        names: of the hosts whose runs are meant; all if left out.

    Raises:
        DeploymentError: a host that may have some does not answer.
    """
    seen = {name: one for name, one in ask_hosts().items() if names is None or name in names}
    if silent := [f"worker-{name}" for name, one in seen.items() if one.problem]:
        raise DeploymentError(
            f"{listed(silent)} cannot be asked for runs that were not fetched, which would be "
            "lost: `make up` may mend it, YES=1 goes on all the same."
        )
    runs = dict.fromkeys(run for one in seen.values() for run in reversed(one.runs))
    return [run for run in runs if not _is_complete(results / run)]


def _is_complete(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / "summary.json").read_text())["state"] == "complete")
    except (OSError, ValueError, KeyError, RecursionError, TypeError):
        return False


def ask_hosts(stopped: Collection[str] = ()) -> dict[str, About]:
    """Ask all hosts that are not stopped at once; nothing where no hosts are known."""
    try:
        remotes = reached()
    except DeploymentError:
        return {}

    def ask(remote: Remote) -> About:
        if remote.name in stopped:
            return About(problem="its host is stopped", is_stopped=True)
        return remote.about()

    with ThreadPoolExecutor(len(remotes)) as pool:
        said = list(pool.map(ask, remotes))
    return {remote.name: one for remote, one in zip(remotes, said, strict=True)}


def objects(
    session: Any, bucket: str, is_meant: Callable[[str], bool], prefix: str = ""
) -> set[str]:
    """Return the keys of a bucket that are meant; of a long list those of one page.

    Args:
        session: of boto3.
        bucket: its name; one that is gone has none.
        is_meant: tells it of a key.
        prefix: of the keys that are listed.

    Raises:
        DeploymentError: the bucket cannot be listed.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 # of this alone

    try:
        found: set[str] = set()
        for page in (
            session.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=bucket, Prefix=prefix)
        ):
            found = set(filter(is_meant, (str(one["Key"]) for one in page.get("Contents", []))))
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
