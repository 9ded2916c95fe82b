"""Sets of n as texts, such as ``3,7-12,2000-``: what B lacks, and what A is to send again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

RANGES_MAX = 1000
"""A text has no more ranges than these; what lies behind is in the last one, open at its end."""

_RANGE = re.compile(r"([1-9][0-9]{0,11})(-([1-9][0-9]{0,11})?)?")


class Range(NamedTuple):
    """All n from ``first`` to ``last``, both included; without end where ``last`` is None."""

    first: int
    last: int | None

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first}-{'' if self.last is None else self.last}"


def format_ranges(numbers: Iterable[int], *, open_from: int | None = None) -> str:
    """Return a text for numbers that ascend.

    Args:
        numbers: each once; no more of them are read than the text needs.
        open_from: greater than all of them; it and all behind it belong to the set, too.
    """
    ranges: list[Range] = []
    for n in numbers:
        if ranges and ranges[-1].last == n - 1:
            ranges[-1] = Range(ranges[-1].first, n)
        elif len(ranges) == RANGES_MAX - 1:
            open_from = n
            break
        else:
            ranges.append(Range(n, n))
    if open_from is not None:
        ranges.append(Range(open_from, None))
    return ",".join(map(str, ranges))


def parse_ranges(text: str) -> tuple[Range, ...]:
    """Return the ranges of a text.

    Raises:
        ValueError: it is none, or has more than RANGES_MAX.
    """
    if not text:
        return ()
    parts = text.split(",")
    if len(parts) > RANGES_MAX:
        raise ValueError(text)
    return tuple(map(_parse, parts))


def _parse(part: str) -> Range:
    match = _RANGE.fullmatch(part)
    if match is None:
        raise ValueError(part)
    first = int(match[1])
    if match[2] is None:
        return Range(first, first)
    last = None if match[3] is None else int(match[3])
    if last is not None and last < first:
        raise ValueError(part)
    return Range(first, last)
