"""What a process can do inside a worker's unit: tried there, in the check unit's sandbox."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.deployment.checkout import Copy

PROBE = """
import ctypes, json, mmap, os, socket

def tried(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"

def write(path):
    with open(path, "w") as file:
        file.write("x")
    os.unlink(path)

def listen(kind, address):
    with socket.socket(kind) as door:
        door.bind(address)
        door.listen()

state = os.environ["STATE_DIRECTORY"]
print("PROBE " + json.dumps({
    "write its state directory": tried(lambda: write(state + "/probe")),
    "write /etc": tried(lambda: write("/etc/probe")),
    "write its own release": tried(lambda: write(os.path.dirname(os.__file__) + "/probe")),
    "write /var/lib": tried(lambda: write("/var/lib/probe")),
    "write /home": tried(lambda: write("/home/probe")),
    "read the homes": tried(lambda: os.listdir("/home/admin")),
    "read root's home": tried(lambda: os.listdir("/root")),
    "become root": tried(lambda: os.setuid(0)),
    "listen on IPv4": tried(lambda: listen(socket.AF_INET, ("127.0.0.1", 0))),
    "listen on a file": tried(lambda: listen(socket.AF_UNIX, state + "/door")),
    "open a raw socket": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
    "open a packet socket": tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    "map memory to write and execute": tried(
        lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    ),
    "see the processes of others": "done" if os.path.exists("/proc/1/stat") else "hidden",
    "mount": "done" if ctypes.CDLL(None).mount(b"x", b"/mnt", b"tmpfs", 0, 0) == 0 else "refused",
    "connect outwards": tried(lambda: socket.socket(socket.AF_INET).connect_ex(("127.0.0.1", 22))),
}))
"""

ALLOWED = {"write its state directory", "connect outwards"}


def probe(copy: Copy, worker: str) -> dict[str, str]:
    """Return what a process could do in the sandbox of a worker's unit, by its name."""
    unit = f"carscribe-worker-{worker}-check.service"
    folder = f"/run/systemd/system/{unit}.d"
    code = base64.b64encode(PROBE.encode()).decode()
    python = f"/opt/carscribe/worker-{worker}/current/bin/python"
    run = f'{python} -c "import base64; exec(base64.b64decode(\\"{code}\\"))"'
    text = base64.b64encode(f"[Service]\nExecStart=\nExecStart={run}\n".encode()).decode()
    try:
        # The unit may end as it likes: what the probe has written says what it could do.
        copy.on_host(
            worker,
            f"mkdir -p {folder} && echo {text} | base64 -d > {folder}/probe.conf"
            f" && systemctl daemon-reload && systemctl start {unit} || true",
        )
        said = copy.on_host(
            worker, f"journalctl -u {unit} -o cat -n 20 | grep '^PROBE' | tail -n 1"
        )
    finally:
        copy.on_host(worker, f"rm -r {folder} && systemctl daemon-reload")
    found: dict[str, str] = json.loads(said.removeprefix("PROBE "))
    return found
