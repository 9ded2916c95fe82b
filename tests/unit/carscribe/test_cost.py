"""What is said of the costs before anything is made."""

from __future__ import annotations

import pytest

from carscribe import cost


def test_an_hour_of_two_hosts() -> None:
    """Two t3.micro, two addresses and 18 GiB of gp3 come to 3.27 cents an hour."""
    expected = 2 * 0.0104 + 2 * 0.005 + 18 * 0.08 / 730
    assert cost.usd_per_hour("t3.micro", 1) == pytest.approx(expected)
    assert "about $0.033:" in cost.an_hour("us-east-1")


def test_another_region_is_about() -> None:
    """The prices are those of us-east-1, and elsewhere that is said."""
    assert "eu-central-1 differs" in cost.an_hour("eu-central-1")
    assert "differs" not in cost.an_hour("us-east-1")


def test_a_type_without_a_price_is_not_guessed() -> None:
    """An instance type that is not in the table gets no number, but a place to look it up."""
    said = cost.an_hour("us-east-1", "m5.large")
    assert "2 m5.large" in said
    assert "ec2/pricing" in said
    assert "$" not in said


@pytest.mark.parametrize(
    ("images", "said"),
    [(0, "0 images costs $0.000"), (1, "1 image costs $0.001"), (2500, "2500 images costs $2.500")],
)
def test_a_run(images: int, said: str) -> None:
    """Each image is a tenth of a cent, and at most as much again."""
    assert said in cost.a_run(images)
    assert "at most as much again" in cost.a_run(images)


def test_a_run_over_an_uncounted_bucket() -> None:
    """Where nobody has counted, the price of a thousand is said."""
    assert "$1.00 to $2.00 for each thousand" in cost.a_run(None)
