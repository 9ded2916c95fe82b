"""The root's key is no user's, so moto's STS says that it is the user `moto`."""

from __future__ import annotations

from typing import Any

from moto.sts.models import STSBackend

NOBODYS = ":user/moto"


def patch() -> None:
    """Name the account's root as AWS does: who has signed, and is neither a role nor a user."""
    original = STSBackend.get_caller_identity
    if original.__module__ == __name__:
        return

    def get_caller_identity(self: Any, access_key_id: str, region: str) -> tuple[str, str, str]:
        user_id, arn, account = original(self, access_key_id, region)
        if arn.endswith(NOBODYS):
            return account, f"arn:{self.partition}:iam::{account}:root", account
        return user_id, arn, account

    STSBackend.get_caller_identity = get_caller_identity
