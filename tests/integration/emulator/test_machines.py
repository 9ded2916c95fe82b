"""What the emulator knows of AMIs and instances, beyond moto."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator import Emulator


@pytest.mark.parametrize(("debian_name", "architecture"), [("amd64", "x86_64"), ("arm64", "arm64")])
def test_debian_has_a_public_parameter_that_names_its_ami(
    emulator: Emulator, debian_name: str, architecture: str
) -> None:
    """Debian's AMI is found by its SSM parameter, and is Debian's, for the architecture asked."""
    name = f"/aws/service/debian/release/12/latest/{debian_name}"
    ami_id = emulator.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    image = emulator.client("ec2").describe_images(ImageIds=[ami_id])["Images"][0]
    assert (image["Architecture"], image["OwnerId"]) == (architecture, "136693071363")


def test_a_root_volume_without_a_size_is_made(emulator: Emulator) -> None:
    """An instance whose root volume is described without a size starts, as in AWS."""
    ec2 = emulator.client("ec2")
    name = "/aws/service/debian/release/12/latest/amd64"
    ami_id = emulator.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    instance = ec2.run_instances(
        ImageId=ami_id,
        MinCount=1,
        MaxCount=1,
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True}}],
    )["Instances"][0]
    mapping = ec2.describe_instances(InstanceIds=[instance["InstanceId"]])["Reservations"][0][
        "Instances"
    ][0]["BlockDeviceMappings"]
    volume = ec2.describe_volumes(VolumeIds=[mapping[0]["Ebs"]["VolumeId"]])["Volumes"][0]
    assert (volume["Size"], volume["Encrypted"]) == (8, True)


def test_an_instance_takes_its_network_interface_along(emulator: Emulator) -> None:
    """The interface that an instance was started with is gone when the instance is."""
    ec2 = emulator.client("ec2")
    name = "/aws/service/debian/release/12/latest/amd64"
    ami_id = emulator.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    started = ec2.run_instances(ImageId=ami_id, MinCount=1, MaxCount=1)["Instances"][0]
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 1
    ec2.terminate_instances(InstanceIds=[started["InstanceId"]])
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
