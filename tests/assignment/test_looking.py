"""What each mistake about images does to the output."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.assignment.conftest import RIGHT
from tests.assignment.looking import Mistake, Program, natural

if TYPE_CHECKING:
    from tests.emulator import Emulator


def output(program: Program) -> list[str]:
    """Return what A and B would write, one after the other and without a queue."""
    cars = [key for key in program.keys() if program.is_car(key)]  # noqa: SIM118 # no mapping
    lines = [f"{key}: {text}" for key in cars if (text := program.text(key)) is not None]
    return sorted(lines, key=natural)


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        (Mistake.NONE, RIGHT),
        (Mistake.CONTAINS_CAR, ["1.jpg: GO 77", "3.jpg: FRAGILE", *RIGHT[1:]]),
        (Mistake.MAX_LABELS, ["1.jpg: GO 77", "11.jpg: B 11"]),
        (Mistake.MIN_CONFIDENCE, ["1.jpg: GO 77", "2.jpg: JUST 90", *RIGHT[1:]]),
        (
            Mistake.ALL_TEXTS,
            ["1.jpg: GO 77 | GO | 77", "4.jpg: HI 4 | HI | 4", "11.jpg: B 11 | B | 11"],
        ),
        (Mistake.UNSURE_TEXTS, ["1.jpg: GO 77 | sale", *RIGHT[1:]]),
        (Mistake.EMPTY_LINES, [*RIGHT[:2], "5.jpg: ", "11.jpg: B 11"]),
        (Mistake.CONTAINS_KEY, [*RIGHT, "11.jpg: B 11"]),
        (Mistake.FIRST_PAGE, ["1.jpg: GO 77", "11.jpg: B 11"]),
    ],
)
def test_what_comes_out(
    emulator: Emulator, bucket: str, mistake: Mistake, expected: list[str]
) -> None:
    """Cars that are none, texts and images twice, lines without a text, images that are missing."""
    assert (expected == RIGHT) == (mistake is Mistake.NONE)
    assert output(Program(emulator.client, bucket, "", mistake, page_size=4)) == expected


@pytest.mark.parametrize(("mistake", "times"), [(Mistake.NONE, 2), (Mistake.CLIENT_EACH, 15)])
def test_clients_that_are_built_for_each_image(
    emulator: Emulator,
    bucket: str,
    mistake: Mistake,
    times: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of the 15 calls opens a connection of its own, and on AWS makes a handshake for it."""
    connected = 0

    class Counting(socket.socket):
        def connect(self, address: object) -> None:
            nonlocal connected
            connected += 1
            super().connect(address)  # type: ignore[arg-type] # as it came

    monkeypatch.setattr(socket, "socket", Counting)
    output(Program(emulator.client, bucket, "", mistake))
    assert connected == times
