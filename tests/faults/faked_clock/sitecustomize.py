"""Let Python sleep under libfaketime.

libfaketime 0.9.10 fails time.sleep with EINVAL where it leaves the monotonic
clock alone: Python waits on that clock by clock_nanosleep, with an absolute
time. select waits for the same time in a way that it lets pass.
"""

from __future__ import annotations

import select
import time
from typing import Any


def _sleep(seconds: Any) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = _sleep
