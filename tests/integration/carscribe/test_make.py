"""The targets of the Makefile that need no deployment, as a person types them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.deployment.checkout import Copy

if TYPE_CHECKING:
    from tests.emulator import Emulator

ROOT = Path(__file__).resolve().parents[3]


def make(
    *words: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Call make in the checkout."""
    return subprocess.run(
        ["make", *words],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_try(tmp_path: Path) -> None:
    """`make try` prints the result of the sample images, in plain lines without a terminal."""
    told = make("try", f"OUT={tmp_path}")
    assert told.returncode == 0, told.stderr
    assert told.stdout == (ROOT / "images" / "expected-output.txt").read_text()
    assert "10 images, 6 cars, 4 of them with text, 0 failed." in told.stderr
    assert "\x1b" not in told.stderr


def test_an_environment_that_leads_elsewhere(tmp_path: Path) -> None:
    """All that a person may have set for other programs, in a path with a blank: the same result."""
    copy = Copy.make(tmp_path / "my projects" / "car scribe")
    told = make("-C", str(copy.root), "try", environment=copy.hostile(tmp_path))
    assert told.returncode == 0, told.stderr
    expected = (ROOT / "images" / "expected-output.txt").read_text()
    assert [
        line for line in told.stdout.splitlines() if "make" not in line
    ] == expected.splitlines()
    assert "Not used: IMAGES, OUT of your environment." in told.stderr
    assert "Warning" not in told.stderr


def test_doctor(emulator: Emulator) -> None:
    """`make doctor` has ticks alone where all is well."""
    told = make("doctor", "TARGET=aws", environment=emulator.env)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "✓ Terraform" in told.stdout
    assert "✗" not in told.stdout


def test_record(emulator: Emulator, tmp_path: Path) -> None:
    """`make record` says the cost, and with YES=1 keeps the answers beside the images."""
    shutil.copy(ROOT / "images" / "2.jpg", tmp_path)
    told = make("record", f"IMAGES={tmp_path}", environment=emulator.env)
    assert told.returncode != 0
    assert "about $0.002" in told.stderr
    assert not (tmp_path / "answers").exists()
    told = make("record", f"IMAGES={tmp_path}", "YES=1", environment=emulator.env)
    assert told.returncode == 0, told.stdout + told.stderr
    assert (tmp_path / "answers" / "2.jpg.json").exists()


def test_the_former_name_of_the_command_line() -> None:
    """`python -m carscribe.deploy COMMAND` is the same program."""
    told = subprocess.run(
        [sys.executable, "-m", "carscribe.deploy", "results", "--run-id", ".."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 78
    assert "RUN_ID is '..', which is no run id" in told.stderr


def test_the_package_is_a_program() -> None:
    """`python -m carscribe` needs no PYTHONPATH."""
    told = subprocess.run(
        [sys.executable, "-m", "carscribe", "--help"],
        cwd=ROOT,
        env={name: os.environ[name] for name in os.environ if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "make the hosts, bucket and queue, or mend them" in told.stdout
