"""From scores to confidences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.recognizer.labels import confidence_percent

ANY_SCORE = st.floats(min_value=0.0, max_value=1.0)


@given(ANY_SCORE, ANY_SCORE)
def test_a_higher_score_is_never_less_sure(one: float, other: float) -> None:
    """The calibration is monotonic, so it keeps the detector's order."""
    low, high = sorted((one, other))
    assert confidence_percent(low) <= confidence_percent(high)


@given(st.floats(allow_nan=False))
def test_a_confidence_is_a_percentage(score: float) -> None:
    """Whatever the score, the confidence is one that the API could return."""
    assert 0.0 <= confidence_percent(score) <= 100.0


@pytest.mark.parametrize(
    ("score", "percent"), [(0.0, 0.0), (0.10, 50.0), (0.20, 70.0), (0.30, 90.0), (1.0, 100.0)]
)
def test_the_joints_are_as_documented(score: float, percent: float) -> None:
    """The numbers are those of docs/recognizer.md."""
    assert confidence_percent(score) == pytest.approx(percent)


def test_ninety_is_at_a_score_of_three_tenths() -> None:
    """Just above 0.30 is strictly above 90, just below is not."""
    assert confidence_percent(0.2999) < 90.0
    assert confidence_percent(0.3001) > 90.0
