"""boto3 as the project uses it, and one that speaks the older protocol of SQS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.emulator import ROOT

if TYPE_CHECKING:
    from tests.emulator import StandIn

PROGRAM = Path(__file__).with_name("boto3_session.py")
OLD = ROOT / ".venv-old-boto3" / "bin" / "python"


@pytest.mark.parametrize(
    ("python", "said"), [(Path(sys.executable), "json"), (OLD, "1.28.80 query")], ids=["new", "old"]
)
def test_a_session_of_s3_sqs_and_rekognition(
    standin: StandIn, python: Path, said: str, tmp_path: Path
) -> None:
    """Whatever a client sends and reads in its own way, it means and finds the same."""
    assert python.exists(), "make test-clients installs it"
    done = subprocess.run(
        [str(python), str(PROGRAM)],
        cwd=tmp_path,
        env={**standin.env, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(said)
