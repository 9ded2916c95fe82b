"""The container engine: Podman or Docker, through the commands that both have."""

from __future__ import annotations

import json
import os
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.hosts.errors import INSTEAD, HostsError
from emulator.hosts.process import run

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

    from emulator.hosts.deployment import Deployment

ENGINE_VARIABLE = "CARSCRIBE_ENGINE"
LABEL = "carscribe.deployment"
BOOT = "/usr/local/sbin/host-boot"
SEED = "/var/lib/cloud/seed"
STOP_SECONDS = 20
SHARED = Path("/var/lib/containers")
# Where CAP_SYS_RESOURCE is missing an engine cannot raise a limit, so ask for less.
FILES_MAX, PROCESSES_MAX = 20_000, 4_096


@dataclass(frozen=True)
class Container:
    """A host's container as the engine sees it."""

    name: str
    instance_id: str
    fingerprint: str
    running: bool
    pid: int  # 0 unless running
    exit_code: int
    image: str


@dataclass(frozen=True)
class Plan:
    """What a container is made from; another plan needs another container."""

    instance_id: str
    hostname: str
    image: str
    seed: Path
    # Of the machine, in the host, and the volume: a loop device may come to show another one.
    devices: tuple[tuple[str, str, str], ...]

    @property
    def fingerprint(self) -> str:
        """The plan in a form that a label can hold."""
        return json.dumps([self.hostname, sorted(self.devices)])


