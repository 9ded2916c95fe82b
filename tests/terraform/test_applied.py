"""What an apply against the emulator makes, and that it makes it once."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from carscribe import leftovers

if TYPE_CHECKING:
    from tests.terraform.conftest import World
    from tests.terraform.deployments import Deployment

pytestmark = pytest.mark.timeout(600)  # the first one waits for all applies

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["own", "lab", "given"]
NOTHING_TO_DO = 0


@pytest.mark.parametrize("name", NAMES)
def test_a_second_plan_is_empty(world: World, name: str) -> None:
    """Right after an apply there is nothing to do."""
    deployment = world[name]
    assert deployment.run("plan", "-detailed-exitcode") == NOTHING_TO_DO, deployment.said


def test_a_plan_is_empty_while_hosts_are_stopped(world: World) -> None:
    """Hosts that have stopped themselves are no reason to change anything."""
    deployment, ec2 = world["own"], world.emulator.client("ec2")
    ids = [host["instance_id"] for host in deployment.outputs["hosts"].values()]
    ec2.stop_instances(InstanceIds=ids)
    try:
        assert deployment.run("plan", "-detailed-exitcode") == NOTHING_TO_DO, deployment.said
    finally:
        ec2.start_instances(InstanceIds=ids)


@pytest.mark.parametrize("name", NAMES)
def test_the_inventory_says_what_is_there(world: World, name: str) -> None:
    """Ansible reads the inventory, and it names the addresses that the API gives."""
    deployment = world[name]
    hosts = inventory(deployment.inventory)
    outputs = deployment.outputs
    second = {"worker-a-2", "worker-b-2"} if name == "own" else set()
    assert set(hosts) == {"worker-a", "worker-b"} | second == set(outputs["hosts"])
    ec2 = world.emulator.client("ec2")
    for host, values in hosts.items():
        instance_id = outputs["hosts"][host]["instance_id"]
        instance = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0][
            "Instances"
        ][0]
        addresses = ec2.describe_addresses(
            Filters=[{"Name": "instance-id", "Values": [instance_id]}]
        )["Addresses"]
        assert [values["ansible_host"]] == [address["PublicIp"] for address in addresses]
        assert values["private_address"] == instance["PrivateIpAddress"]
        assert values["ansible_user"] == ("admin" if name == "own" else "ec2-user")
        assert Path(values["ansible_ssh_private_key_file"]).is_file()
        assert f"HostKeyAlias={instance_id}" in values["ansible_ssh_common_args"]
        assert values["carscribe_bucket"] == outputs["bucket"]
        pair = str(values["carscribe_pair"])
        assert hosts[values["carscribe_partner"]]["carscribe_partner"] == host
        assert values["carscribe_queue_url"] == outputs["queue_urls"][pair]
        assert values["carscribe_dead_letter_queue_url"] == outputs["dead_letter_queue_urls"][pair]
        assert values["carscribe_prefix"] == ("photos/2024/" if name == "given" else "")
        given = "carscribe-results/" if name == "given" else ""
        assert values["carscribe_results_prefix"] == outputs["results_prefix"] == given
        assert values["carscribe_region"] == "us-east-1"
        assert values["carscribe_rekognition_rate_per_second"] == 50
        volume = values["carscribe_volume_id"]
        attachment = ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["Attachments"][0]
        assert attachment["InstanceId"] == instance_id
        assert attachment["Device"] == values["carscribe_volume_device"]


def inventory(file: Path) -> dict[str, Any]:
    """Return the variables of each host, as Ansible reads them."""
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(file), "--list"]
    read = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "WARNING" not in read.stderr
    hosts: dict[str, Any] = json.loads(read.stdout)["_meta"]["hostvars"]
    return hosts


@pytest.mark.parametrize(("name", "harm"), [("own", "deleted"), ("lab", "edited")])
def test_an_inventory_that_was_harmed_comes_back(world: World, name: str, harm: str) -> None:
    """The next apply writes a deleted or edited inventory as it was, and changes nothing else."""
    deployment = world[name]
    text = deployment.inventory.read_text()
    if harm == "deleted":
        deployment.inventory.unlink()
    else:
        deployment.inventory.write_text(text.replace("us-east-1", "us-west-2"))
    assert deployment.run("apply") == 0, deployment.said
    assert deployment.inventory.read_text() == text
    assert "Resources: 1 added, 0 changed, 1 destroyed." in deployment.said


def test_hosts_and_volumes_are_closed_and_encrypted(world: World) -> None:
    """What the API has is what was asked for: tokens for metadata, encryption, no other key."""
    outputs = world["own"].outputs
    ec2 = world.emulator.client("ec2")
    for host in outputs["hosts"].values():
        found = ec2.describe_instances(InstanceIds=[host["instance_id"]])
        instance = found["Reservations"][0]["Instances"][0]
        assert instance["MetadataOptions"]["HttpTokens"] == "required"
        volumes = [mapping["Ebs"]["VolumeId"] for mapping in instance["BlockDeviceMappings"]]
        described = ec2.describe_volumes(VolumeIds=volumes)["Volumes"]
        assert [volume["Encrypted"] for volume in described] == [True] * len(volumes)


def test_no_private_key_is_in_the_state(world: World) -> None:
    """The state has the public key alone."""
    state = (world["own"].folder / "terraform.tfstate").read_text()
    assert "ssh-ed25519 " in state
    assert "PRIVATE KEY" not in state


def test_another_operating_system_replaces_hosts_and_keeps_the_volumes(world: World) -> None:
    """All hosts are made anew, the volumes and the addresses are not."""
    deployment = world["own"]
    deployment.run("plan", "-var=operating_system=al2023")
    said = deployment.said
    for worker in ("worker_a", "worker_b", "worker_a_2", "worker_b_2"):
        assert f'# aws_instance.worker["{worker}"] will be replaced' in said, said
        assert f'# aws_volume_attachment.state["{worker}"] must be replaced' in said, said
    for kept in ("aws_ebs_volume.state", "aws_eip.worker"):
        assert not any(
            f"# {kept}" in line and ("replaced" in line or "destroyed" in line)
            for line in said.splitlines()
        ), said


def earlier(made: Deployment, name: str, *, with_volumes: bool) -> Deployment:
    """Return a deployment with the state that an earlier release had made of the same.

    The first release had B's volume alone; up to 1.0 the queues had no number.
    """
    deployment = replace(made, folder=made.folder.with_name(name))
    deployment.folder.mkdir()
    state = json.loads((made.folder / "terraform.tfstate").read_text())
    for resource in state["resources"]:
        kind, address = resource["type"], resource["name"]
        if kind.startswith("aws_sqs_queue") and address in {"indexes", "dead_letter"}:
            [of_the_pair] = resource["instances"]
            del of_the_pair["index_key"]
        if not with_volumes and (kind, address) in {
            ("aws_ebs_volume", "state"),
            ("aws_volume_attachment", "state"),
        }:
            [of_b] = [one for one in resource["instances"] if one["index_key"] == "worker_b"]
            del of_b["index_key"]
            resource |= {"name": "result", "instances": [of_b]}
    (deployment.folder / "terraform.tfstate").write_text(json.dumps(state))
    return deployment


QUEUES = (
    "queue.indexes",
    "queue.dead_letter",
    "queue_redrive_policy.indexes",
    "queue_redrive_allow_policy.dead_letter",
)


def test_a_state_of_the_first_release_loses_nothing(world: World) -> None:
    """B's volume alone was there then, under another address: it moves, and A gets one."""
    deployment = earlier(world["given"], "first-release", with_volumes=False)
    assert deployment.run("plan") == 0, deployment.said
    for kind in ("aws_ebs_volume", "aws_volume_attachment"):
        assert f'# {kind}.result has moved to {kind}.state["worker_b"]' in deployment.said
        assert f'# {kind}.state["worker_a"] will be created' in deployment.said
    # The inventory, which lies in another folder here, and no more goes.
    assert "Plan: 3 to add, 0 to change, 1 to destroy." in deployment.said, deployment.said
    assert "# terraform_data.inventory must be replaced" in deployment.said


