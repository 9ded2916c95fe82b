"""boto3 as the project uses it, the newest one, and one that speaks the older protocol of SQS."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.clients.conftest import installed
from tests.emulator import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator import Emulator

PROGRAM = Path(__file__).with_name("boto3_session.py")
PYTHONS = {
    "own": Path(sys.executable),
    "newest": ROOT / ".venv-new-boto3" / "bin" / "python",
    "query": ROOT / ".venv-old-boto3" / "bin" / "python",
}


@pytest.mark.parametrize("kind", PYTHONS)
def test_a_session_of_s3_sqs_and_rekognition(
    emulator: Emulator, run: Callable[..., str], kind: str
) -> None:
    """Whatever a client sends and reads in its own way, it means and finds the same."""
    said = run(installed(PYTHONS[kind]), PROGRAM, env=emulator.env)
    version, protocol = said.split()
    if kind == "query":
        assert (version, protocol) == ("1.28.80", "query")
    else:
        assert protocol == "json"
        assert _numbers(version) >= _numbers(boto3.__version__)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
