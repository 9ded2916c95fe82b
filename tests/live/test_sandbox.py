"""What a process in the unit's own sandbox can do, tried out: nothing but its work."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.live.reached import Worker

SANDBOX = [
    "User",
    "Group",
    "AmbientCapabilities",
    "CapabilityBoundingSet",
    "DevicePolicy",
    "KeyringMode",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "PrivateDevices",
    "PrivateIPC",
    "PrivateTmp",
    "PrivateUsers",
    "ProcSubset",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectProc",
    "ProtectSystem",
    "RemoveIPC",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "StateDirectory",
    "StateDirectoryMode",
    "SystemCallArchitectures",
    "SystemCallErrorNumber",
    "SystemCallFilter",
    "UMask",
]
"""The settings of the unit that a probe takes over, as they stand in its file."""

PROBE = """
import glob, json, os, socket, subprocess, sys
tried = {}
def attempt(name, action):
    try:
        tried[name] = repr(action())
    except Exception as error:
        tried[name] = type(error).__name__
def listen(family, address):
    with socket.socket(family) as s:
        s.bind(address); s.listen(1)
def write(path):
    with open(path, "w") as f:
        f.write("x")
    os.unlink(path)
state = sys.argv[1]
attempt("write its state", lambda: write(state + "/.probe"))
for place in ("/etc", "/opt", "/usr", "/var/lib", "/var/tmp/..", "/boot", "/run", "/home", "/root"):
    attempt("write " + place, lambda: write(place + "/.carscribe-probe"))
root = os.path.expanduser("~root")
attempt("read homes", lambda: glob.glob("/home/*/.*") + glob.glob(root + "/.*") or os.listdir(root))
attempt("read shadow", lambda: open("/etc/shadow").read())
attempt("see other processes", lambda: [p for p in os.listdir("/proc") if p == "1"] or 1 / 0)
attempt("become root", lambda: os.setuid(0))
attempt("sudo", lambda: subprocess.run(["sudo", "-n", "true"], check=True, capture_output=True))
attempt("unshare", lambda: subprocess.run(["unshare", "-r", "true"], check=True, capture_output=True))
attempt("mount", lambda: subprocess.run(
    ["mount", "-t", "tmpfs", "x", state], check=True, capture_output=True))
attempt("setuid file", lambda: (write(state + "/.s"), open(state + "/.s", "w").close(),
    os.chmod(state + "/.s", 0o4755)))
if os.path.exists(state + "/.s"):
    os.unlink(state + "/.s")
attempt("listen", lambda: listen(socket.AF_INET, ("0.0.0.0", 0)))
attempt("listen6", lambda: listen(socket.AF_INET6, ("::", 0)))
attempt("raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("connect", lambda: socket.socket().connect_ex(("127.0.0.1", 9)) and None)
print(json.dumps(tried))
"""

ALLOWED = {"write its state", "connect"}


def tried(worker: Worker) -> dict[str, str]:
    """Run the probe as a process in the unit's sandbox; return what came of each attempt.

    A transient unit with the settings that the unit's file has: systemd-run
    takes what `systemctl cat` shows.
    """
    lines = worker.say(f"systemctl cat {worker.unit}.service").splitlines()
    settings = [line for line in lines if line.partition("=")[0] in SANDBOX]
    assert len({line.partition("=")[0] for line in settings}) >= len(SANDBOX) - 2
    words = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect"]
    words += [word for line in settings for word in ("-p", line)]
    words += ["/usr/bin/python3", "-c", PROBE, worker.state]
    return dict(json.loads(worker.say_once(shlex.join(words))))


def test_it_can_write_to_its_state_directory_alone(worker: Worker) -> None:
    """Every write outside the state directory fails, and the one inside works."""
    attempts = {name: end for name, end in tried(worker).items() if name.startswith("write ")}
    assert attempts.pop("write its state") == "None"
    assert len(attempts) == 9
    assert all(end.endswith("Error") for end in attempts.values()), attempts


def test_it_can_read_nobody_elses_files(worker: Worker) -> None:
    """Homes, password hashes and other processes are out of sight."""
    ends = tried(worker)
    for name in ("read homes", "read shadow", "see other processes"):
        assert ends[name].endswith("Error"), f"{name}: {ends[name]}"


def test_it_cannot_gain_privileges(worker: Worker) -> None:
    """No way to root, to a namespace, a mount or a set-user-id file."""
    ends = tried(worker)
    for name in ("become root", "sudo", "unshare", "mount", "setuid file"):
        assert ends[name].endswith("Error"), f"{name}: {ends[name]}"


def test_it_cannot_listen(worker: Worker) -> None:
    """No port can be bound, no raw packet sent; an outgoing connection can be tried."""
    ends = tried(worker)
    for name in ("listen", "listen6", "raw socket", "packet socket"):
        assert ends[name].endswith("Error"), f"{name}: {ends[name]}"
    assert ends["connect"] == "None"


def test_no_process_is_told_a_secret(worker: Worker) -> None:
    """What a process is told on its command line anybody on the host can read."""
    listed = worker.say("ps -eo args")
    assert "SECRET" not in listed
