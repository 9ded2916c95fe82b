"""How large a run of the benchmark is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """The parameters; the defaults are those of `make bench`."""

    seed: int = 1
    image_bytes: int = 50_000
    quota: float = 50.0
    quota_small: float = 5.0
    latency: tuple[float, float | None] = (0.25, 1.0)  # median and 99th percentile, seconds
    images: int = 2000
    images_small_quota: int = 200
    images_cut: int = 1500
    cut_seconds: tuple[float, float] = (10.0, 22.0)
    images_regions: int = 4500
    images_pairs: int = 2000
    rate_of_pair: float = 20.0
    images_times_sequential: int = 600
    sequential_images: int = 30
    images_pipeline: int = 800
    images_few: int = 2000
    images_many: int = 20_000
    starts: int = 7
    idle_seconds: float = 190.0
    ceiling_seconds: float = 2.0
    images_settled: int = 2_000_000
    images_new: int = 50_000
    large_bytes: tuple[int, ...] = (2_000_000, 5_000_000)
    images_large: int = 500
    images_killed: int = 400
    quota_raised: float = 500.0
    images_raised: int = 1000
    turns: int = 5  # alternating runs whose medians are compared


SHORT = Scale(
    image_bytes=10_000,
    quota=100.0,
    quota_small=50.0,
    latency=(0.02, 0.08),
    images=100,
    images_small_quota=50,
    images_cut=150,
    cut_seconds=(0.5, 1.0),
    images_regions=150,
    images_pairs=100,
    rate_of_pair=100.0,
    images_times_sequential=50,
    sequential_images=10,
    images_pipeline=100,
    images_few=200,
    images_many=1000,
    starts=1,
    idle_seconds=2.0,
    ceiling_seconds=0.1,
    images_settled=2000,
    images_new=500,
    large_bytes=(600_000, 1_000_000),
    images_large=50,
    images_killed=100,
    images_raised=100,
    turns=1,
)
"""For `make test`: everything is run, nothing is judged that depends on the machine's speed."""
