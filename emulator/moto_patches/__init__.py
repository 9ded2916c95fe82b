"""Patches of moto's private parts: each says what was wrong and what AWS does.

tests/unit/emulator/test_moto_patches.py fails when moto needs one no more.
"""

from __future__ import annotations

from emulator.moto_patches import identities, paths, policies


def apply() -> None:
    """Patch moto in this process, but for what is imported when it is first asked."""
    identities.patch()
    paths.patch()
    policies.patch()


def apply_to(service: str) -> None:
    """Patch a service before it is asked. Nobody else waits for EC2, which takes a second to import."""
    if service in {"ec2", "ssm"}:
        from emulator.moto_patches import machines, reboots  # noqa: PLC0415 # see above

        machines.patch()
        reboots.patch()
