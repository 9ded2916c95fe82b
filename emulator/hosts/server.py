"""The emulator as a process in the background, and the calls that the hosts need of it."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from emulator.hosts.deployment import CHECKOUT, read_json
from emulator.hosts.errors import HostsError
from emulator.hosts.process import recorded, start_background, started_at
from emulator.secret import ROOT_ACCESS_KEY_ID, Secret, SecretError, private_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emulator.hosts.deployment import Deployment

REGION = "us-east-1"
START_SECONDS = 30.0
CALL_SECONDS = 10.0


def record(deployment: Deployment) -> Path:
    """Return where it is written which process the emulator is."""
    return deployment.state / "emulator.process.json"


def secret(deployment: Deployment) -> Secret:
    """Return what this deployment's emulator and its clients alone know."""
    try:
        return Secret.read(deployment.secret_file)
    except OSError as error:
        raise HostsError(f"Cannot read {deployment.secret_file}: {error.strerror}.") from error
    except SecretError as error:
        raise HostsError(str(error)) from error


def address(deployment: Deployment) -> str | None:
    """Return the URL of the emulator if it runs."""
    ready = read_json(deployment.ready_file) or {}
    pid, url = ready.get("pid"), ready.get("url")
    # Only to that very process: another account may listen at the port of one that ended.
    if not isinstance(url, str) or pid is None or recorded(record(deployment)) != pid:
        return None
    try:
        call(deployment, url, "GET", "instances")
    except (OSError, ValueError):
        return None
    return url


def required(deployment: Deployment) -> str:
    """Return the URL of the emulator, or say how to get it to run."""
    url = address(deployment)
    if url is None:
        raise HostsError("The local target is not up: run 'make up TARGET=local' first.")
    return url


def environment(deployment: Deployment, url: str) -> dict[str, str]:
    """Return what a program on this machine needs to talk to the emulator and to nothing else."""
    return {
        "AWS_ACCESS_KEY_ID": ROOT_ACCESS_KEY_ID,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_SECRET_ACCESS_KEY": secret(deployment).access_key,
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


def start(deployment: Deployment, options: Sequence[str]) -> None:
    """Start the emulator unless it runs; return once it answers."""
    if address(deployment) is not None:
        return
    deployment.ready_file.unlink(missing_ok=True)
    images = CHECKOUT / "images"
    given = list(options)
    if "--images" not in given and images.is_dir():
        given += ["--images", str(images)]
    log = deployment.state / "emulator.log"
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    )
    private_folder(deployment.state)
    given += ["--ready-file", str(deployment.ready_file)]
    given += ["--secret-file", str(deployment.secret_file)]
    pid = start_background(
        [sys.executable, "-m", "emulator", "serve", *given],
        record(deployment),
        log,
    )
    deadline = time.monotonic() + START_SECONDS
    while address(deployment) is None:
        if started_at(pid) is None or time.monotonic() > deadline:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise HostsError(f"The emulator did not start: {lines[-1] if lines else 'no message'}")
        time.sleep(0.05)


def call(
    deployment: Deployment, url: str, method: str, name: str, value: dict[str, Any] | None = None
) -> Any:
    """Make one call of the emulator's admin API."""
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(  # noqa: S310 # the emulator's own
        f"{url}/_carscribe/{name}",
        data=body,
        method=method,
        headers={"Authorization": f"Bearer {secret(deployment).token}"},
    )
    # A proxy of this machine has no business between it and itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=CALL_SECONDS) as answer:
        return json.loads(answer.read() or b"{}")


def ec2_client(deployment: Deployment, url: str) -> Any:
    """Return a client of the emulator's EC2 for this process."""
    # Imported late: boto3 takes a while, and the watcher does without.
    import boto3  # noqa: PLC0415 # see above
    from botocore.config import Config  # noqa: PLC0415 # see above

    return boto3.client(
        "ec2",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ROOT_ACCESS_KEY_ID,
        aws_secret_access_key=secret(deployment).access_key,
        config=Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 10}),
    )


def listen_at(deployment: Deployment, url: str, gateway: str) -> None:
    """Let the emulator answer at the hosts' gateway as well."""
    try:
        call(deployment, url, "POST", "listen", {"address": gateway})
    except urllib.error.HTTPError as error:
        detail = json.loads(error.read() or b"{}").get("error", error.reason)
        raise HostsError(
            f"The emulator cannot listen at {gateway}: {detail}. Run 'make down' and try again."
        ) from error
