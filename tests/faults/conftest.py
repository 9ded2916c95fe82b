"""What the tests of faults share: trials, and the table at the end of the session."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.faults.harness import Outcome, Trial
from tests.faults.matrix import table, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.pipeline import Pipeline

OUTCOMES: list[Outcome] = []
"""Of all trials of this session, for the table."""


@pytest.fixture
def trial(pipeline: Pipeline, request: pytest.FixtureRequest) -> Iterator[Callable[..., Trial]]:
    """Begin a trial with a name for the table and a seed."""
    begun: list[Trial] = []

    def begin(fault: str, seed: int, **arguments: int) -> Trial:
        begun.append(Trial(pipeline, fault, seed, **arguments))
        return begun[-1]

    yield begin
    # A report finds its way to whoever prints the table, also from another process.
    request.node.user_properties += [
        ("outcome", asdict(outcome)) for trial in begun for outcome in trial.outcomes
    ]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the outcomes."""
    if report.when == "teardown":
        OUTCOMES.extend(
            Outcome(**cast("dict[str, Any]", value))
            for name, value in report.user_properties
            if name == "outcome"
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, and keep it."""
    if OUTCOMES:
        terminalreporter.section("faults")
        terminalreporter.write_line(table(OUTCOMES))
        write(OUTCOMES)
