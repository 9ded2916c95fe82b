"""How many calls a second Rekognition takes of this account: what Service Quotas says, else what is documented."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

OPERATIONS = ("DetectLabels", "DetectText")
LARGE_REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
LARGE, SMALL = 50.0, 5.0
"""DetectLabels and DetectText, calls a second each (AWS General Reference, Rekognition)."""
MOST = 1000.0
"""What rekognition_rate_per_second takes (variables.tf)."""

APPLIED, DEFAULT, DOCUMENTED = "your account's", "AWS's default", "as documented"
# An account whose quota was never changed has no applied one (Service Quotas API Reference).
LISTS = ((DEFAULT, "list_aws_default_service_quotas"), (APPLIED, "list_service_quotas"))


@dataclass(frozen=True)
class Quota:
    """A quota, for the operation of which it is less.

    Attributes:
        calls_per_second: of each operation.
        source: who says it.
    """

    calls_per_second: float
    source: str

    def __str__(self) -> str:
        return f"{self.calls_per_second:g} calls a second, {self.source}"

    def written(self) -> dict[str, Any]:
        """Return it for the deployment's record."""
        return asdict(self)


def _is_of(operation: str, name: str) -> bool:
    """Tell whether a quota's name is that of an operation's calls a second, in whatever words.

    AWS documents the codes of these quotas nowhere, and of the names only how they begin.
    """
    return "transactions per second" in name.lower() and operation in re.findall(r"\w+", name)


def documented(region: str) -> Quota:
    """Return what AWS's reference says."""
    return Quota(LARGE if region in LARGE_REGIONS else SMALL, DOCUMENTED)


def quotas(
    session: boto3.session.Session, region: str, service: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return what Service Quotas says, as far as it may be asked: AWS's defaults, then the account's.

    Args:
        session: with the account's credentials.
        region: of the quotas.
        service: Service Quotas' code of the service.
    """
    config = Config(connect_timeout=10, read_timeout=10, retries={"total_max_attempts": 2})
    make: Any = session.client
    for source, operation in LISTS:
        with suppress(BotoCoreError, ClientError, ResponseParserError):
            pages = make("service-quotas", region_name=region, config=config).get_paginator(
                operation
            )
            for page in pages.paginate(ServiceCode=service):
                for quota in page["Quotas"]:
                    yield source, quota


def read(session: boto3.session.Session, region: str) -> Quota:
    """Ask Service Quotas; what it does not say, or not to everybody, is as documented."""
    found = dict.fromkeys(OPERATIONS, documented(region))
    for source, quota in quotas(session, region, "rekognition"):
        for asked in OPERATIONS:
            if _is_of(asked, str(quota["QuotaName"])):
                found[asked] = Quota(min(float(quota["Value"]), MOST), source)
    return min(found.values(), key=lambda quota: quota.calls_per_second)
