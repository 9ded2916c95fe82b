"""What a deployment costs on AWS: an hour of it, and a run over its images.

The prices are AWS's list prices of us-east-1 in US dollars, as they were in
2025: EC2 on demand (aws.amazon.com/ec2/pricing/on-demand), public IPv4
addresses (aws.amazon.com/vpc/pricing), gp3 volumes (aws.amazon.com/ebs/pricing)
and Rekognition's first million images a month (aws.amazon.com/rekognition/pricing).
S3 and SQS come to less than a cent for a hundred thousand images.
"""

from __future__ import annotations

from carscribe_common.summary import PRICE_USD_PER_CALL

PRICED_REGION = "us-east-1"
HOSTS = 2

LINUX_USD_PER_HOUR = {
    "t3.nano": 0.0052,
    "t3.micro": 0.0104,
    "t3.small": 0.0208,
    "t3.medium": 0.0416,
    "t3.large": 0.0832,
}
PUBLIC_ADDRESS_USD_PER_HOUR = 0.005
GP3_USD_PER_GIB_MONTH = 0.08
HOURS_PER_MONTH = 730
ROOT_VOLUME_GIB = 8
"""What Amazon Linux 2023 and Debian 12 ask for."""


def usd_per_hour(instance_type: str, result_volume_gib: float) -> float | None:
    """Return what the hosts, their addresses and volumes cost; None for a type not priced here."""
    host = LINUX_USD_PER_HOUR.get(instance_type)
    if host is None:
        return None
    gib = HOSTS * (ROOT_VOLUME_GIB + result_volume_gib)
    volumes = gib * GP3_USD_PER_GIB_MONTH / HOURS_PER_MONTH
    return HOSTS * (host + PUBLIC_ADDRESS_USD_PER_HOUR) + volumes


def an_hour(region: str, instance_type: str = "t3.micro", result_volume_gib: float = 1) -> str:
    """Say what an hour costs."""
    what = f"{HOSTS} {instance_type}, {HOSTS} public addresses, {2 * HOSTS} volumes"
    usd = usd_per_hour(instance_type, result_volume_gib)
    if usd is None:
        return (
            f"An hour costs what {HOSTS} {instance_type} cost "
            "(aws.amazon.com/ec2/pricing/on-demand), and a cent or two for addresses and volumes."
        )
    elsewhere = "" if region == PRICED_REGION else f" ({region} differs a little)"
    return f"An hour costs about ${usd:.3f}{elsewhere}: {what}. `make down` ends it."


def a_run(images: int | None) -> str:
    """Say what a run costs; None if nobody has counted the images."""
    if images is None:
        thousand = 1000 * PRICE_USD_PER_CALL
        return f"A run costs ${thousand:.2f} to ${2 * thousand:.2f} for each thousand images."
    low = images * PRICE_USD_PER_CALL
    noun = "image" if images == 1 else "images"
    return (
        f"A run over {images} {noun} costs ${low:.3f}, and at most as much again for those with "
        "a car."
    )
