"""Terraform is left the time to end in order: killed, it would lose what it made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from carscribe import provider, provision
from tests.terraform.deployments import ROOT, environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator import Emulator

FAKE = """#!/bin/sh
case "$*" in
  *version*) echo '{"terraform_version": "1.11.4", "platform": "linux_amd64"}' ;;
  *console*) echo '"{\\"name\\": \\"carscribe\\", \\"region\\": \\"us-east-1\\", \\"tags\\": {}}"' ;;
  *apply*)
    trap 'sleep 1; echo ended in order; exit 1' INT TERM
    echo started
    for i in $(seq 100); do sleep 0.1; done
    echo never interrupted ;;
esac
"""


@pytest.mark.parametrize(
    ("number", "said", "code"),
    [
        (signal.SIGINT, "ended in order\n", 1),
        (signal.SIGTERM, "ended in order\n", 1),
        (signal.SIGHUP, "ended in order\n", 1),
        (signal.SIGKILL, "never interrupted\n", -signal.SIGKILL),
    ],
)
def test_an_interrupted_apply_ends_in_order(
    emulator: Emulator, tmp_path: Path, number: signal.Signals, said: str, code: int
) -> None:
    """Ctrl-C in a terminal, its end, and SIGTERM from anywhere, wait for Terraform's own end.

    What kills the command and all that it started does not kill Terraform.
    """
    script = tmp_path / "terraform"
    script.write_text(FAKE)
    script.chmod(0o755)
    version = provider.locked_version(provision.LOCK_FILE)
    (tmp_path / provider.PROVIDER / version / "linux_amd64").mkdir(parents=True)
    command = [sys.executable, "-m", "carscribe", "terraform", "apply", "--target", "local"]
    with subprocess.Popen(
        [*command, "--state-dir", str(tmp_path / "state"), "-var=ssh_private_key_file=key"],
        cwd=ROOT,
        env=environment(
            emulator,
            PATH=f"{tmp_path}:{os.environ['PATH']}",
            TERRAFORM_PLUGIN_DIR=str(tmp_path),
        ),
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        time.sleep(0.2)
        if number is not signal.SIGTERM:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        assert process.stdout.read() == said
    assert process.returncode == code
