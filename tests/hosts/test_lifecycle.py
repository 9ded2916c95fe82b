"""What happens to an instance in the EC2 API happens to its host, and the other way round."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.hosts import remains

if TYPE_CHECKING:
    from tests.hosts.world import World

pytestmark = pytest.mark.hosts


def test_an_instance_rebooted_through_the_api_boots_again(hosts: World) -> None:
    """RebootInstances shuts the host down and boots it; address, host key and root disk stay."""
    before = hosts.boot_id("worker-b")
    hosts.ssh("worker-b", "echo kept > file")
    hosts.ec2.reboot_instances(InstanceIds=[hosts.ids["worker-b"]])
    hosts.await_boot("worker-b", after=before)
    # The strict check of the host key is part of every such call.
    assert hosts.ssh("worker-b", "cat file").strip() == "kept"
    journal = hosts.ssh("worker-b", "sudo journalctl --boot=-1 --output=cat --no-pager")
    assert "Reached target shutdown.target" in journal


def test_an_instance_stopped_and_started_through_the_api_takes_its_host_along(hosts: World) -> None:
    """StopInstances shuts the host down, StartInstances boots it at the same address."""
    address = hosts.describe("worker-a")["PrivateIpAddress"]
    before = hosts.boot_id("worker-a")
    hosts.ec2.stop_instances(InstanceIds=[hosts.ids["worker-a"]])
    hosts.await_state("worker-a", "stopped")
    hosts.ssh("worker-a", "true", code=255)
    hosts.ec2.start_instances(InstanceIds=[hosts.ids["worker-a"]])
    hosts.await_boot("worker-a", after=before)
    assert address in hosts.ssh("worker-a", "ip -4 address show dev eth0")


def test_the_commands_do_the_same_by_role(hosts: World) -> None:
    """`stop`, `start` and `reboot` take a role, and return once the host has followed."""
    before = hosts.boot_id("worker-b")
    hosts.local("stop", "worker-b")
    assert hosts.describe("worker-b")["State"]["Name"] == "stopped"
    refused = hosts.local("reboot", "worker-b", code=78)
    assert refused.stderr == "test-worker-b is stopped: start it instead.\n"
    hosts.local("start", "worker-b")
    assert hosts.boot_id("worker-b") != before
    unknown = hosts.local("reboot", "worker-c", code=78)
    assert "'worker-c'" in unknown.stderr
    assert "test-worker-a, test-worker-b" in unknown.stderr


def test_a_host_that_reboots_itself_comes_back(hosts: World) -> None:
    """`systemctl reboot` on a host is a reboot."""
    before = hosts.boot_id("worker-b")
    hosts.ssh("worker-b", "sudo systemctl reboot", code=None)
    hosts.await_boot("worker-b", after=before)


def test_a_host_that_switches_itself_off_stops_its_instance(hosts: World) -> None:
    """`poweroff` on a host stops the instance, as EC2 does by default; it can be started at once."""
    before = hosts.boot_id("worker-a")
    hosts.ssh("worker-a", "sudo systemctl poweroff", code=None)
    hosts.await_state("worker-a", "stopped")
    hosts.ec2.start_instances(InstanceIds=[hosts.ids["worker-a"]])
    hosts.await_boot("worker-a", after=before)


def test_a_host_that_dies_is_booted_again(hosts: World) -> None:
    """A power failure (the host's first process killed) ends with the host up again."""
    before = hosts.boot_id("worker-b")
    hosts.first_process("worker-b").kill()
    hosts.await_boot("worker-b", after=before)


def test_a_host_that_is_lost_is_made_anew_and_no_stranger(hosts: World) -> None:
    """Its root disk is a new one; its instance is the same, and so are address and host key."""
    hosts.ssh("worker-a", "echo lost > file")
    hosts.lose("worker-a")
    hosts.local("up")
    # The strict check of the host key is part of every such call.
    assert hosts.ssh("worker-a", "ls").strip() == ""


def test_a_volume_attached_later_appears_and_the_root_disk_stays(hosts: World) -> None:
    """`up` gives a host another volume without losing what is on its root disk."""
    hosts.ssh("worker-a", "echo kept > file")
    key = hosts.ssh("worker-a", "cat /etc/ssh/ssh_host_ed25519_key.pub")
    hosts.attach_volume("worker-a", 2)
    hosts.local("up")
    shown = hosts.ssh("worker-a", "lsblk --bytes --noheadings --output PATH,SIZE").split()
    assert shown == ["/dev/sdf", str(2 * 2**30)]
    assert hosts.ssh("worker-a", "cat file").strip() == "kept"
    assert hosts.ssh("worker-a", "cat /etc/ssh/ssh_host_ed25519_key.pub") == key
    hosts.ec2.detach_volume(VolumeId=hosts.ids["volume"], InstanceId=hosts.ids["worker-a"])
    hosts.ec2.delete_volume(VolumeId=hosts.ids.pop("volume"))
    hosts.local("up")
    assert hosts.ssh("worker-a", "lsblk --noheadings") == ""


def test_a_volumes_data_outlives_its_host_and_goes_with_the_volume(hosts: World) -> None:
    """A new instance finds the old one's volume as it was; a deleted volume leaves no file."""
    (volume,) = (
        entry["Ebs"]["VolumeId"]
        for entry in hosts.describe("worker-b")["BlockDeviceMappings"]
        if entry["DeviceName"] == "/dev/sdf"
    )
    hosts.ssh("worker-b", "echo precious | sudo dd of=/dev/sdf conv=fsync status=none")
    old = dict(hosts.ids)
    hosts.ec2.stop_instances(InstanceIds=[old["worker-b"]])
    hosts.ec2.detach_volume(VolumeId=volume, InstanceId=old["worker-b"])
    hosts.ec2.terminate_instances(InstanceIds=[old["worker-b"]])
    hosts.make_instance("worker-b")
    hosts.ec2.attach_volume(VolumeId=volume, InstanceId=hosts.ids["worker-b"], Device="/dev/sdf")
    hosts.local("up")
    assert hosts.ssh("worker-b", "sudo head -n 1 /dev/sdf").strip() == "precious"
    assert old["worker-b"] not in hosts.local("status").stdout
    assert not any(old["worker-b"] in line for line in remains.of(hosts))
    hosts.ec2.stop_instances(InstanceIds=[hosts.ids["worker-b"]])
    hosts.ec2.detach_volume(VolumeId=volume, InstanceId=hosts.ids["worker-b"])
    hosts.ec2.delete_volume(VolumeId=volume)
    hosts.ec2.start_instances(InstanceIds=[hosts.ids["worker-b"]])
    hosts.await_state("worker-b", "running")
    hosts.attach_volume("worker-b", 1)
    hosts.local("up")
    assert not any(volume in line for line in remains.of(hosts))
    by_id = f"nvme-Amazon_Elastic_Block_Store_{hosts.ids['volume'].replace('-', '')}"
    assert hosts.ssh("worker-b", "ls /dev/disk/by-id").strip() == by_id
    assert hosts.ssh("worker-b", "sudo cmp --bytes=1048576 /dev/sdf /dev/zero") == ""


def test_a_terminated_instance_loses_its_host_at_once(hosts: World) -> None:
    """TerminateInstances removes the host without a further command; `up` makes the next one."""
    gone = hosts.ids["worker-a"]
    hosts.ec2.terminate_instances(InstanceIds=[gone])
    deadline = time.monotonic() + 60
    while any(gone in line for line in remains.of(hosts)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    hosts.make_instance("worker-a")
    hosts.local("up")
    assert hosts.ssh("worker-a", "systemctl is-system-running --wait").strip() == "running"
