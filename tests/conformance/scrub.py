"""Takes out of a text what says whose account it is, and keeps apart what differs."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCOUNT = "000000000000"
# Source of prefixes: IAM user guide, "Unique identifiers"; ids of EC2: user guide, "Resource IDs".
KEY = r"(?P<key>\b(?:ABIA|ACCA|AGPA|AIDA|AIPA|AKIA|ANPA|ANVA|AROA|ASCA|ASIA)[A-Z0-9]{8,124}\b)"
UUID = r"(?P<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)"
RESOURCE = r"(?P<id>\b[a-z]{1,12}-(?:[0-9a-f]{17}|[0-9a-f]{8})\b)"
ADDRESS = r"(?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b)"
HOST = r"(?P<host>\bec2-\d+-\d+-\d+-\d+\b)"
WHO = r"(?<=:)(?P<who>(?:user|assumed-role|federated-user)/[^\s\"',]+)"
NUMBER = r"(?P<account>(?<![\w.])\d{12}(?![\w.]))"
FOUND = re.compile(f"{KEY}|{UUID}|{RESOURCE}|{ADDRESS}|{HOST}|{WHO}|{NUMBER}")


class Scrubber:
    """Writes the same word for the same thing, wherever it stands."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Take what else must not be seen: account number, user's name, session token."""
        self._words: dict[str, str] = {}
        self._secrets = sorted((s for s in secrets if s), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without them."""
        for secret in self._secrets:
            text = text.replace(secret, ACCOUNT if secret.isdigit() else "(secret)")
        return FOUND.sub(self._replaced, text)

    def _replaced(self, match: re.Match[str]) -> str:
        kind, found = str(match.lastgroup), match.group()
        if kind == "account":
            return ACCOUNT
        if kind == "ip" and not _is_public(found):
            return found
        prefix = found.partition("-")[0] if kind == "id" else kind
        return self._words.setdefault(found, f"({prefix} {len(self._words) + 1})")


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False
