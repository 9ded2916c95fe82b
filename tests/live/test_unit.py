"""The systemd units, as systemd has understood them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.live.reached import Worker

EXPOSURE_MAX = 2.0

HARDENING = {
    "CapabilityBoundingSet": "",
    "DevicePolicy": "closed",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "UMask": "0077",
}


def test_the_unit_is_enabled(worker: Worker) -> None:
    """A boot goes on with a run in progress."""
    assert worker.host.service(worker.unit).is_enabled, worker.journal


def test_the_unit_is_not_failed(worker: Worker) -> None:
    """The worker rests or runs; its last end was no failure."""
    # is-active fails for a unit at rest, which is as good.
    assert worker.say(f"systemctl is-active {worker.unit} || true").strip() in {
        "active",
        "inactive",
    }, worker.journal


def test_idle_minutes_are_counted_or_not(worker: Worker) -> None:
    """The host stops itself after as many minutes as were asked for, and never where 0 were."""
    minutes = int(worker.variables["carscribe_idle_stop_minutes"])
    unit = worker.host.service("carscribe-idle")
    assert (unit.is_enabled, unit.is_running) == (minutes > 0, minutes > 0)
    if minutes:
        said = worker.setting("ExecStart", "carscribe-idle")
        assert f"carscribe-idle {worker.unit}.service {minutes} ;" in said


def test_exposure_is_low(worker: Worker) -> None:
    """`systemd-analyze security` rates worker and check at 2.0 or better."""
    for unit in (worker.unit, f"{worker.unit}-check"):
        said = worker.say(f"systemd-analyze security --no-pager {unit}.service | tail -n 1")
        rating = re.search(r"exposure level for \S+: ([\d.]+)", said)
        assert rating, said
        assert float(rating[1]) <= EXPOSURE_MAX, said


@pytest.mark.parametrize("name", sorted(HARDENING))
def test_hardening(worker: Worker, name: str) -> None:
    """Each hardening setting is in force, in the check's sandbox as in the worker's."""
    for unit in (worker.unit, f"{worker.unit}-check"):
        assert worker.setting(name, unit) == HARDENING[name]


def test_listening_is_not_among_the_system_calls(worker: Worker) -> None:
    """The system call filter lets the worker connect, and neither bind, listen nor accept."""
    allowed = set(worker.setting("SystemCallFilter").split())
    assert "connect" in allowed
    assert not allowed & {"accept", "accept4", "bind", "listen"}


def test_it_runs_as_its_own_user(worker: Worker) -> None:
    """The worker runs as its own user, never as root."""
    assert worker.setting("User") == worker.unit


def test_it_is_restarted_on_failure_within_limits(worker: Worker) -> None:
    """A failed worker is restarted, at most a few times an hour, and never after success."""
    assert worker.setting("Restart") == "on-failure"
    assert worker.setting("StartLimitIntervalUSec") == "1h"
    assert 0 < int(worker.setting("StartLimitBurst")) <= 20


def test_what_a_restart_cannot_mend_is_not_restarted(worker: Worker) -> None:
    """Incomplete runs, a journal in use, permissions and settings are left to a person."""
    assert worker.setting("RestartPreventExitStatus").split() == ["65", "73", "77", "78"]


def test_a_boot_without_a_run_starts_nothing(worker: Worker) -> None:
    """The unit's condition is the file that names the run in progress."""
    unit = worker.say(f"systemctl cat {worker.unit}.service")
    assert f"ConditionPathExists={worker.state}/current-run" in unit


def test_a_worker_requires_its_volume(worker: Worker) -> None:
    """The unit asserts that its state directory is a mount point."""
    unit = worker.say(f"systemctl cat {worker.unit}.service")
    assert f"AssertPathIsMountPoint={worker.state}" in unit
