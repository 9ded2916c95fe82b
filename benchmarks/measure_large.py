"""Pictures as large as people's: promise 12."""

from pathlib import Path

from benchmarks.harness import Child
from benchmarks.measure_rate import SHARE_PROMISED, Speed, run
from benchmarks.report import Row
from benchmarks.scale import Scale

CPU_TIMES_PROMISED = 1.5
MEMORY_MEGABYTES_PROMISED = 120


def large(folder: Path, scale: Scale) -> list[Row]:
    """Worker B alone on pictures of each size, at the quota; the first size is the reference."""
    rows = []
    reference = 0.0
    for size in (scale.image_bytes, *scale.large_bytes):
        children, speeds = run(
            "b",
            folder / str(size),
            images=scale.images_large,
            schedule=[[0, scale.quota]],
            latency=scale.latency,
            scale=scale,
            image_bytes=size,
        )
        child = children["b"]
        each = child.cpu_seconds / scale.images_large * 1000
        if size == scale.image_bytes:
            reference = each
        else:
            rows.append(_row(size, scale, speeds["b"], child, reference))
    return rows


def _row(size: int, scale: Scale, speed: Speed, child: Child, reference: float) -> Row:
    letter = "ab"[scale.large_bytes.index(size)]
    megabytes = child.peak_bytes / 1e6
    each = child.cpu_seconds / scale.images_large * 1000
    return Row(
        f"12{letter}",
        f"B on pictures of {size / 1e6:g} MB: {SHARE_PROMISED:.0%} of the quota of "
        f"{scale.quota:g}/s, at most {MEMORY_MEGABYTES_PROMISED} MB, and {CPU_TIMES_PROMISED:g} "
        f"times the processor time of {scale.image_bytes / 1000:g} kB",
        f"{speed}; peak {megabytes:.1f} MB; {each / reference:.2f} times "
        f"({each:.2f} ms against {reference:.2f} ms an image)",
        speed.kept(SHARE_PROMISED)
        and megabytes <= MEMORY_MEGABYTES_PROMISED
        and each <= CPU_TIMES_PROMISED * reference,
        {
            "speed": vars(speed),
            "peak_megabytes": megabytes,
            "milliseconds": each,
            "milliseconds_reference": reference,
        },
    )
