"""Two hosts as Terraform's instances describe them: reached, disk, credentials, doors."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sysconfig
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.hosts.world import World

pytestmark = pytest.mark.hosts

ROLES = ("worker-a", "worker-b")
HARDENING = (
    "DynamicUser=yes",
    "NoNewPrivileges=yes",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    "ProtectHome=yes",
    "ProtectSystem=strict",
    "StateDirectory=probe",
    "SystemCallErrorNumber=EPERM",
    "SystemCallFilter=~bind",
)
PROBE = """
import os, socket
def can(call):
    try:
        call()
    except OSError:
        return False
    return True
print(
    can(lambda: open("/etc/probe", "w")),
    can(lambda: os.listdir("/home/admin")),
    can(lambda: socket.socket().bind(("127.0.0.1", 8080))),
    os.path.exists("/dev/sdf"),
    can(lambda: open("/var/lib/probe/x", "w")),
)
"""


@pytest.mark.parametrize("role", ROLES)
def test_a_host_answers_at_its_elastic_address_with_a_system_that_is_running(
    hosts: World, role: str
) -> None:
    """SSH at the Elastic IP reaches a booted system at the private address of the API."""
    assert hosts.ssh(role, "systemctl is-system-running --wait").strip() == "running"
    addresses = hosts.ssh(role, "ip -4 -brief address show dev eth0").split()
    assert addresses[-1] == f"{hosts.describe(role)['PrivateIpAddress']}/24"


def test_the_amis_user_may_do_all_and_nobody_else_gets_in(hosts: World) -> None:
    """Only the key pair's owner logs in, only as the AMI's user, who has sudo without a password."""
    assert hosts.ssh("worker-a", "sudo -n id -u").strip() == "0"
    hosts.ssh("worker-a", "true", user="root", code=255)
    password = ("-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=password")
    hosts.ssh("worker-a", "true", options=password, code=255)
    assert "passwordauthentication no" in hosts.ssh("worker-a", "sudo sshd -T")


def test_hosts_have_keys_of_their_own(hosts: World) -> None:
    """No two hosts share an SSH host key or a machine id."""
    for file in ("/etc/ssh/ssh_host_ed25519_key.pub", "/etc/machine-id"):
        texts = {hosts.ssh(role, f"cat {file}") for role in ROLES}
        assert len(texts) == len(ROLES), file


def test_only_b_shows_a_disk_and_it_is_the_attached_blank_one(hosts: World) -> None:
    """`lsblk` shows B's volume at its device name and size, and on A nothing."""
    shown = "sudo lsblk --bytes --noheadings --output PATH,SIZE,TYPE,FSTYPE,MOUNTPOINT"
    assert hosts.ssh("worker-b", shown).split() == ["/dev/sdf", str(2**30), "disk"]
    assert hosts.ssh("worker-a", shown).split() == []
    by_id = (
        f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{hosts.ids['volume'].replace('-', '')}"
    )
    assert hosts.ssh("worker-b", f"readlink -f {by_id}").strip() == "/dev/sdf"
    assert hosts.ssh("worker-b", "sudo cmp --bytes=1048576 /dev/sdf /dev/zero") == ""


def test_a_file_system_mounted_by_its_uuid_comes_back_after_a_reboot(hosts: World) -> None:
    """What /etc/fstab says is mounted at boot, and the data on it is there.

    No service keeps what is unmounted after that: the device is in use no more.
    """
    hosts.ssh(
        "worker-b",
        "set -e; sudo mkfs.ext4 -q /dev/sdf; sudo mkdir /mnt/data; "
        'echo "UUID=$(sudo blkid -o value -s UUID /dev/sdf) /mnt/data ext4 defaults 0 2" '
        "| sudo tee -a /etc/fstab; sudo systemctl daemon-reload; sudo mount /mnt/data; "
        "echo kept | sudo tee /mnt/data/file",
    )
    hosts.local("reboot", "worker-b")
    assert hosts.ssh("worker-b", "findmnt -no SOURCE,FSTYPE /mnt/data").split() == [
        "/dev/sdf",
        "ext4",
    ]
    assert hosts.ssh("worker-b", "cat /mnt/data/file").strip() == "kept"
    hosts.ssh("worker-b", "ls /dev/disk/by-uuid/$(sudo blkid -o value -s UUID /dev/sdf)")
    hosts.ssh("worker-b", "sudo umount /mnt/data && sudo sed -i '/data/d' /etc/fstab")
    hosts.ssh("worker-b", "sudo e2fsck -f -p /dev/sdf")


def test_the_default_provider_chain_finds_the_roles_own_credentials_and_renews_them(
    hosts: World,
) -> None:
    """The role's temporary credentials are found, expire, and are found anew by themselves."""
    _copy_botocore(hosts, "worker-b")
    script = """
import datetime, json, time, botocore.exceptions, botocore.session
session = botocore.session.get_session()
credentials = session.get_credentials()
client = session.create_client("sts", region_name="us-east-1")
who = client.get_caller_identity()["Arn"]
first = credentials.get_frozen_credentials().access_key
time.sleep(11)
try:
    refusal = client.get_caller_identity()
except botocore.exceptions.ClientError as error:
    refusal = error.response["Error"]["Code"]
# botocore asks for new ones 10 to 20 minutes before the end that it was told, and not sooner.
credentials._expiry_time = datetime.datetime.now(datetime.timezone.utc)
client.get_caller_identity()
second = credentials.get_frozen_credentials().access_key
print(json.dumps([credentials.method, who, first != second, refusal]))
"""
    hosts.admin("metadata", {"credentials_lifetime_seconds": 10})
    try:
        method, who, renewed, refusal = json.loads(hosts.python("worker-b", script))
    finally:
        hosts.admin("metadata", {"credentials_lifetime_seconds": 21_600})
    assert method == "iam-role"
    assert who.endswith(f":assumed-role/worker-b/{hosts.ids['worker-b']}")
    assert renewed
    assert refusal == "ExpiredToken"


