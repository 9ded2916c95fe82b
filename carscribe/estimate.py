"""How many images a run has and how large they are: what that asks of the volumes and the line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from carscribe.doctor import Finding
from carscribe_common import prices
from carscribe_common.rules import is_image_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from carscribe.folder import Found

GIB = 1024**3

BYTES_AN_IMAGE = 7200
"""What B writes at the most of a car with ten texts: 5.0 kB in the store, which stays, and 2.2 kB in
results.jsonl, for keys of 33 letters (measured). A writes 1.4 kB of an image with three cars."""

USABLE_SHARE = 0.9
"""What a file system leaves of its volume, with some to spare for the -wal."""

PAGES_QUICK, PAGES_MAX = 300, 2000
"""Of so many thousand objects a bucket is counted: the first take some half a minute and 0.0015 USD
(ListObjectsV2, 0.005 USD for a thousand calls), the others are for volumes that hold more."""


@dataclass(frozen=True)
class Estimate:
    """The images of a run.

    Attributes:
        images: how many.
        size_bytes: of all of them.
        is_all: whether they were counted to the end.
    """

    images: int
    size_bytes: int
    is_all: bool = True

    def __str__(self) -> str:
        noun = "image" if self.images == 1 else "images"
        return f"{'' if self.is_all else 'more than '}{self.images:,} {noun}"


def of_folder(found: Found) -> Estimate:
    """Count the pictures of a folder."""
    return Estimate(
        len(found.pictures), sum(picture.path.stat().st_size for picture in found.pictures)
    )


def of_bucket(s3: Any, bucket: str, prefix: str, enough: int = 0) -> Estimate:
    """Count the images of a bucket, or of its first pages.

    Args:
        s3: a client.
        bucket: its name.
        prefix: of the keys that count.
        enough: goes on behind PAGES_QUICK pages until there are more images than this.

    Raises:
        ClientError, BotoCoreError: it cannot be listed.
    """
    images = size = 0
    position: dict[str, str] = {}
    for pages in range(PAGES_MAX):
        if pages >= PAGES_QUICK and images > enough:
            break
        if pages == PAGES_QUICK:
            print(
                f"Counting the images of {bucket}, up to {PAGES_MAX * 1000:,} objects: three minutes",
                flush=True,
            )
        page = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, **position)
        for item in page.get("Contents", ()):
            if is_image_key(item["Key"]):
                images += 1
                size += item["Size"]
        if not page["IsTruncated"]:
            return Estimate(images, size)
        position = {"ContinuationToken": page["NextContinuationToken"]}
    return Estimate(images, size, is_all=False)


def holding(size_gib: float, pairs: int = 1) -> int:
    """Return how many images a run may have on the volumes of so many pairs, each of this size."""
    return math.floor(pairs * size_gib * GIB * USABLE_SHARE / BYTES_AN_IMAGE)


def volume(estimate: Estimate, size_gib: float, pairs: int = 1) -> Finding:
    """Say whether the workers' volumes hold a run, with the size to set if they do not.

    Args:
        estimate: of the run's images.
        size_gib: of each worker's volume.
        pairs: of hosts, each of which has its share of the images.
    """
    holds = holding(size_gib, pairs)
    what = f"volumes of {size_gib:g} GiB for {estimate}"
    if pairs > 1:
        what += f" on {pairs} pairs"
    if estimate.images <= holds:
        if estimate.is_all:
            return Finding(what)
        return Finding(
            f"{what}, of which they hold {holds:,}: nobody counted further", is_said=True
        )
    need = math.ceil(estimate.images / pairs * BYTES_AN_IMAGE / USABLE_SHARE / GIB)
    return Finding(
        what,
        f"they hold a run over {holds:,}; set result_volume_size_gib = {need}"
        + ("" if estimate.is_all else f" or more, one for each {holds // size_gib:,.0f} images"),
    )


def transfer(estimate: Estimate | None, rates: Mapping[str, float], home: str) -> str:
    """Say what it costs that pictures leave the bucket's region.

    Args:
        estimate: None if nobody has counted the images.
        rates: calls a second in each region, the bucket's own among them.
        home: the bucket's own region.
    """
    share = 1 - rates[home] / sum(rates.values())
    said = f"Some {share:.0%} of the images leave {home} for {', '.join(r for r in rates if r != home)}"
    of_gigabyte = prices.transfer_usd(prices.wire_bytes(10**9), home) * share
    if estimate is None or not estimate.is_all:
        return f"{said}, which costs ${of_gigabyte:.3f} to ${2 * of_gigabyte:.3f} a GB of images."
    usd = of_gigabyte * estimate.size_bytes / 1e9
    return f"{said}, which costs ${usd:.3f}, and at most as much again for those with a car."
