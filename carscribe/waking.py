"""Hosts that are stopped: by themselves for want of a run, at a lab's end, by somebody's click.

Every command that needs the hosts calls `awake` first; `states` only looks.
"""

from __future__ import annotations

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from carscribe.advice import advised
from carscribe.credentials import CredentialsError
from carscribe.deployment import DeploymentError, hosts
from carscribe.runs import SilentError, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from carscribe.deployment import Host
    from carscribe.targets import Target

STOPPED = frozenset({"stopping", "stopped"})
GONE = frozenset({"shutting-down", "terminated"})
"""States of an instance (EC2 API Reference, InstanceState)."""
_ACCOUNT = re.compile(r"/(\d{12})/")
"""An account in the URL of a queue (SQS Developer Guide, "Queue and message identifiers")."""

RUNNING_SECONDS = 300
"""A stop takes a minute or two where something hangs, a start less than one."""
ANSWERS_SECONDS = 300
POLL_SECONDS = 2

KNOCK = "systemctl try-restart carscribe-idle.service 2>/dev/null || :"
"""A host that is wanted counts its idle minutes anew."""


def named(hosts: Sequence[str]) -> str:
    """Return ``Host A`` or ``Hosts A and B``."""
    return f"Host{'s' * (len(hosts) > 1)} {listed(name.upper() for name in hosts)}"


def _client(target: Target, present: Mapping[str, Host]) -> Any:
    config = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3})
    region = str(present["a"].variables["carscribe_region"])
    make: Any = target.session(region).client
    return make("ec2", config=config)


def _states(ec2: Any, present: Mapping[str, Host]) -> dict[str, str]:
    ids = {host.instance_id: name for name, host in present.items()}
    # By filter, for an id that EC2 has forgotten would be an error of the whole call.
    answer = ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": sorted(ids)}])
    found = {
        ids[one["InstanceId"]]: str(one["State"]["Name"])
        for reservation in answer["Reservations"]
        for one in reservation["Instances"]
    }
    return {name: found.get(name, "terminated") for name in present}


def _of_another_account(target: Target, present: Mapping[str, Host]) -> bool:
    """Tell whether the hosts' queues are in an account that is not the caller's."""
    urls = [str(host.variables.get("carscribe_queue_url")) for host in present.values()]
    made_in = {found[1] for url in urls if (found := _ACCOUNT.search(url))}
    if not made_in:
        return False
    region = str(present["a"].variables["carscribe_region"])
    return target.session(region).client("sts").get_caller_identity()["Account"] not in made_in


def states(target: Target, present: Mapping[str, Host]) -> dict[str, str]:
    """Return what EC2 says of each host, by short name; nothing if it cannot be asked."""
    try:
        seen = _states(_client(target, present), present)
        is_another = GONE.issuperset(seen.values()) and _of_another_account(target, present)
    except (BotoCoreError, ClientError, DeploymentError, ValueError):
        return {}
    return {} if is_another else seen


def start_stopped(target: Target) -> list[str]:
    """Start the hosts that are stopped, and return which; none where AWS cannot be asked.

    Raises:
        DeploymentError: there are no hosts, one was terminated, or AWS does not start them.
    """
    present = hosts()
    try:
        ec2 = _client(target, present)
        seen = _states(ec2, present)
        if GONE.issuperset(seen.values()) and _of_another_account(target, present):
            return []
    except (BotoCoreError, ClientError, CredentialsError, ValueError):
        return []
    if lost := [name for name, state in seen.items() if state in GONE]:
        raise DeploymentError(
            f"Terminated: {named(lost)}. `make up` makes it anew, and its volume and runs are there "
            "again."
        )
    stopped = [name for name, state in seen.items() if state in STOPPED]
    if not stopped:
        return []
    print(f"{named(stopped)} stopped: starting (a minute or so)", file=sys.stderr, flush=True)
    deadline = time.monotonic() + RUNNING_SECONDS
    while asleep := [name for name, state in seen.items() if state != "running"]:
        if time.monotonic() > deadline:
            raise DeploymentError(
                f"{named(asleep)} did not start within {RUNNING_SECONDS} s: look at it in the EC2 "
                "console, then try again."
            )
        if ids := [present[one].instance_id for one in asleep if seen[one] == "stopped"]:
            try:
                ec2.start_instances(InstanceIds=ids)
            except ClientError as problem:
                raise DeploymentError(
                    advised(f"{named(asleep)} cannot be started: {problem}")
                ) from None
        time.sleep(POLL_SECONDS)
        seen = _states(ec2, present)
    return stopped


def awake(target: Target, seconds: float = ANSWERS_SECONDS) -> None:
    """Start the hosts that are stopped, wait until they answer, and let all count anew.

    Where AWS cannot be asked none is started: SSH needs no credentials, and who
    calls this says whether a host answers.

    Args:
        target: where the hosts are.
        seconds: to wait for the answers of those that were started.

    Raises:
        DeploymentError: there are no hosts, AWS does not start them, or they do not answer.
    """
    started = start_stopped(target)
    present = hosts()

    def answers(name: str) -> bool:
        return _answers(present[name], seconds if name in started else 0)

    with ThreadPoolExecutor(len(present)) as pool:
        answered = dict(zip(present, pool.map(answers, present), strict=True))
    if silent := [name for name in started if not answered[name]]:
        raise DeploymentError(
            f"{named(silent)} started, but there is no answer over SSH: your address may be another "
            "now; `make up` mends that."
        )


def _answers(host: Host, seconds: float) -> bool:
    """Knock, again and again for so long; tell whether the host answered."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            host.remote.read(KNOCK)
        except SilentError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        else:
            return True
