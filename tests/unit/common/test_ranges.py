"""Sets of n as texts: what B lacks comes to A as it was."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carscribe_common.ranges import RANGES_MAX, format_ranges, parse_ranges


@pytest.mark.parametrize(
    ("numbers", "open_from", "text"),
    [
        ([], None, ""),
        ([3], None, "3"),
        ([1, 2, 3, 5, 7, 8], None, "1-3,5,7-8"),
        ([4], 9, "4,9-"),
        ([], 1, "1-"),
    ],
)
def test_ranges_are_written_short(numbers: list[int], open_from: int | None, text: str) -> None:
    """Neighbours are one range; what is open at its end stands last."""
    assert format_ranges(numbers, open_from=open_from) == text


@given(st.sets(st.integers(1, 60)))
def test_all_that_was_written_is_read_again(numbers: set[int]) -> None:
    """And nothing else."""
    ranges = parse_ranges(format_ranges(sorted(numbers)))
    assert {n for first, last in ranges for n in range(first, (last or 0) + 1)} == numbers


def test_very_many_gaps_end_open() -> None:
    """A text has a bounded length, and lacks none of the numbers: no more of them are read."""
    ranges = parse_ranges(format_ranges(count(1, 2)))
    assert len(ranges) == RANGES_MAX
    assert ranges[-1] == (2 * RANGES_MAX - 1, None)
    assert ranges[-2] == (2 * RANGES_MAX - 3, 2 * RANGES_MAX - 3)
