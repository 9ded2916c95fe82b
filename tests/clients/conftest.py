"""Where the clients are that nobody here wrote, and how one of them is run to its end."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.emulator import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

JAVASCRIPT = ROOT / "tests" / "clients" / "javascript"
CLIENT_SECONDS = 120


def installed(path: Path) -> str:
    """Return a program that the Makefile puts into place."""
    assert path.exists(), f"{path} is missing: make test-clients installs it"
    return str(path)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """Run a program that ends where a client errs; return what it printed."""

    def run(*command: str | Path, env: dict[str, str]) -> str:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=tmp_path,
            # Node.js may be the one that set-up put beside the project's Python.
            env={"PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}", **env},
            capture_output=True,
            text=True,
            timeout=CLIENT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
