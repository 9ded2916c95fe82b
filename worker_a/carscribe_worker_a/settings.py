"""What worker A is told beside what both workers are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from carscribe_common.settings import Settings, number, setting

_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RANGE = re.compile(r"([1-9][0-9]{0,11})(-([1-9][0-9]{0,11})?)?")


class Range(NamedTuple):
    """All n from ``first`` to ``last``, both included; without end where ``last`` is None."""

    first: int
    last: int | None

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first}-{'' if self.last is None else self.last}"


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
    if text == "true":  # what releases before 1.0 said: all of them
        return Resend(text, (Range(1, None),))
    token, colon, ranges = text.partition(":")
    if not colon or not _TOKEN.fullmatch(token):
        raise ValueError(text)
    return Resend(token, tuple(map(_range, ranges.split(",") if ranges else ())))


def _range(text: str) -> Range:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    first = int(match[1])
    if match[2] is None:
        return Range(first, first)
    last = None if match[3] is None else int(match[3])
    if last is not None and last < first:
        raise ValueError(text)
    return Range(first, last)


@dataclass(frozen=True, kw_only=True)
class SettingsA(Settings):
    """Settings of worker A."""

    car_confidence_percent: float = number(0, 100, 90.0)
    alive_seconds: float = number(1, 3600, 120.0)
    resend: Resend | None = setting(  # noqa: RUF009 - it returns a dataclass field
        _resend, "a name, a colon and the n to send again, such as 20261125T0310:3,7-12,2000-", None
    )
