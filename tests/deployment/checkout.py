"""A copy of the checkout with a deployment of its own, driven as a person drives it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3

from carscribe.deployment import hosts
from carscribe.runs import unit
from emulator.hosts.deployment import Deployment
from emulator.hosts.engine import Engine
from emulator.secret import Secret
from tests import processes

if TYPE_CHECKING:
    import signal

CHECKOUT = Path(__file__).resolve().parents[2]
EXPECTED = (CHECKOUT / "images/expected-output.txt").read_text()
COMMAND_SECONDS = 600.0
SCREEN_LINES, SCREEN_COLUMNS = 40, 120
"""What a large terminal shows at once."""
HOSTILE = {
    "ANSIBLE_CONFIG": "/nowhere/ansible.cfg",
    "ANSIBLE_INVENTORY": "/nowhere/hosts",
    "ANSIBLE_STDOUT_CALLBACK": "nowhere",
    "ANSIBLE_STRATEGY": "nowhere",
    "ANSIBLE_VAULT_PASSWORD_FILE": "/nowhere/password",
    "AWS_CA_BUNDLE": "/nowhere/ca.pem",
    "AWS_CONFIG_FILE": "/nowhere/config",
    "AWS_ENDPOINT_URL": "localhost:4566",
    "AWS_PROFILE": "nowhere",
    "AWS_SESSION_TOKEN": "cut off",
    "CDPATH": "/",
    "CONTAINER_HOST": "ssh://nowhere.example.org/run/podman.sock",
    "HOST": "mybox.example.org",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "IMAGES": "~/nowhere",
    "LC_ALL": "C",
    "OUT": "/nowhere",
    "PIP_CONSTRAINT": "/nowhere/constraints.txt",
    "PIP_PYTHON": "/nowhere/python",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_TARGET": "/nowhere",
    "PIP_USER": "1",
    "PYTHONHOME": "/nowhere",
    "PYTHONOPTIMIZE": "2",
    "PYTHONSAFEPATH": "1",
    "PYTHONWARNINGS": "error",
    "TARGET": "aws",
    "TF_CLI_ARGS": "-parallelism=2",
    "TF_CLI_ARGS_plan": "-destroy",
    "TF_CLI_CONFIG_FILE": "/nowhere/terraformrc",
    "TF_DATA_DIR": "/nowhere/terraform",
    "TF_LOG": "trace",
    "TF_VAR_region": "eu-west-1",
    "TF_WORKSPACE": "nowhere",
    "VIRTUAL_ENV": "/nowhere",
}
"""What a person may have set for other programs, and would lead ours elsewhere."""
LONG = "a" * 100
"""OpenSSH's sockets have no room for a home of such a length."""
LEFT_OUT = shutil.ignore_patterns(
    ".git",
    ".venv*",
    ".*_cache",
    ".hypothesis",
    ".terraform",
    "build",
    "node_modules",
    "results",
)


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    text: str

    @property
    def fits_on_a_screen(self) -> bool:
        """Whether all that it said can be seen at once."""
        lines = self.text.splitlines()
        return sum(-(-len(line) // SCREEN_COLUMNS) or 1 for line in lines) <= SCREEN_LINES

    def changed(self) -> dict[str, int]:
        """Return the number of changes on each host, from Ansible's recap."""
        return {
            host: int(number)
            for host, number in re.findall(
                r"^ *(worker-[ab]) .* changed=(\d+) ", self.text, re.MULTILINE
            )
        }


@dataclass(frozen=True)
class Copy:
    """The copy, in a folder of its own.

    Attributes:
        root: the folder.
        network: the second number of its network, 100 to 199.
    """

    root: Path
    network: int = 100

    @classmethod
    def make(cls, root: Path, network: int = 100) -> Copy:
        """Copy what belongs to the project; the tools and the base image are shared.

        What a session that was killed has left there is removed first.
        """
        if root.exists():
            cls(root).make_target("down", "YES=1")
            shutil.rmtree(root)
        shutil.copytree(CHECKOUT, root, ignore=LEFT_OUT)
        (root / ".venv").symlink_to(CHECKOUT / ".venv")
        return cls(root, network)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of its commands: a network that no other deployment has."""
        return {
            **os.environ,
            "CARSCRIBE_LOCAL_CACHE": str(CHECKOUT / "build" / "cache"),
            "PATH": f"{self.root}/.venv/bin{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(
                str(self.root / part) for part in (".", "common", "worker_a", "worker_b")
            ),
            "TF_VAR_vpc_cidr": f"10.{self.network}.0.0/16",
        }

    def hostile(self, beside: Path) -> dict[str, str]:
        """Return its environment as it is where all leads elsewhere that can.

        Args:
            beside: a folder for what variables name.
        """
        home, temporary, modules = (beside / name for name in (LONG, "temporary files", "modules"))
        for folder in (home, temporary, modules):
            folder.mkdir()
        (modules / "json.py").write_text("raise SystemExit('This is the json of somebody else.')\n")
        return {
            **self.environment,
            **HOSTILE,
            "HOME": str(home),
            "PYTHONPATH": str(modules),
            "TMPDIR": str(temporary),
        }

    def command(
        self,
        *words: str,
        folder: str = ".",
        code: int | None = 0,
        environment: dict[str, str] | None = None,
    ) -> Done:
        """Run a command and check how it ended."""
        done = subprocess.run(
            words,
            cwd=self.root / folder,
            env={**self.environment, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, f"{words} ended with {done.returncode}:\n{done.stdout}"
        return Done(done.returncode, done.stdout)

    def make_target(self, *words: str, code: int | None = 0) -> Done:
        """Run `make`."""
        return self.command("make", *words, code=code)

    def playbook(self, name: str, *words: str, code: int | None = 0) -> Done:
        """Run a playbook as its documentation says: from ansible/."""
        return self.command("ansible-playbook", f"{name}.yml", *words, folder="ansible", code=code)

    def python(self, *words: str, code: int | None = 0) -> Done:
        """Run one of the project's modules against the emulator."""
        return self.command("python", "-m", *words, code=code, environment=self.of_emulator())

    def of_emulator(self) -> dict[str, str]:
        """Return the variables with which a program finds the emulator."""
        said = self.command("python", "-m", "emulator", "env").text
        return dict(line.split("=", 1) for line in said.splitlines())

    def client(self, service: str) -> Any:
        """Make a boto3 client that asks the emulator."""
        found, make = self.of_emulator(), cast("Any", boto3.client)
        return make(
            service,
            region_name=found["AWS_REGION"],
            endpoint_url=found["AWS_ENDPOINT_URL"],
            aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
        )

    def on_host(self, worker: str, command: str) -> str:
        """Return what a command prints on a host, as root."""
        return hosts(self.root / "build")[worker].remote.read(command, COMMAND_SECONDS).strip()

    def lose(self, worker: str) -> None:
        """Remove a host with its root disk, as nothing can be prepared for."""
        state = self.root / "build/local"
        said = self.command("python", "-m", "emulator", "status").text
        found = re.search(rf"worker-{worker}  (i-\w+) ", said)
        assert found, said
        program = json.loads((state / "hosts/engine.json").read_text())["program"]
        Engine(Deployment(state, CHECKOUT / "build/cache"), program).remove(found[1])

    def append(self, path: str, text: str) -> None:
        """Change one of the copy's files."""
        with (self.root / path).open("a") as file:
            file.write(text)

    def emulator(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the emulator's own interface."""
        url = json.loads((self.root / "build/local/emulator.json").read_text())["url"]
        data = None if body is None else json.dumps(body).encode()
        token = Secret.read(self.root / "build/local/secret.sh").token
        request = urllib.request.Request(  # noqa: S310
            f"{url}/_carscribe/{path}", data=data, headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def result(self) -> str:
        """Fetch the latest run, and return its output."""
        self.make_target("results")
        folder = Path((self.root / "build/fetched-run").read_text().strip())
        return (folder / "output.txt").read_text()

    def output(self) -> str:
        """Return what the latest run has left on B's host."""
        folder = f"/var/lib/{unit('b')}/runs"
        return self.on_host("b", f"cat {folder}/$(ls -t {folder} | head -n 1)/output.txt") + "\n"

    def remains(self) -> list[str]:
        """Name the processes, mounts, loop devices and files that are left of a deployment."""
        found = [
            f"process {words}"
            for words in processes.there_are(str(self.root)).values()
            if "ssh: " not in words
        ]
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        found += [f"mount {line}" for line in mounts if str(self.root) in line]
        loops = subprocess.run(
            ["losetup", "--all"], capture_output=True, text=True, check=True
        ).stdout
        found += [f"loop device {line}" for line in loops.splitlines() if str(self.root) in line]
        kept = {
            "releases",
            "terraform",
            "ssh",
            "local.lock",
            "thumbnails",
            "logs",
            "command.lock",
            "conform",
            "tmp",
        }
        found += [str(path) for path in (self.root / "build").iterdir() if path.name not in kept]
        return found


class Beside:
    """A command that runs beside the test, in a session of its own as on a terminal."""

    def __init__(self, copy: Copy, *words: str, folder: str = ".") -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            words,
            cwd=copy.root / folder,
            env=copy.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.lines.extend(self._process.stdout)

    @property
    def text(self) -> str:
        """What it has printed by now."""
        return "".join(self.lines)

    def await_text(self, pattern: str, seconds: float = 180) -> None:
        """Wait until it has printed this."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert self._process.poll() is None, self.text
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.text}"
            time.sleep(0.2)

    def signal(self, number: signal.Signals, *, alone: bool = False) -> None:
        """Send a signal to it and all that it started, as a terminal does, or to it alone."""
        with suppress(ProcessLookupError):
            if alone:
                self._process.send_signal(number)
            else:
                os.killpg(self._process.pid, number)

    def has_ended(self, seconds: float) -> bool:
        """Wait so long for its end."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def end(self, seconds: float = 300) -> int:
        """Wait for its end, and return its exit code."""
        try:
            return self._process.wait(seconds)
        finally:
            self._process.kill()
            self._reader.join()


class Playing(Beside):
    """A playbook that runs beside the test."""

    def __init__(self, copy: Copy, *words: str) -> None:
        super().__init__(copy, "ansible-playbook", *words, folder="ansible")
