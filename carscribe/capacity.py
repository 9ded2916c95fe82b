"""Whether a region has room for several pairs: addresses, vCPUs, volumes, a Learner Lab's instances."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import jmespath  # type: ignore[import-untyped] # comes with botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from carscribe import quota
from carscribe.cost import HOSTS_A_PAIR, ROOT_VOLUME_GIB
from carscribe.doctor import Finding
from carscribe.leftovers import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import boto3

VCPUS, STORAGE = ("ec2", "L-1216C47A"), ("ebs", "L-7A658B76")
"""Service Quotas' codes of "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
which counts vCPUs, and of "Storage for General Purpose SSD (gp3) volumes, in TiB"."""
ADDRESSES = "vpc-max-elastic-ips"
"""EC2 says this one itself (EC2 API Reference, DescribeAccountAttributes)."""
MORE = "or ask for more in the Service Quotas console"
LAB_INSTANCES_MAX = 9
"""At once in a region (AWS Academy Learner Lab, service restrictions)."""

_STANDARD = re.compile("[acdhimrtz][0-9]")
_UP = ("pending", "running")
"""States of an instance that counts."""


def findings(
    session: boto3.session.Session, values: Mapping[str, Any], *, lab: bool
) -> Iterator[Finding]:
    """Say of each quota whether so many pairs fit, beside what others have.

    Args:
        session: with the credentials and the region to look at.
        values: the deployment's variables.
        lab: whether this is a Learner Lab.
    """
    quotas = _Look(session, values)
    checks: dict[str, Callable[[], Finding]] = {
        "addresses": quotas.addresses,
        "vCPUs": quotas.vcpus,
        "volumes": quotas.volumes,
        **({"instances": quotas.lab_instances} if lab else {}),
    }
    for what, check in checks.items():
        try:
            yield check()
        except (BotoCoreError, ClientError, LookupError, ResponseParserError) as problem:
            yield Finding(f"room for {what} could not be checked ({problem})", is_said=True)


class _Look:
    """A look at what a region has and allows."""

    def __init__(self, session: boto3.session.Session, values: Mapping[str, Any]) -> None:
        self._pairs, self._values = int(values["pairs"]), values
        config = Config(connect_timeout=10, read_timeout=10, retries={"total_max_attempts": 2})
        make: Any = session.client
        self._ec2 = make("ec2", region_name=session.region_name, config=config)
        self._quotas = partial(quota.quotas, session, str(session.region_name))

    def addresses(self) -> Finding:
        """Look at the Elastic IPs."""
        used = len(self._others("describe_addresses", "Addresses"))
        answer = self._ec2.describe_account_attributes(AttributeNames=[ADDRESSES])
        limit = int(answer["AccountAttributes"][0]["AttributeValues"][0]["AttributeValue"])
        return self._finding("Elastic IPs", 1, used, limit)

    def vcpus(self) -> Finding:
        """Look at the vCPUs of running instances."""
        kind = str(self._values["instance_type"])
        if not _STANDARD.match(kind):
            raise LookupError(f"{kind} has another quota")
        [known] = self._ec2.describe_instance_types(InstanceTypes=[kind])["InstanceTypes"]
        used = sum(
            one["CpuOptions"]["CoreCount"] * one["CpuOptions"]["ThreadsPerCore"]
            for one in self._instances()
            if _STANDARD.match(one["InstanceType"])
        )
        each = known["VCpuInfo"]["DefaultVCpus"]
        return self._finding("vCPUs", each, used, self._limit(*VCPUS))

    def volumes(self) -> Finding:
        """Look at the storage of gp3 volumes, in GiB."""
        given = {"Filters": [{"Name": "volume-type", "Values": ["gp3"]}]}
        used = sum(one["Size"] for one in self._others("describe_volumes", "Volumes", **given))
        each = ROOT_VOLUME_GIB + int(self._values["result_volume_size_gib"])
        return self._finding("GiB of volumes", each, used, 1024 * self._limit(*STORAGE))

    def lab_instances(self) -> Finding:
        """Look at the instances, of which a lab allows few."""
        used = len(self._instances())
        return self._finding("instances", 1, used, LAB_INSTANCES_MAX, "or stop others")

    def _finding(self, noun: str, each: int, used: int, limit: float, more: str = MORE) -> Finding:
        what = f"{self._pairs * HOSTS_A_PAIR * each} {noun} for {self._pairs} pairs"
        fit = int(limit - used) // (HOSTS_A_PAIR * each)
        if self._pairs <= fit:
            return Finding(what)
        least = f"set pairs = {fit}" if fit > 0 else "none fits"
        beside = f", of which others have {used}" if used else ""
        return Finding(what, f"the quota is {limit:g}{beside}; {least}, {more}")

    def _limit(self, service: str, code: str) -> float:
        """Return what the account has, else AWS's default.

        Raises:
            LookupError: Service Quotas does not say.
        """
        said = {one["QuotaCode"]: float(one["Value"]) for _, one in self._quotas(service)}
        if code not in said:
            raise LookupError("Service Quotas does not say")
        return said[code]

    def _instances(self) -> list[Any]:
        answer = self._others("describe_instances", "Reservations[].Instances[]")
        return [one for one in answer if one["State"]["Name"] in _UP]

    def _others(self, operation: str, found: str, **given: Any) -> list[Any]:
        """Return what is there and not this deployment's, which is counted as wanted."""
        own = {"Project": PROJECT, "Deployment": str(self._values["name"])}
        pages = (
            self._ec2.get_paginator(operation).paginate(**given)
            if self._ec2.can_paginate(operation)
            else [getattr(self._ec2, operation)(**given)]
        )
        return [
            one
            for page in pages
            for one in jmespath.search(found, page) or []
            if not own.items() <= {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())}.items()
        ]
