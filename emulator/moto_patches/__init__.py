"""Patches of moto's private parts: each says what was wrong and what AWS does.

tests/unit/emulator/test_moto_patches.py fails when moto needs one no more.
"""

from __future__ import annotations

from emulator.moto_patches import machines, paths, policies, reboots


def apply() -> None:
    """Patch moto in this process."""
    machines.patch()
    paths.patch()
    policies.patch()
    reboots.patch()
