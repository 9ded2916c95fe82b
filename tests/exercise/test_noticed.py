"""What `make exercise` says of a program that is wrong in the usual ways."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.emulator import ROOT

LACKS = {
    "test_nothing_is_left_on_the_queue",
    "test_the_end_may_come_before_the_last_car",
    "test_another_run_s_message_is_deleted",
    "test_a_kill_loses_nothing",
}
"""Each of them, whatever the order in which the queue hands out its messages."""


def test_a_naive_program_lacks_what_a_queue_asks_for() -> None:
    """It reads six images right, and each thing that it lacks is named."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-k",
            "not hidden",
            "tests/exercise/test_worker_b.py",
        ],
        cwd=ROOT,
        env={**os.environ, "CARSCRIBE_CMD": f"{sys.executable} {ROOT}/tests/exercise/naive.py"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-3000:]
    failed = set(re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE))
    assert failed >= LACKS
    assert "test_the_output_is_right" not in failed
    assert "ERROR" not in done.stdout
