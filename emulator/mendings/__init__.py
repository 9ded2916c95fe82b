"""moto's private parts, mended: each function says what was wrong and what AWS does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.mendings import machines, paths, policies, queue_attributes, queues, reboots

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.faults import Faults


def apply(faults: Callable[[], Faults]) -> None:
    """Mend moto in this process; `faults` returns those that are switched on now."""
    machines.mend()
    paths.mend()
    policies.mend()
    queue_attributes.mend()
    queues.mend(faults)
    reboots.mend()
