"""Sets and tables of n."""

from __future__ import annotations

from carscribe_common.numbers import KeyOfNumber, Numbers


def numbers(*members: int) -> Numbers:
    """Return a set of these."""
    found = Numbers()
    for n in members:
        found.add(n)
    return found


def test_run_without_a_car_is_covered_by_nothing() -> None:
    """With expected = 0 there is nothing to wait for."""
    assert numbers().covers(0)


def test_every_n_must_be_there() -> None:
    """A gap anywhere, the first and the last included, is not covered, and is named."""
    assert numbers(1, 2, 3).covers(3)
    assert not numbers(2, 3).covers(3)
    assert not numbers(1, 2).covers(3)
    assert list(numbers(2, 4).missing(5)) == [1, 3, 5]


def test_a_higher_n_does_not_make_up_for_a_gap() -> None:
    """As many members as expected are not enough: they must be the right ones."""
    assert not numbers(1, 2, 99).covers(3)


def test_an_n_counts_once() -> None:
    """Adding an n twice changes nothing."""
    found = numbers(1, 1, 4095, 4096, 4097)
    assert len(found) == 4
    assert 4096 in found
    assert 4098 not in found
    assert found.highest == 4097


def test_a_stray_huge_n_costs_one_chunk() -> None:
    """An n of twelve digits does not allocate all below it."""
    found = numbers(1, 999_999_999_999)
    assert len(found._chunks) == 2


def test_an_n_is_held_by_one_key() -> None:
    """Another key is told from the one that holds n; an n that nobody holds is free."""
    keys = KeyOfNumber()
    keys[7] = "2.jpg"
    assert keys.is_other(7, "3.jpg")
    assert not keys.is_other(7, "2.jpg")
    assert not keys.is_other(8, "3.jpg")
    assert not keys.is_other(7 + 4096, "3.jpg")