def test_without_its_metadata_a_host_has_no_credentials_at_all(hosts: World) -> None:
    """No file and no environment of the host gives the provider chain a key."""
    _copy_botocore(hosts, "worker-a")
    script = """
import os, botocore.session
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
print(botocore.session.get_session().get_credentials())
"""
    assert hosts.python("worker-a", script).strip() == "None"
    environments = hosts.ssh("worker-a", "sudo sh -c 'cat /proc/[0-9]*/environ' | tr '\\0' '\\n'")
    assert "AWS_ENDPOINT_URL=" in environments
    assert not re.search(r"(?i)secret|access_key", environments)
    stored = "sudo grep -rlE 'ASIA[A-Z0-9]{16}|aws_secret_access_key *=' /etc /home /root /run /var"
    assert hosts.ssh("worker-a", stored, code=1) == ""


def test_a_host_reaches_the_emulator_and_nothing_else_of_this_machine(hosts: World) -> None:
    """From a host the gateway answers at the emulator's port only, and not its admin calls."""
    gateway = f"{hosts.network}.1.1"
    port = int(hosts.url.rpartition(":")[2])
    everywhere = socket.create_server(("0.0.0.0", 0))  # noqa: S104 # what a host must not reach
    script = f"""
import socket, urllib.request, urllib.error
try:
    urllib.request.urlopen("http://{gateway}:{port}/_carscribe/counts")
except urllib.error.HTTPError as error:
    print(error.code)
try:
    socket.create_connection(("{gateway}", {everywhere.getsockname()[1]}), 1)
except OSError as error:
    print(type(error).__name__)
"""
    with everywhere:
        assert hosts.python("worker-a", script).split() == ["403", "TimeoutError"]


def test_only_ssh_listens_on_a_host(hosts: World) -> None:
    """A host has one open port."""
    ports = {
        line.split()[3].rpartition(":")[2]
        for line in hosts.ssh("worker-a", "ss -Htln").splitlines()
    }
    assert ports == {"22"}


def test_the_hardening_of_a_unit_holds(hosts: World) -> None:
    """A service is confined on a host as it is on an instance."""
    properties = " ".join(f"--property={value}" for value in HARDENING)
    done = hosts.python("worker-b", PROBE, f"sudo systemd-run --quiet --wait --pipe {properties}")
    assert done.split() == ["False", "False", "False", "False", "True"]


def test_a_second_up_changes_nothing(hosts: World) -> None:
    """`up` is safe to repeat: hosts go on, and the watcher is started again if it was killed."""
    before = [hosts.boot_id(role) for role in ROLES]
    hosts.kill("watch")
    hosts.local("up")
    assert [hosts.boot_id(role) for role in ROLES] == before
    status = hosts.local("status").stdout
    assert "watcher   running" in status
    assert status.count("host up") == len(ROLES)


def test_another_deployment_on_the_same_subnet_is_refused_by_name(
    hosts: World, world: World
) -> None:
    """A second clone does not start where the first one is, and names it."""
    other, world.network = world.network, hosts.network
    world.local("serve-start")
    world.make_instances()
    refused = world.local("up", code=78)
    assert str(hosts.state) in refused.stderr
    assert refused.stderr.count("\n") == 1
    # What `make doctor` and `make up` ask before Terraform makes anything.
    assert (
        world.local("check", "--subnet", f"{hosts.network}.1.0/24", code=78).stderr
        == refused.stderr
    )
    world.local("check", "--subnet", f"{other}.1.0/24")
    assert hosts.ssh("worker-a", "true") == ""


def test_two_deployments_on_two_subnets_do_not_disturb_each_other(
    hosts: World, world: World
) -> None:
    """A second deployment comes up beside the first, and its removal leaves the first alone."""
    world.local("serve-start")
    world.make_instances()
    world.local("up")
    mine, other = (item.ssh("worker-a", "hostname").strip() for item in (world, hosts))
    assert mine != other
    world.local("down")
    assert hosts.ssh("worker-a", "systemctl is-system-running").strip() == "running"
    assert hosts.local("status").stdout.count("host up") == len(ROLES)


def _copy_botocore(hosts: World, role: str) -> None:
    """Put the few parts of botocore that the provider chain needs on a host."""
    packages = Path(sysconfig.get_paths()["purelib"])
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
        for name in ("dateutil", "jmespath", "six.py", "urllib3"):
            tar.add(packages / name, name)
        botocore = packages / "botocore"
        for file in [
            *botocore.rglob("*.py"),
            *(botocore / "data").glob("*.json"),
            botocore / "cacert.pem",
        ]:
            tar.add(file, file.relative_to(packages))
        for file in (botocore / "data" / "sts").rglob("*.json*"):
            tar.add(file, file.relative_to(packages))
    subprocess.run(
        [
            *hosts.ssh_command(role),
            "sudo rm -rf /opt/probe && sudo mkdir -p /opt/probe && sudo tar -xz -C /opt/probe",
        ],
        input=archive.getvalue(),
        check=True,
        timeout=60,
    )
