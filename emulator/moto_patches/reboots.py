"""moto forgets a reboot at once; the local hosts have to hear of it.

AWS shows no trace of a reboot in its API either, so what is counted here is
told under /_carscribe/instances only.
"""

from __future__ import annotations

from typing import Any

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
