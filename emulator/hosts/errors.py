"""The one kind of failure that a user of the local hosts meets."""

from __future__ import annotations

INSTEAD = "'make try' runs the whole pipeline on this machine with Python alone."


class HostsError(Exception):
    """Says in one sentence what is wrong and what to do about it."""
