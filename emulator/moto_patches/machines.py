"""Patches of moto's AMIs, of what an instance is made from, and of what it leaves.

moto knows no Debian, and wants a size for a root volume, which in AWS is the
AMI's own unless one is given. The network interface that an instance was
started with ends with it in AWS, and stays in moto.
"""

# ruff: noqa: SLF001 # private parts are what is patched
from __future__ import annotations

from typing import Any

from moto.core.utils import unix_time
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.instances import Instance
from moto.ec2.responses.instances import InstanceResponse
from moto.ssm.models import Parameter, ParameterDict

DEBIAN_ACCOUNT_ID = "136693071363"
DEBIAN_PARAMETERS = "/aws/service/debian/release/12/latest/"
DEBIAN_AMIS = {  # Debian's name of an architecture: EC2's name of it, and the AMI
    "amd64": ("x86_64", "ami-0deb12000000a3d64"),
    "arm64": ("arm64", "ami-0deb120000000a364"),
}
ROOT_VOLUME_SIZE_GIB = 8


def patch() -> None:
    """Add Debian 12, and give each root volume a size."""
    if getattr(AmiBackend._load_amis, "patched", False):
        return
    AmiBackend._load_amis = _loading_amis(AmiBackend._load_amis)
    ParameterDict._check_loading_status = _loading_parameters(ParameterDict._check_loading_status)
    InstanceResponse._validate_block_device_mapping = staticmethod(
        _giving_a_size(InstanceResponse._validate_block_device_mapping)
    )
    Instance.terminate = _taking_the_interface_along(Instance.terminate)


def _taking_the_interface_along(original: Any) -> Any:
    def terminate(self: Any) -> Any:
        state = original(self)
        for interface in self.nics.values():
            if interface.device_index == 0 and interface.id in self.ec2_backend.enis:
                interface.delete()
        return state

    return terminate


def _loading_amis(original: Any) -> Any:
    def load(self: Any) -> None:
        original(self)
        for name, (architecture, ami_id) in DEBIAN_AMIS.items():
            self.amis[ami_id] = Ami(
                self,
                ami_id,
                name=f"debian-12-{name}-20260901-2222",
                description=f"Debian 12 ({name})",
                owner_id=DEBIAN_ACCOUNT_ID,
                public=True,
                virtualization_type="hvm",
                architecture=architecture,
                hypervisor="xen",
                root_device_type="ebs",
                root_device_name="/dev/xvda",
            )

    load.patched = True  # type: ignore[attr-defined]
    return load


def _loading_parameters(original: Any) -> Any:
    def load(self: Any, key: str) -> None:
        original(self, key)
        if not str(key or "").startswith(DEBIAN_PARAMETERS):
            return
        for debian_name, (_, ami_id) in DEBIAN_AMIS.items():
            name = DEBIAN_PARAMETERS + debian_name
            if not dict.get(self, name):
                dict.__setitem__(self, name, [_public_parameter(self.account_id, name, ami_id)])

    return load


def _public_parameter(account_id: str, name: str, ami_id: str) -> Parameter:
    return Parameter(
        account_id=account_id,
        name=name,
        value=ami_id,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=unix_time(),
        version=1,
        data_type="aws:ec2:image",
    )


def _giving_a_size(original: Any) -> Any:
    def validate(device_mapping: dict[str, Any]) -> None:
        ebs = device_mapping.get("Ebs")
        if ebs is not None and not ebs.get("SnapshotId"):
            ebs.setdefault("VolumeSize", ROOT_VOLUME_SIZE_GIB)
        original(device_mapping)

    return validate