def test_a_second_pair_joins_the_first_that_stays(world: World) -> None:
    """The queues of a state of one pair become the first pair's; the second's alone are made."""
    deployment = earlier(world["given"], "one-pair", with_volumes=True)
    assert deployment.run("plan", "-var=pairs=2") == 0, deployment.said
    for address in QUEUES:
        assert f'# aws_sqs_{address} has moved to aws_sqs_{address}["1"]' in deployment.said
        assert f'# aws_sqs_{address}["2"] will be created' in deployment.said
    made = re.findall(r'# (aws_\S+)\["\w+"\] will be created', deployment.said)
    assert made.count("aws_instance.worker") == made.count("aws_ebs_volume.state") == 2
    assert f"Plan: {len(made) + 1} to add, 0 to change, 1 to destroy." in deployment.said
    assert "# terraform_data.inventory must be replaced" in deployment.said


def test_fewer_pairs_take_the_last_ones_away(world: World) -> None:
    """Of two pairs that are up, the second and nothing else is destroyed."""
    deployment = world["own"]
    assert deployment.run("plan", "-var=pairs=1") == 0, deployment.said
    gone = re.findall(r"# (aws_\S+) will be destroyed", deployment.said)
    assert 'aws_instance.worker["worker_a_2"]' in gone
    assert 'aws_sqs_queue.indexes["2"]' in gone
    assert all(address.endswith(('2"]', '_2"]')) for address in gone), gone
    assert f"Plan: 1 to add, 0 to change, {len(gone) + 1} to destroy." in deployment.said


