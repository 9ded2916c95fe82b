"""What worker A is told beside what both workers are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from carscribe_common.ranges import Range, format_ranges, parse_ranges
from carscribe_common.settings import Settings, number, setting

_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Resend(NamedTuple):
    """Which cars are to be sent again.

    Attributes:
        token: names this request: each is done once, however often A is started.
        ranges: the n.
    """

    token: str
    ranges: tuple[Range, ...]

    def __str__(self) -> str:
        return f"{self.token}:{','.join(map(str, self.ranges))}"


def _resend(text: str) -> Resend | None:
    if text == "false":
        return None
    token, colon, ranges = text.partition(":")
    if text == "true":  # what releases before 1.0 said: all of them
        ranges = format_ranges((), open_from=1)
    elif not colon or not _TOKEN.fullmatch(token):
        raise ValueError(text)
    return Resend(token, parse_ranges(ranges))


@dataclass(frozen=True, kw_only=True)
class SettingsA(Settings):
    """Settings of worker A."""

    car_confidence_percent: float = number(0, 100, 90.0)
    alive_seconds: float = number(1, 3600, 120.0)
    resend: Resend | None = setting(  # noqa: RUF009 - it returns a dataclass field
        _resend, "a name, a colon and the n to send again, such as 20261125T0310:3,7-12,2000-", None
    )
