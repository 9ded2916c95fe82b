"""What is on the hosts beside the workers: the volume, doors, credentials."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.live.reached import Worker


def test_the_state_directory_is_the_workers_alone(worker: Worker) -> None:
    """Nobody but the worker can look into its state directory."""
    directory = worker.host.file(worker.state)
    assert (directory.user, directory.group, directory.mode) == (worker.unit, worker.unit, 0o700)


def test_a_worker_writes_to_its_volume(worker: Worker) -> None:
    """The state directory is the volume's own file system, with nothing to execute on it."""
    mount = worker.host.mount_point(worker.state)
    assert mount.exists
    assert mount.filesystem in {"ext4", "xfs"}
    assert {"nodev", "noexec", "nosuid"} <= set(mount.options)


def test_the_file_system_fills_its_volume(worker: Worker) -> None:
    """A volume that was made larger has a file system of its own size, but for what that keeps."""
    device = worker.say(f"findmnt --noheadings --output SOURCE {worker.state}").strip()
    volume_bytes = int(worker.say(f"blockdev --getsize64 {device}"))
    used = worker.say(f"findmnt --noheadings --bytes --output SIZE {worker.state}")
    assert int(used) > 0.9 * volume_bytes


def test_the_mount_names_the_file_system(worker: Worker) -> None:
    """The mount unit finds the volume by UUID, and comes back at every boot."""
    name = worker.say(f"systemd-escape --path --suffix=mount {worker.state}").strip()
    quoted = name.replace("\\", "\\\\")
    assert "What=/dev/disk/by-uuid/" in worker.say(f"systemctl cat {quoted}")
    assert worker.say(f"systemctl is-enabled {quoted}").strip() == "enabled"


def test_no_door_but_ssh(worker: Worker) -> None:
    """Nothing but sshd listens on an address that others can reach."""
    listening = worker.say("ss --no-header --listening --numeric --tcp").splitlines()
    addresses = [line.split()[3] for line in listening]
    open_to_others = {
        address.rpartition(":")[2]
        for address in addresses
        if not re.match(r"127\.|\[::1\]|\[?::ffff:127\.", address)
    }
    assert open_to_others == {"22"}


def test_ssh_takes_keys_only(worker: Worker) -> None:
    """The SSH server refuses passwords."""
    said = worker.say("/usr/sbin/sshd -T").lower().splitlines()
    assert "passwordauthentication no" in said
    assert "kbdinteractiveauthentication no" in said


def test_no_credentials_on_disk(worker: Worker) -> None:
    """No access key, secret key or session token lies in any file that a worker or person left."""
    places = f"/etc /home /root /opt/carscribe {worker.state} /tmp /var/tmp /var/log"
    pattern = "(AKIA|ASIA)[A-Z0-9]{16}|aws_secret_access_key *=|aws_session_token *="
    # botocore's own sources and examples speak of such names. grep fails where it finds nothing.
    found = worker.say(
        f"grep -rIlE '{pattern}' {places} --exclude-dir=site-packages 2>/dev/null || true"
    )
    assert found.split() == []
    assert not worker.host.file(f"{worker.host.user('root').home}/.aws").exists
    assert worker.say("find /home -maxdepth 2 -name .aws").strip() == ""


def test_no_credentials_in_the_units(worker: Worker) -> None:
    """The environment of systemd and of the worker names no key."""
    shown = worker.say("systemctl show-environment") + worker.setting("Environment")
    shown += worker.host.file(f"/etc/carscribe/worker-{worker.name}.env").content_string
    assert not re.search(r"AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)", shown)