class Engine:
    """One engine with the containers and images of one deployment."""

    def __init__(self, deployment: Deployment, program: str) -> None:
        self.deployment = deployment
        self.program = program
        self.environment: dict[str, str] = {}
        self.prefix = [program]
        if program == "podman":
            self._keep_podman_here()

    def _keep_podman_here(self) -> None:
        """Let Podman write below the deployment's folder only, its locks included."""
        folder = self.deployment.engine
        configuration = folder / "containers.conf"
        self.environment["CONTAINERS_CONF"] = str(configuration)
        self.environment["TMPDIR"] = str(folder / "temporary")
        # Whatever other machine's Podman the user has in CONTAINER_HOST.
        self.prefix += ["--remote=false"]
        self.prefix += ["--root", str(folder / "root"), "--runroot", str(self.deployment.runtime)]
        # On hybrid cgroups crun refuses to start, runc does not.
        self.prefix += ["--runtime", "runc"] if shutil.which("runc") else []
        wanted = "\n".join(
            [
                "[engine]",
                'cgroup_manager = "cgroupfs"',
                'events_logger = "none"',
                'lock_type = "file"',
                f'tmp_dir = "{folder / "tmp"}"',
                f'volume_path = "{folder / "volumes"}"',
                "[network]",
                f'network_config_dir = "{folder / "networks"}"',
                "",
            ]
        )
        if not configuration.exists() or configuration.read_text(encoding="utf-8") != wanted:
            (folder / "temporary").mkdir(parents=True, exist_ok=True)
            configuration.write_text(wanted, encoding="utf-8")

    def run(
        self, *arguments: str | Path, timeout_seconds: float = 60.0, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run one command of the engine."""
        return run(
            [*self.prefix, *arguments],
            environment=self.environment,
            timeout_seconds=timeout_seconds,
            check=check,
        )

    @property
    def label(self) -> str:
        """The label of every container of the deployment."""
        return f"{LABEL}={self.deployment.id}"

    # --- images ---------------------------------------------------------------
    def has_image(self, image: str) -> bool:
        """Tell whether the image is there."""
        return self.run("image", "inspect", image, check=False).returncode == 0

    def import_image(self, archive: Path, image: str) -> None:
        """Make an image of a root file system."""
        was_there = SHARED.exists()
        try:
            label = self.deployment.name
            self.run("import", "--message", label, archive, image, timeout_seconds=300)
        finally:
            if not was_there:  # Podman writes a cache there, wherever its storage is
                shutil.rmtree(SHARED, ignore_errors=True)

    # --- containers -----------------------------------------------------------
    def containers(self) -> dict[str, Container]:
        """Return the deployment's containers by the id of their instance."""
        ids = self.run(
            "ps",
            "--all",
            "--quiet",
            "--no-trunc",
            "--filter",
            f"label={self.label}",
        ).stdout.split()
        # One may vanish between the two commands: then the others are still described.
        listed = self.run("container", "inspect", *ids, check=False).stdout if ids else "[]"
        found = {}
        for entry in json.loads(listed or "[]"):
            labels = entry["Config"]["Labels"]
            if "carscribe.instance" not in labels:
                continue  # it builds the base image
            state = entry["State"]
            running = bool(state["Running"])
            found[labels["carscribe.instance"]] = Container(
                name=entry["Name"].lstrip("/"),
                instance_id=labels["carscribe.instance"],
                fingerprint=labels["carscribe.plan"],
                running=running,
                pid=int(state["Pid"]) if running else 0,
                exit_code=int(state["ExitCode"]),
                image=entry["Config"]["Image"],
            )
        return found

    def create(self, plan: Plan) -> None:
        """Make a container; it starts with systemd, and waits for its network before that."""
        options = [
            *("--name", self.container_name(plan.instance_id), "--hostname", plan.hostname),
            *("--label", self.label),
            *("--label", f"carscribe.instance={plan.instance_id}"),
            *("--label", f"carscribe.plan={plan.fingerprint}"),
            # systemd mounts, and reboots its own process namespace; no more is given.
            *("--cap-add", "SYS_ADMIN", "--cap-add", "SYS_BOOT"),
            *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
            *("--security-opt", "label=disable"),
            *limits(),
            *("--pids-limit", "-1", "--cgroupns", "private"),
            *("--network", "none", "--stop-signal", "SIGRTMIN+3"),
            *("--volume", f"{plan.seed}:{SEED}:ro"),
            *("--env", f"container={self.program}"),
        ]
        if self.program == "podman":
            # The boot script does what is needed, the same under every engine.
            options += ["--systemd", "false"]
        if self._names_groups_by_path():
            # What systemd leaves there is found by this name, and removed with the deployment.
            options += ["--cgroup-parent", f"/{self.deployment.name}"]
        for outside, inside, _volume in plan.devices:
            options += ["--device", f"{outside}:{inside}:rwm"]
        self.run("create", *options, plan.image, BOOT)

    def _names_groups_by_path(self) -> bool:
        if self.program == "podman":
            return True
        return self.run("info", "--format", "{{.CgroupDriver}}").stdout.strip() == "cgroupfs"

    def container_name(self, instance_id: str) -> str:
        """Return the name of an instance's container."""
        return f"{self.deployment.name}-{instance_id}"

    def start(self, instance_id: str) -> int:
        """Start a container and return the id of its first process."""
        name = self.container_name(instance_id)
        self.run("start", name)
        return int(self.run("container", "inspect", "--format", "{{.State.Pid}}", name).stdout)

    def stop(self, instance_id: str) -> None:
        """Shut the host down, as its operating system would; after a while, switch it off."""
        name = self.container_name(instance_id)
        self.run("stop", "--time", str(STOP_SECONDS), name, timeout_seconds=STOP_SECONDS + 30)

    def remove(self, instance_id: str) -> None:
        """Remove a container with its root disk, and the image of an earlier one."""
        self.run(*self._rm, self.container_name(instance_id), check=False)
        self.run("rmi", "--force", self.kept_image(instance_id), check=False)

    @property
    def _rm(self) -> tuple[str, ...]:
        """Remove without a shutdown, which Docker does of itself."""
        now = ("--time", "0") if self.program == "podman" else ()
        return ("rm", "--force", "--volumes", *now)

    def kept_image(self, instance_id: str) -> str:
        """Return the image that carries a host's root disk over to its next container."""
        return f"localhost/{self.deployment.name}-disk:{instance_id}"

    def keep_disk(self, instance_id: str) -> str:
        """Remove a stopped container, and return the image that has its root disk."""
        name, image = self.container_name(instance_id), self.kept_image(instance_id)
        self.run("commit", name, image, timeout_seconds=300)
        self.run("rm", "--force", name)
        return image

    def execute(
        self, instance_id: str, command: Sequence[str], *, timeout_seconds: float = 30.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host as root."""
        name = self.container_name(instance_id)
        return self.run("exec", name, *command, timeout_seconds=timeout_seconds, check=False)

    def last_words(self, instance_id: str) -> str:
        """Return the last line that a host's first process wrote."""
        done = self.run("logs", self.container_name(instance_id), check=False)
        lines = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"

    def remove_all(self) -> None:
        """Remove every container and image of the deployment."""
        wanted = f"label={self.label}"
        ids = self.run("ps", "--all", "--quiet", "--filter", wanted, check=False).stdout.split()
        if ids:
            self.run(*self._rm, *ids, check=False, timeout_seconds=120)
        names = self.run("images", "--format", "{{.Repository}}:{{.Tag}}", check=False).stdout
        ours = [name for name in names.split() if self.deployment.name in name]
        if ours:
            self.run("rmi", "--force", *ours, check=False, timeout_seconds=120)


def limits() -> tuple[str, ...]:
    """Return options for limits that this process may give."""
    files, processes = (
        min(wanted, have) if have != resource.RLIM_INFINITY else wanted
        for wanted, have in (
            (FILES_MAX, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
            (PROCESSES_MAX, resource.getrlimit(resource.RLIMIT_NPROC)[1]),
        )
    )
    return ("--ulimit", f"nofile=1024:{files}", "--ulimit", f"nproc={processes}:{processes}")


def choose(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the engine to use: the one that is asked for, else Podman, else a Docker that answers."""
    asked = environment.get(ENGINE_VARIABLE, "")
    if asked:
        if asked not in {"podman", "docker"}:
            raise HostsError(f"{ENGINE_VARIABLE} is '{asked}': it is either podman or docker.")
        if not _works(asked):
            raise HostsError(
                f"{ENGINE_VARIABLE} asks for {asked}, which is not installed or does not answer: "
                f"start it, or leave {ENGINE_VARIABLE} unset. {INSTEAD}"
            )
        return asked
    return next((program for program in ("podman", "docker") if _works(program)), None)


def _works(program: str) -> bool:
    if shutil.which(program) is None:
        return False
    # Podman has no daemon that could be away.
    return program == "podman" or run(["docker", "version"], check=False).returncode == 0
