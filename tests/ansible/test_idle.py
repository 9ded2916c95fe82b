"""The program that switches an idle host off: when it does, and whom it warns."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "ansible/roles/idle/files/carscribe-idle.sh"
NEVER = "ActiveState=inactive InactiveEnterTimestampMonotonic=0"
AT_WORK = "ActiveState=active InactiveEnterTimestampMonotonic=0"
ENDED = "ActiveState=inactive InactiveEnterTimestampMonotonic=77"
FAILED = "ActiveState=failed InactiveEnterTimestampMonotonic=77"
AGAIN = "ActiveState=failed InactiveEnterTimestampMonotonic=99"


def minutes_until_off(folder: Path, minutes: int, looks: list[str]) -> tuple[int | None, str]:
    """Play a host that is looked at once a minute.

    Returns:
        After how many minutes it was switched off, or None if it was not while there was
        something to look at; and what was said to all who are logged in.
    """
    (folder / "looks").write_text("".join(f"{look}\n" for look in looks))
    (folder / "slept").touch()
    programs = {
        # The kernel would let a minute pass; where nothing is left to see, this ends it.
        "sleep": f"echo $1 >> {folder}/slept; [ -s {folder}/looks ]",
        "systemctl": f"if [ $1 = poweroff ]; then touch {folder}/off; else"
        f" head -n 1 {folder}/looks | tr ' ' '\\n'; sed -i 1d {folder}/looks; fi",
        "wall": f'echo "$*" >> {folder}/said',
        "logger": "true",
    }
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    subprocess.run(
        ["sh", str(PROGRAM), "carscribe-worker-a.service", str(minutes)],
        env={"PATH": f"{folder}:/usr/bin:/bin"},
        check=True,
        timeout=60,
    )
    slept = (folder / "slept").read_text().split()
    assert set(slept) == {"60"}
    said = (folder / "said").read_text() if (folder / "said").exists() else ""
    return len(slept) if (folder / "off").exists() else None, said


@pytest.mark.parametrize(
    ("minutes", "looks", "off_after"),
    [
        (1, [NEVER] * 3, 1),
        (3, [NEVER] * 5, 3),
        (3, [NEVER] * 2, None),
        (3, [AT_WORK] * 9, None),
        (3, [AT_WORK] * 9 + [ENDED] * 5, 9 + 1 + 3),  # counted from when it is seen
        (3, [NEVER, NEVER, ENDED, ENDED, ENDED, ENDED], 3 + 3),  # a run between two looks
        (2, [FAILED, AGAIN, AGAIN, AGAIN], 4),
    ],
)
def test_a_host_is_off_after_minutes_without_a_run(
    tmp_path: Path, minutes: int, looks: list[str], off_after: int | None
) -> None:
    """Only whole minutes without a run count, and a run begins the count anew."""
    assert minutes_until_off(tmp_path, minutes, looks)[0] == off_after


def test_who_is_logged_in_is_warned(tmp_path: Path) -> None:
    """Ten minutes and one minute before, with what puts it off."""
    said = minutes_until_off(tmp_path, 12, [NEVER] * 12)[1].splitlines()
    assert [line.partition(";")[0] for line in said] == [
        "This host has no run and stops itself in 10 min",
        "This host has no run and stops itself in 1 min",
    ]
    assert all("systemctl restart carscribe-idle" in line for line in said)
