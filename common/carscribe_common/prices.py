"""What AWS takes: each price that is reckoned with, in US dollars, of us-east-1.

List prices, without a free tier, as they were known in November 2026 (AWS was
not asked): Rekognition Image, group 2, in which DetectLabels and DetectText
are (aws.amazon.com/rekognition/pricing); EC2 on demand, with what a vCPU-hour
above the earned credits costs (aws.amazon.com/ec2/pricing/on-demand); public
IPv4 addresses (aws.amazon.com/vpc/pricing); gp3 (aws.amazon.com/ebs/pricing); data
that leaves a region for another, which the source alone pays
(aws.amazon.com/ec2/pricing/on-demand, "Data Transfer"); listing a bucket, up to a
thousand objects a call (aws.amazon.com/s3/pricing, "Requests and data retrievals").
S3 and SQS come to less than a cent for a hundred thousand images.
"""

from __future__ import annotations

REGION = "us-east-1"

REKOGNITION_USD = (
    (1_000_000, 0.0010),
    (4_000_000, 0.0008),
    (30_000_000, 0.0006),
    (None, 0.0004),
)
"""So many calls of a month, and what each of them costs; then the next so many."""

LINUX_USD_PER_HOUR = {
    "t3.nano": 0.0052,
    "t3.micro": 0.0104,
    "t3.small": 0.0208,
    "t3.medium": 0.0416,
    "t3.large": 0.0832,
    "t4g.nano": 0.0042,
    "t4g.micro": 0.0084,
    "t4g.small": 0.0168,
    "t4g.medium": 0.0336,
    "t4g.large": 0.0672,
}
BURST_USD_PER_VCPU_HOUR = {"t3": 0.05, "t4g": 0.04}
BURST_VCPUS = 2
BURST_BASELINE = {"nano": 0.05, "micro": 0.1, "small": 0.2, "medium": 0.2, "large": 0.3}
"""What a burstable host has for good of each of its vCPUs (EC2 User Guide, "Key concepts")."""
PUBLIC_ADDRESS_USD_PER_HOUR = 0.005
GP3_USD_PER_GIB_MONTH = 0.08
HOURS_PER_MONTH = 730
LIST_USD_PER_THOUSAND_OBJECTS = 0.000005
TRANSFER_USD_PER_GB = 0.02
"""From a host in the US, Canada or Europe to any other region."""
TRANSFER_USD_PER_GB_MOST = 0.138
"""The same from São Paulo, the dearest of the other regions with Rekognition."""


def rekognition_usd(calls: int) -> float:
    """Return what calls cost, as if they were the first of their month; failed ones are free."""
    usd = 0.0
    for many, price in REKOGNITION_USD:
        here = calls if many is None else min(calls, many)
        usd += here * price
        calls -= here
    return usd


def wire_bytes(picture_bytes: int) -> int:
    """Return how many bytes pictures of so many are in calls: base64 has four for three."""
    return -(-picture_bytes // 3) * 4


def transfer_usd(sent_bytes: float, region: str) -> float:
    """Return what it costs at the most that bytes leave a region for others."""
    near = region.startswith(("us-", "ca-", "eu-"))
    return sent_bytes / 1e9 * (TRANSFER_USD_PER_GB if near else TRANSFER_USD_PER_GB_MOST)


def burst_usd_per_hour(instance_type: str) -> float:
    """Return the most that a host's bursts add to an hour; 0 for a type that knows none.

    AWS takes it of a host that computes flat out and has no credits left
    (`unlimited`, the default of these types).
    """
    family, _, size = instance_type.partition(".")
    if family not in BURST_USD_PER_VCPU_HOUR or size not in BURST_BASELINE:
        return 0.0
    return BURST_VCPUS * (1 - BURST_BASELINE[size]) * BURST_USD_PER_VCPU_HOUR[family]
