"""What a deployment costs on AWS: an hour of it, and a run over its images."""

from __future__ import annotations

from carscribe_common import prices

HOSTS_A_PAIR = 2
ROOT_VOLUME_GIB = 8
"""What Amazon Linux 2023 and Debian 12 ask for."""
HOURS_SAID = 0.1
"""A run that takes less is not worth a word on its time."""
LISTINGS_USD_SAID = 0.001
"""Listings that cost less are not worth a word."""


def usd_per_hour(
    instance_type: str, result_volume_gib: float, *, pairs: int = 1, stopped: int = 0
) -> float | None:
    """Return what the hosts, their addresses and volumes cost; None for a type not priced here.

    Args:
        instance_type: of all hosts.
        result_volume_gib: the size of each worker's volume.
        pairs: of hosts.
        stopped: how many of the hosts are.
    """
    hosts = pairs * HOSTS_A_PAIR
    host = prices.LINUX_USD_PER_HOUR.get(instance_type)
    if host is None:
        return None
    gib = hosts * (ROOT_VOLUME_GIB + result_volume_gib)
    volumes = gib * prices.GP3_USD_PER_GIB_MONTH / prices.HOURS_PER_MONTH
    return (hosts - stopped) * host + hosts * prices.PUBLIC_ADDRESS_USD_PER_HOUR + volumes


def an_hour(
    region: str, instance_type: str = "t3.micro", result_volume_gib: float = 1, pairs: int = 1
) -> str:
    """Say what an hour costs."""
    hosts = pairs * HOSTS_A_PAIR
    what = f"{hosts} {instance_type}, {hosts} public addresses, {2 * hosts} volumes"
    usd = usd_per_hour(instance_type, result_volume_gib, pairs=pairs)
    if usd is None:
        return (
            f"An hour costs what {hosts} {instance_type} cost "
            "(aws.amazon.com/ec2/pricing/on-demand), and a cent or two for addresses and volumes."
        )
    elsewhere = "" if region == prices.REGION else f" ({region} differs a little)"
    burst = hosts * prices.burst_usd_per_hour(instance_type)
    each = "both" if pairs == 1 else "all"
    bursts = (
        f" Bursts add ${burst:.2f} at the most, while {each} compute flat out." if burst else ""
    )
    return f"An hour costs about ${usd:.3f}{elsewhere}: {what}. `make down` ends it.{bursts}"


def a_run(
    images: int | None, rate_per_second: float, usd_an_hour: float | None, pairs: int = 1
) -> str:
    """Say what a run costs and takes.

    Args:
        images: None if nobody has counted them.
        rate_per_second: how many Rekognition looks at.
        usd_an_hour: of hosts, addresses and volumes; None where that is not known.
        pairs: of hosts, each of which lists all objects.
    """
    if images is None:
        low, high = prices.rekognition_usd(1000), prices.rekognition_usd(2000)
        said = f"A run costs ${low:.2f} to ${high:.2f} for each thousand images."
        if pairs > 1:
            listings = 1000 * pairs * prices.LIST_USD_PER_THOUSAND_OBJECTS
            said += f" Listing a million objects {pairs} times costs ${listings:.3f}."
        return said
    low = prices.rekognition_usd(images)
    high = prices.rekognition_usd(2 * images)
    noun = "image" if images == 1 else "images"
    said = (
        f"A run over {images} {noun} costs ${low:.3f}, and at most ${high - low:.3f} more for "
        "those with a car."
    )
    listings = pairs * images / 1000 * prices.LIST_USD_PER_THOUSAND_OBJECTS
    if pairs > 1 and listings >= LISTINGS_USD_SAID:
        said += f" Listing them {pairs} times costs ${listings:.3f}."
    hours = images / rate_per_second / 3600
    if hours < HOURS_SAID:
        return said
    hosts = (
        "" if usd_an_hour is None else f", in which the deployment costs ${usd_an_hour * hours:.2f}"
    )
    return f"{said} At {rate_per_second:g} a second it takes {hours:.1f} h{hosts}."
