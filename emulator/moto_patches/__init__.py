"""moto's private parts, mended: each function says what was wrong and what AWS does."""

from __future__ import annotations

from emulator.moto_patches import machines, paths, policies, reboots


def apply() -> None:
    """Mend moto in this process."""
    machines.mend()
    paths.mend()
    policies.mend()
    reboots.mend()
