"""Instances in the emulator, made as Terraform makes them, and a command line on a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.hosts import server
from emulator.hosts.deployment import CACHE_VARIABLE, STATE_VARIABLE, Deployment, read_json
from emulator.hosts.engine import Engine
from emulator.hosts.process import recorded
from emulator.secret import ROOT_ACCESS_KEY_ID

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND_SECONDS = 240.0
TRUST = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
}


@dataclass
class World:
    """One deployment with a network that no real one uses."""

    state: Path
    network: str = "10.219"
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def deployment(self) -> Deployment:
        """The deployment as the commands see it."""
        return Deployment(state=self.state, cache=CHECKOUT / "build" / "cache")

    @property
    def url(self) -> str:
        """Where the emulator answers."""
        return str((read_json(self.deployment.ready_file) or {})["url"])

    @property
    def ec2(self) -> Any:
        """A client of the emulator's EC2."""
        return server.ec2_client(self.deployment, self.url)

    @property
    def key(self) -> Path:
        """The private key of the instances' key pair."""
        return self.state.with_suffix(".key")

    def environment(self, cache: Path | None = None) -> dict[str, str]:
        """Return the environment of this deployment's commands."""
        own = {STATE_VARIABLE: str(self.state), **({CACHE_VARIABLE: str(cache)} if cache else {})}
        return {**os.environ, **own}

    def local(
        self, *arguments: str, code: int | None = 0, cache: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m emulator` and check how it ended."""
        done = subprocess.run(
            [sys.executable, "-m", "emulator", *arguments],
            cwd=CHECKOUT,
            env=self.environment(cache),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def client(self, service: str) -> Any:
        """Return a client of another service of the emulator."""
        import boto3  # noqa: PLC0415 # as in the package

        return boto3.Session(
            aws_access_key_id=ROOT_ACCESS_KEY_ID,
            aws_secret_access_key=server.secret(self.deployment).access_key,
            region_name=server.REGION,
        ).client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    def make_instances(self, volume_size_gib: int = 1) -> None:
        """Make what Terraform makes: a network, a key pair, two hosts, two addresses, a volume."""
        ec2, iam = self.ec2, self.client("iam")
        if not self.key.exists():
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True
            )
        vpc = ec2.create_vpc(CidrBlock=f"{self.network}.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"{self.network}.1.0/24")["Subnet"][
            "SubnetId"
        ]
        public = self.key.with_suffix(".key.pub").read_bytes()
        ec2.import_key_pair(KeyName="operator", PublicKeyMaterial=public)
        self.ids = {"subnet": subnet}
        for role in ("worker-a", "worker-b"):
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST))
            iam.create_instance_profile(InstanceProfileName=role)
            iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
            self.make_instance(role)
        self.attach_volume("worker-b", volume_size_gib)

    def make_instance(self, role: str) -> None:
        """Make one host with its address."""
        ec2 = self.ec2
        ami = self.client("ssm").get_parameter(Name="/aws/service/debian/release/12/latest/amd64")
        (made,) = ec2.run_instances(
            ImageId=ami["Parameter"]["Value"],
            InstanceType="t3.micro",
            KeyName="operator",
            SubnetId=self.ids["subnet"],
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Name": role},
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": f"test-{role}"}]}
            ],
        )["Instances"]
        self.ids[role] = made["InstanceId"]
        elastic = ec2.allocate_address(Domain="vpc")
        ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=made["InstanceId"])
        self.ids[f"{role}-address"] = elastic["PublicIp"]

    def attach_volume(self, role: str, size_gib: int) -> None:
        """Make a blank volume and attach it as Terraform does."""
        zone = self.describe(role)["Placement"]["AvailabilityZone"]
        volume = self.ec2.create_volume(Size=size_gib, AvailabilityZone=zone)["VolumeId"]
        self.ec2.attach_volume(VolumeId=volume, InstanceId=self.ids[role], Device="/dev/sdf")
        self.ids["volume"] = volume

    def describe(self, role: str) -> dict[str, Any]:
        """Return what the API says of a host."""
        answer = self.ec2.describe_instances(InstanceIds=[self.ids[role]])
        found: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
        return found

    def ssh_command(
        self, role: str, user: str = "admin", options: tuple[str, ...] = ()
    ) -> list[str]:
        """Return the start of a command that reaches a host the way Ansible does."""
        return [
            *("ssh", "-i", str(self.key), "-o", f"UserKnownHostsFile={self.state}.known_hosts"),
            *("-o", "StrictHostKeyChecking=accept-new", "-o", "BatchMode=yes"),
            *("-o", "ConnectTimeout=5", *options, f"{user}@{self.ids[f'{role}-address']}"),
        ]

    def ssh(
        self,
        role: str,
        command: str,
        *,
        code: int | None = 0,
        user: str = "admin",
        options: tuple[str, ...] = (),
        given: str = "",
    ) -> str:
        """Run a command on a host and return what it wrote."""
        done = subprocess.run(
            [*self.ssh_command(role, user, options), command],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def python(self, role: str, script: str, prefix: str = "PYTHONPATH=/opt/probe") -> str:
        """Run a script in a login session of the AMI's user."""
        return self.ssh(role, f"{prefix} python3 -", given=script)

    def boot_id(self, role: str) -> str:
        """Return what tells one boot of a host from the next."""
        return self.ssh(role, "cat /proc/sys/kernel/random/boot_id").strip()

    def await_boot(self, role: str, *, after: str) -> None:
        """Wait until a host has booted once more and answers."""
        deadline = time.monotonic() + COMMAND_SECONDS
        while (now := self.ssh(role, "cat /proc/sys/kernel/random/boot_id", code=None).strip()) in {
            "",
            after,
        }:
            assert time.monotonic() < deadline, f"{role} did not boot again: {now}"
            time.sleep(0.2)

    def await_state(self, role: str, state: str) -> None:
        """Wait until the API reports a state and the host has followed."""
        follows = {"stopped": "host down", "running": "host up"}[state]
        deadline = time.monotonic() + COMMAND_SECONDS
        while not any(
            self.ids[role] in line and f"  {state}  {follows}" in line
            for line in self.local("status").stdout.splitlines()
        ):
            assert time.monotonic() < deadline, f"{role} is not {state}"
            time.sleep(0.2)

    def admin(self, name: str, value: dict[str, Any]) -> None:
        """Make one call of the emulator's admin API."""
        server.call(self.deployment, self.url, "POST", name, value)

    def kill(self, name: str) -> None:
        """Kill one of the deployment's own processes as nothing can be prepared for."""
        pid = recorded(self.state / f"{name}.process.json")
        assert pid is not None, f"{name} does not run"
        os.kill(pid, signal.SIGKILL)

    def first_process(self, role: str) -> Victim:
        """Return the first process of a host."""
        return Victim(self.containers.containers()[self.ids[role]].pid)

    def lose(self, role: str) -> None:
        """Remove a host with its root disk, behind the API's back."""
        self.containers.remove(self.ids[role])

    @property
    def containers(self) -> Engine:
        """The engine that has the hosts."""
        return Engine(self.deployment, "podman" if self.deployment.engine.exists() else "docker")


@dataclass(frozen=True)
class Victim:
    """A process that a test may kill."""

    pid: int

    def kill(self) -> None:
        """Kill it."""
        os.kill(self.pid, signal.SIGKILL)
