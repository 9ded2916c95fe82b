"""Whether several pairs fit into a region, beside what others have there."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from carscribe import capacity

OURS = [{"Key": "Project", "Value": "carscribe"}, {"Key": "Deployment", "Value": "cars"}]
OTHERS = [{"Key": "Project", "Value": "carscribe"}, {"Key": "Deployment", "Value": "other"}]


def instance(kind: str, cores: int, tags: list[dict[str, str]], state: str = "running") -> Any:
    """Return an instance as EC2 describes it."""
    return {
        "InstanceType": kind,
        "State": {"Name": state},
        "CpuOptions": {"CoreCount": cores, "ThreadsPerCore": 2},
        "Tags": tags,
    }


class Region:
    """A region with so many things in it; client and session in one.

    Args:
        quotas: what Service Quotas says, by code.
        addresses: of others, beside two of ours.
        instances: all that are there.
        gib: of volumes of others, beside 36 GiB of ours.
    """

    region_name = "us-east-1"

    def __init__(
        self,
        *,
        quotas: dict[str, float] | None = None,
        addresses: int = 0,
        instances: tuple[Any, ...] = (),
        gib: int = 0,
    ) -> None:
        self.quotas = {"L-1216C47A": 32.0, "L-7A658B76": 50.0} if quotas is None else quotas
        self.addresses, self.instances, self.gib = addresses, instances, gib
        self.refused = ""

    def client(self, *_: str, **__: Any) -> Region:
        """Return itself."""
        return self

    def can_paginate(self, _: str) -> bool:
        """All is said at once."""
        return False

    def get_paginator(self, operation: str) -> Region:
        """Return itself, for what is asked in pages."""
        self.listed = self.quotas if operation == "list_service_quotas" else {}
        return self

    def paginate(self, ServiceCode: str) -> list[Any]:  # noqa: N803 # as in boto3
        """Return the account's own quotas."""
        assert ServiceCode in {"ec2", "ebs"}
        found = [{"QuotaCode": code, "Value": value} for code, value in self.listed.items()]
        return [{"Quotas": found}]

    def describe_account_attributes(self, **_: Any) -> Any:
        """Return how many addresses there may be."""
        if self.refused:
            raise ClientError({"Error": {"Code": self.refused, "Message": "no"}}, "Describe")
        return {"AccountAttributes": [{"AttributeValues": [{"AttributeValue": "5"}]}]}

    def describe_addresses(self) -> Any:
        """Return the addresses."""
        return {"Addresses": [{"Tags": OURS}] * 2 + [{"Tags": OTHERS}] * self.addresses}

    def describe_instance_types(self, **_: Any) -> Any:
        """Return a type of two vCPUs."""
        return {"InstanceTypes": [{"VCpuInfo": {"DefaultVCpus": 2}}]}

    def describe_instances(self) -> Any:
        """Return the instances."""
        return {"Reservations": [{"Instances": [one]} for one in self.instances]}

    def describe_volumes(self, **_: Any) -> Any:
        """Return the volumes; one without tags is nobody's."""
        return {"Volumes": [{"Size": 36, "Tags": OURS}, {"Size": self.gib}]}


def crosses(region: Region, pairs: int = 2, *, lab: bool = False, gib: int = 1) -> list[str]:
    """Return what is in the way."""
    values = {
        "pairs": pairs,
        "name": "cars",
        "instance_type": "t3.micro",
        "result_volume_size_gib": gib,
    }
    found = list(capacity.findings(region, values, lab=lab))  # type: ignore[arg-type]
    assert len(found) == 3 + lab
    return [str(one) for one in found if not one.well]


WAY_OUT = "or ask for more in the Service Quotas console"


def test_two_pairs_fit_a_plain_account() -> None:
    """Four of five addresses, eight of 32 vCPUs, and what is this deployment's counts once."""
    ours = instance("t3.micro", 1, OURS)
    assert crosses(Region(instances=(ours, ours))) == []


@pytest.mark.parametrize(("addresses", "pairs", "fit"), [(0, 3, 2), (2, 2, 1), (4, 2, 0)])
def test_addresses(addresses: int, pairs: int, fit: int) -> None:
    """Two a pair, of five that a region allows; others' are counted, and what fits is said."""
    [cross] = crosses(Region(addresses=addresses), pairs)
    others = f", of which others have {addresses}" if addresses else ""
    least = f"set pairs = {fit}" if fit else "none fits"
    assert cross == (
        f"✗ {2 * pairs} Elastic IPs for {pairs} pairs: the quota is 5{others}; {least}, {WAY_OUT}"
    )


@pytest.mark.parametrize(("vcpus", "fits"), [(12, True), (11, False)])
def test_vcpus(vcpus: int, *, fits: bool) -> None:
    """Those of running instances of others' standard types count, and no other."""
    instances = (
        *(instance("m5.xlarge", 2, OTHERS), instance("t3.micro", 1, OURS)),
        *(instance("g4dn.xlarge", 2, []), instance("c7g.large", 4, [], "stopped")),
    )
    found = crosses(Region(quotas={"L-1216C47A": vcpus, "L-7A658B76": 50}, instances=instances))
    told = (
        f"✗ 8 vCPUs for 2 pairs: the quota is 11, of which others have 4; set pairs = 1, {WAY_OUT}"
    )
    assert found == ([] if fits else [told])


@pytest.mark.parametrize(("gib", "fits"), [(988, True), (989, False)])
def test_volumes(gib: int, *, fits: bool) -> None:
    """Each host has a root volume of 8 GiB beside its own; the quota is in TiB."""
    found = crosses(Region(quotas={"L-1216C47A": 32, "L-7A658B76": 1}, gib=gib))
    told = f"✗ 36 GiB of volumes for 2 pairs: the quota is 1024, of which others have {gib}; set "
    assert [one[: len(told)] for one in found] == ([] if fits else [told])


def test_a_lab_allows_nine_instances() -> None:
    """Six of others leave room for one pair."""
    others = tuple(instance("t3.nano", 1, []) for _ in range(6))
    assert crosses(Region(instances=others)) == []
    [cross] = crosses(Region(instances=others), lab=True)
    told = "✗ 4 instances for 2 pairs: the quota is 9, of which others have 6"
    assert cross == f"{told}; set pairs = 1, or stop others"
    assert crosses(Region(instances=others[:5]), lab=True) == []


def test_what_cannot_be_asked_is_said_and_no_reason_to_stop() -> None:
    """Who may not look finds out when it is made."""
    region = Region(quotas={})
    region.refused = "UnauthorizedOperation"
    assert crosses(region) == []
    values = {"pairs": 2, "name": "c", "instance_type": "t3.micro", "result_volume_size_gib": 1}
    said = [str(one) for one in capacity.findings(region, values, lab=False) if one.is_said]  # type: ignore[arg-type]
    assert len(said) == 3
    assert "room for addresses could not be checked (An error occurred (Unauthorized" in said[0]
    assert said[1] == "✓ room for vCPUs could not be checked (Service Quotas does not say)"
