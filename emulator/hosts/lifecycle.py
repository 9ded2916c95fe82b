"""Make the hosts what the API says they are."""

from __future__ import annotations

import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from emulator.hosts import network, volumes
from emulator.hosts.engine import Plan
from emulator.hosts.errors import HostsError
from emulator.hosts.process import run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from emulator.hosts.deployment import Deployment
    from emulator.hosts.engine import Container, Engine
    from emulator.hosts.instances import Instance, Snapshot

USER = "admin"  # of the Debian AMI
READY_SECONDS = 60.0
SSH_SECONDS = 5.0


def hostname(instance: Instance) -> str:
    """Return the name that EC2 gives an instance after its address."""
    return f"ip-{instance.address.replace('.', '-')}"


class Hosts:
    """The containers of one deployment."""

    def __init__(self, deployment: Deployment, engine: Engine, url: str) -> None:
        self.deployment = deployment
        self.engine = engine
        self.port = urlsplit(url).port or 80

    def remove_gone(self, snapshot: Snapshot) -> None:
        """Remove the hosts of instances, and the data of volumes, that exist no more."""
        known = {instance.id for instance in snapshot.instances}
        for instance_id in set(self.engine.containers()) - known:
            self.engine.remove(instance_id)
            shutil.rmtree(self.deployment.hosts / instance_id, ignore_errors=True)
        volumes.remove_all_but(self.deployment, snapshot.volume_ids)

    def prepare_network(self, instances: Iterable[Instance]) -> list[str]:
        """Make the network of these instances and return its gateways."""
        chosen = list(instances)
        cidrs = sorted({instance.subnet_cidr for instance in chosen})
        network.ensure(self.deployment, cidrs)
        network.translate(self.deployment, chosen, self.port)
        return [network.gateway(cidr) for cidr in cidrs]

    def bring_up(self, instances: Iterable[Instance], image: str) -> None:
        """Start the hosts that should run, and make those that are new or must be made anew."""
        present = self.engine.containers()
        for instance in instances:
            container = present.get(instance.id)
            if container is not None and container.running and not instance.wanted:
                self.engine.stop(instance.id)
            elif instance.wanted:
                self.ensure_running(instance, image, container)

    def ensure_running(self, instance: Instance, image: str, container: Container | None) -> None:
        """Make one host run as the API describes it."""
        plan = Plan(
            instance_id=instance.id,
            hostname=hostname(instance),
            image=image,
            seed=self._write_seed(instance),
            devices=tuple(
                (volumes.ensure(self.deployment, volume), volume.device, volume.id)
                for volume in instance.volumes
            ),
        )
        if container is not None and container.fingerprint != plan.fingerprint:
            # An attached volume needs another container; the root disk goes with the host.
            if container.running:
                self.engine.stop(instance.id)
            plan = Plan(**{**vars(plan), "image": self.engine.keep_disk(instance.id)})
            container = None
        if container is None:
            self.engine.create(plan)
        if container is None or not container.running:
            self._start(instance)
        elif not network.is_connected(container.pid):  # whoever started it was killed before that
            network.connect(self.deployment, instance, container.pid)

    def _start(self, instance: Instance) -> None:
        pid = self.engine.start(instance.id)
        network.connect(self.deployment, instance, pid)

    def restart(self, instance: Instance) -> None:
        """Shut a host down and boot it again."""
        self.engine.stop(instance.id)
        self._start(instance)

    def _write_seed(self, instance: Instance) -> Path:
        folder = self.deployment.hosts / instance.id
        folder.mkdir(parents=True, exist_ok=True)
        endpoint = f"http://{network.gateway(instance.subnet_cidr)}:{self.port}"
        texts = {
            "user": f"{USER}\n",
            "authorized_keys": f"{(instance.public_key or '').strip()}\n",
            "environment": f"AWS_ENDPOINT_URL={endpoint}\n"
            f"AWS_EC2_METADATA_SERVICE_ENDPOINT={endpoint}\n",
            "hosts": f"127.0.0.1 localhost\n{instance.address} {hostname(instance)}\n",
            "disks": "".join(
                f"{volume.device.removeprefix('/dev/')} {volume.id}\n"
                for volume in instance.volumes
            ),
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        # An instance keeps its keys for as long as there is one, whatever becomes of its container.
        for kind in ("ed25519", "ecdsa"):
            key = folder / f"ssh_host_{kind}_key"
            if not key.exists():
                new = key.with_suffix(".new")
                new.unlink(missing_ok=True)
                run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", new])
                new.with_name(f"{new.name}.pub").unlink()
                new.rename(key)
        return folder

    def wait_until_ready(self, instances: Iterable[Instance]) -> None:
        """Return once every host has booted and answers SSH; say which one does not."""
        wanted = [instance for instance in instances if instance.wanted]
        with ThreadPoolExecutor(max_workers=len(wanted) or 1) as pool:
            list(pool.map(self._wait_until_ready, wanted))

    def _wait_until_ready(self, instance: Instance) -> None:
        deadline = time.monotonic() + READY_SECONDS
        state = "starting"
        while time.monotonic() < deadline:
            done = self.engine.execute(instance.id, ["systemctl", "is-system-running", "--wait"])
            state = done.stdout.strip() or done.stderr.strip().rpartition("\n")[2]
            if state in {"running", "degraded"} and self._answers_ssh(instance):
                break
            if done.returncode != 0 and self._has_ended(instance):
                raise HostsError(
                    f"The host {instance.name} ended while it booted: {self.engine.last_words(instance.id)}"
                )
            time.sleep(0.1)
        else:
            raise HostsError(
                f"The host {instance.name} did not come up within {READY_SECONDS:.0f} s (its "
                f"system says '{state}'): run 'make down', then 'make up TARGET=local' again."
            )
        self._check_way_to_emulator(instance)

    def _has_ended(self, instance: Instance) -> bool:
        container = self.engine.containers().get(instance.id)
        return container is None or not container.running

    @staticmethod
    def _answers_ssh(instance: Instance) -> bool:
        if instance.elastic_address is None:
            return True  # nobody was promised an address
        try:
            with socket.create_connection(
                (instance.elastic_address, network.SSH_PORT), timeout=SSH_SECONDS
            ) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _check_way_to_emulator(self, instance: Instance) -> None:
        gateway = network.gateway(instance.subnet_cidr)
        script = f"import socket; socket.create_connection(('{gateway}', {self.port}), 5)"
        if self.engine.execute(instance.id, ["python3", "-c", script]).returncode != 0:
            raise HostsError(
                f"The host {instance.name} cannot reach the emulator at {gateway}:{self.port}: let "
                f"this machine's firewall accept TCP from {network.bridge(self.deployment)}."
            )
