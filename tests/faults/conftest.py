"""What the tests of faults share: trials, and the table at the end of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.harness import OUTCOMES, Trial
from tests.faults.matrix import table, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pipeline import Pipeline


@pytest.fixture
def trial(pipeline: Pipeline) -> Callable[..., Trial]:
    """Begin a trial with a name for the table and a seed."""

    def begin(fault: str, seed: int, **arguments: int) -> Trial:
        return Trial(pipeline, fault, seed, **arguments)

    return begin


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, and keep it."""
    if OUTCOMES:
        terminalreporter.section("faults")
        terminalreporter.write_line(table(OUTCOMES))
        write(OUTCOMES)
