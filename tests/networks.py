"""Networks for the tests' deployments, beside whatever else this machine has."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from emulator.hosts import network
from emulator.hosts.deployment import Deployment
from emulator.hosts.errors import HostsError

if TYPE_CHECKING:
    from pathlib import Path


def free(state: Path, numbers: range) -> int:
    """Return one of the numbers N whose 10.N.0.0/16 nobody else on this machine has.

    Args:
        state: the folder of the deployment that is to have it.
        numbers: what to choose from; deployments that begin at the same time need others.
    """
    for number in random.sample(numbers, len(numbers)):
        try:
            network.check_free(Deployment(state=state, cache=state), [f"10.{number}.0.0/16"])
        except HostsError:
            continue
        return number
    raise AssertionError(f"None of 10.{numbers[0]} to 10.{numbers[-1]} is free on this machine.")