def test_another_region_is_refused_while_something_is_up(world: World) -> None:
    """A region that changes would leave everything behind in the first: one sentence instead."""
    deployment = world["own"]
    assert deployment.run("apply", "-var=region=us-west-2") == 78
    assert deployment.said == (
        "This deployment is in us-east-1, and region is us-west-2 now: say 'make down' first, "
        "or set region back to us-east-1.\n"
    )


def test_the_bucket_has_the_images_of_the_folder(world: World) -> None:
    """The bucket has the ten images of the project, and neither their answers nor their program."""
    bucket = world["own"].outputs["bucket"]
    keys = [
        o["Key"] for o in world.emulator.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    ]
    assert sorted(keys) == sorted(f"{n}.jpg" for n in range(1, 11))


def test_images_added_later_are_uploaded_by_the_next_apply(world: World, tmp_path: Path) -> None:
    """An image that joins the folder is uploaded and the others stay; without it, it goes again."""
    deployment, s3 = world["own"], world.emulator.client("s3")
    bucket = deployment.outputs["bucket"]
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(1, 11):
        shutil.copy(ROOT / "images" / f"{number}.jpg", folder)
    only = "-target=aws_s3_object.image"  # the rest has tests of its own
    assert deployment.run("apply", f"-var=images_dir={folder}", only) == 0, deployment.said
    shutil.copy(ROOT / "images" / "2.jpg", folder / "11.jpg")
    assert deployment.run("apply", f"-var=images_dir={folder}", only) == 0, deployment.said
    assert "1 added, 0 changed, 0 destroyed" in deployment.said
    assert s3.head_object(Bucket=bucket, Key="11.jpg")["ContentLength"] > 0
    assert deployment.run("apply", only) == 0, deployment.said
    assert "0 added, 10 changed, 1 destroyed" in deployment.said


def test_a_learner_lab_gets_no_iam_resource_and_no_key_pair(world: World) -> None:
    """The hosts have the profile and the key pair that exist."""
    hosts = world["lab"].outputs["hosts"]
    ec2 = world.emulator.client("ec2")
    for host in hosts.values():
        found = ec2.describe_instances(InstanceIds=[host["instance_id"]])
        instance = found["Reservations"][0]["Instances"][0]
        assert instance["KeyName"] == "vockey"
        assert instance["IamInstanceProfile"]["Arn"].endswith("/LabInstanceProfile")
    for kind in ("roles", "role policies", "instance profiles", "key pairs"):
        assert not any(name.startswith("lab-") for name in world.made[kind]), world.made[kind]


def test_a_learner_lab_s_bucket_is_made_before_terraform(world: World) -> None:
    """Whom the provider's own question of a bucket is refused gets one like all others."""
    lab, s3 = world["lab"], world.emulator.client("s3")
    asking = world.emulator.client(
        "s3",
        key=lab.caller["AWS_ACCESS_KEY_ID"],
        secret=lab.caller["AWS_SECRET_ACCESS_KEY"],
        token=lab.caller["AWS_SESSION_TOKEN"],
    )
    with pytest.raises(asking.exceptions.ClientError, match="AccessDenied"):
        asking.get_object_lock_configuration(Bucket=lab.outputs["bucket"])
    settings = []
    for name in ("lab", "own"):
        bucket = world[name].outputs["bucket"]
        found = leftovers._ANY.fullmatch(bucket)
        assert found is not None
        assert found["deployment"] == name
        settings.append(
            [
                {
                    tag["Key"]: tag["Value"]
                    for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
                },
                s3.get_bucket_policy(Bucket=bucket)["Policy"].replace(bucket, "BUCKET"),
                s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
                s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"],
                s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"],
                [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]],
            ]
        )
    own = settings[1][0]
    assert own == {**own, "Deployment": "own", "Name": "own-images"}
    settings[1][0] = {**own, "Deployment": "lab", "Name": "lab-images"}
    assert settings[0] == settings[1]


def test_an_existing_bucket_has_neither_policy_nor_new_objects(world: World) -> None:
    """Nothing of an existing bucket is changed by an apply."""
    assert world["given"].outputs["bucket"] == "my-photos"
    photos = {name for name in world.made["objects"] if name.startswith("my-photos/")}
    assert photos == world.before["objects"]
    s3 = world.emulator.client("s3")
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket="my-photos")
