"""What is said of the costs before anything is made."""

from __future__ import annotations

import pytest

from carscribe import cost
from carscribe_common import prices


def test_an_hour_of_two_hosts() -> None:
    """Two t3.micro, two addresses and 18 GiB of gp3 come to 3.27 cents an hour."""
    expected = 2 * 0.0104 + 2 * 0.005 + 18 * 0.08 / 730
    assert cost.usd_per_hour("t3.micro", 1) == pytest.approx(expected)
    assert "about $0.033:" in cost.an_hour("us-east-1")


def test_an_hour_of_several_pairs() -> None:
    """All of it as often as there are pairs; hosts that are stopped cost nothing."""
    one = cost.usd_per_hour("t3.micro", 1)
    assert one is not None
    assert cost.usd_per_hour("t3.micro", 1, pairs=3) == pytest.approx(3 * one)
    stopped = cost.usd_per_hour("t3.micro", 1, pairs=3, stopped=2)
    assert stopped == pytest.approx(3 * one - 2 * 0.0104)
    said = cost.an_hour("us-east-1", pairs=3)
    assert "about $0.098: 6 t3.micro, 6 public addresses, 12 volumes." in said
    assert "Bursts add $0.54 at the most, while all compute flat out" in said


def test_each_pair_lists_the_bucket() -> None:
    """A thousand objects a call, each call half a hundredth of a cent; one pair's is not worth a word."""
    assert "Listing them 4 times costs $0.020." in cost.a_run(1_000_000, 50, None, 4)
    for images, pairs in ((1_000_000, 1), (49_000, 4)):
        assert "Listing" not in cost.a_run(images, 50, None, pairs)


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
    [
        (0, "0 images costs $0.000, and at most $0.000 more"),
        (1, "1 image costs $0.001, and at most $0.001 more"),
        (2500, "2500 images costs $2.500, and at most $2.500 more"),
        (1_000_000, "1000000 images costs $1000.000, and at most $800.000 more"),
    ],
)
def test_a_run(images: int, said: str) -> None:
    """Each image of the first million is a tenth of a cent, and each car as much again."""
    assert f"{said} for those with a car." in cost.a_run(images, 50, 0.033)


def test_a_long_run_costs_hours_too() -> None:
    """At the quota's pace, which a small quota makes long."""
    said = "At 50 a second it takes 5.6 h, in which the deployment costs $0.18."
    assert said in cost.a_run(1_000_000, 50, 0.0328)
    assert "At 5 a second it takes 55.6 h." in cost.a_run(1_000_000, 5, None)
    assert "a second" not in cost.a_run(10_000, 50, 0.0328)


def test_a_run_over_an_uncounted_bucket() -> None:
    """Where nobody has counted, the price of a thousand is said."""
    said = "A run costs $1.00 to $2.00 for each thousand images."
    assert cost.a_run(None, 50, 0.0328) == said
    of_four = f"{said} Listing a million objects 4 times costs $0.020."
    assert cost.a_run(None, 50, 0.0328, 4) == of_four


@pytest.mark.parametrize(
    ("instance_type", "usd"), [("t3.micro", 0.18), ("t3.nano", 0.19), ("t4g.micro", 0.144)]
)
def test_what_bursts_can_add(instance_type: str, usd: float) -> None:
    """Two hosts of two vCPUs each, above what they have for good."""
    assert 2 * prices.burst_usd_per_hour(instance_type) == pytest.approx(usd)
    assert f"Bursts add ${usd:.2f} at the most" in cost.an_hour("us-east-1", instance_type)


def test_what_knows_no_bursts_adds_nothing() -> None:
    """Other families compute flat out for their price."""
    assert prices.burst_usd_per_hour("m5.large") == 0
    assert prices.burst_usd_per_hour("t3.2xlarge") == 0


@pytest.mark.parametrize(
    ("calls", "usd"),
    [
        (0, 0),
        (1, 0.001),
        (1_000_000, 1000),
        (1_000_001, 1000.0008),
        (5_000_000, 4200),
        (5_000_001, 4200.0006),
        (35_000_000, 22_200),
        (35_000_001, 22_200.0004),
        (100_000_000, 48_200),
    ],
)
def test_the_tiers_of_rekognition(calls: int, usd: float) -> None:
    """The first million of a month, the next four, the next thirty, and all others."""
    assert prices.rekognition_usd(calls) == pytest.approx(usd, abs=1e-7)
