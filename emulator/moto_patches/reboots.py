"""moto forgets a reboot at once; the local hosts have to hear of it.

AWS shows no trace of a reboot in its API either, so what is counted here is
told under /_carscribe/instances only.
"""

from __future__ import annotations

from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance


def patch() -> None:
    """Count the reboots of each instance."""
    if hasattr(Instance, "carscribe_reboots"):
        return
    original = Instance.reboot

    def reboot(self: Any) -> None:
        original(self)
        self.carscribe_reboots += 1

    Instance.carscribe_reboots = 0
    Instance.reboot = reboot


def instances() -> dict[str, dict[str, Any]]:
    """Return the state and the count of reboots of each instance that exists, by its id."""
    return {
        instance.id: {"state": instance.state, "reboots": instance.carscribe_reboots}
        for backend in list(ec2_backends[DEFAULT_ACCOUNT_ID].values())
        for reservation in list(backend.reservations.values())
        for instance in reservation.instances
    }
