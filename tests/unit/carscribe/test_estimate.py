"""How many images a run has, whether its volumes hold it, and what leaves the region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from carscribe import estimate
from carscribe.estimate import Estimate
from carscribe.folder import find

if TYPE_CHECKING:
    from pathlib import Path

HOLDS = 134_217
"""Images that fit on 1 GiB: nine tenths of it, 7,200 bytes each."""


class Bucket:
    """A bucket of so many pages, of which each has two images and a note."""

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.asked: list[dict[str, Any]] = []

    def list_objects_v2(self, **parameters: Any) -> dict[str, Any]:
        """Answer as S3."""
        self.asked.append(parameters)
        more = len(self.asked) < self.pages
        contents = [{"Key": key, "Size": 5} for key in ("1.jpg", "2.PNG", "notes.txt")]
        return {
            "Contents": contents,
            "IsTruncated": more,
            **({"NextContinuationToken": str(len(self.asked))} if more else {}),
        }


def test_a_folder_is_counted(tmp_path: Path) -> None:
    """Images alone, with the size of all."""
    (tmp_path / "1.jpg").write_bytes(b"12345")
    (tmp_path / "2.png").write_bytes(b"123")
    (tmp_path / "notes.txt").write_bytes(b"1")
    assert estimate.of_folder(find(tmp_path)) == Estimate(2, 8)


def test_a_bucket_is_counted_to_its_end() -> None:
    """Under its prefix, a page after the other, images alone."""
    bucket = Bucket(3)
    assert estimate.of_bucket(bucket, "photos", "2026/") == Estimate(6, 30)
    assert bucket.asked[0] == {"Bucket": "photos", "Prefix": "2026/"}
    assert [asked.get("ContinuationToken") for asked in bucket.asked] == [None, "1", "2"]


def test_a_bucket_that_is_too_large_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is said that there are more."""
    monkeypatch.setattr(estimate, "PAGES_QUICK", 2)
    bucket = Bucket(3)
    found = estimate.of_bucket(bucket, "photos", "")
    assert found == Estimate(4, 20, is_all=False)
    assert str(found) == "more than 4 images"
    assert len(bucket.asked) == 2


@pytest.mark.parametrize(("pages", "enough", "counted"), [(9, 5, 3), (3, 99, 3), (9, 99, 5)])
def test_it_is_counted_as_far_as_volumes_hold(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    pages: int,
    enough: int,
    counted: int,
) -> None:
    """Until it is known that they do not, or to the end, or as far as anybody would wait for."""
    monkeypatch.setattr(estimate, "PAGES_QUICK", 2)
    monkeypatch.setattr(estimate, "PAGES_MAX", 5)
    found = estimate.of_bucket(Bucket(pages), "photos", "", enough)
    assert found == Estimate(2 * counted, 10 * counted, is_all=counted == pages)
    assert capsys.readouterr().out == (
        "Counting the images of photos, up to 5,000 objects: three minutes\n"
    )


def test_a_run_that_fits() -> None:
    """At the limit still."""
    assert estimate.volume(Estimate(HOLDS, 0), 1).well


def test_several_pairs_share_a_run() -> None:
    """Each volume holds its pair's images alone."""
    assert estimate.volume(Estimate(2 * HOLDS, 0), 1, 2).well
    refused = str(estimate.volume(Estimate(2_000_000, 0), 1, 2))
    what = "✗ volumes of 1 GiB for 2,000,000 images on 2 pairs: they hold a run over 268,"
    assert refused.startswith(what)
    assert refused.endswith("set result_volume_size_gib = 8")


@pytest.mark.parametrize(
    ("images", "gib", "needed"),
    [(HOLDS + 1, 1, 2), (2_000_000, 1, 15), (2_000_000, 14, 15), (100_000_000, 16, 746)],
)
def test_a_run_that_does_not_fit_gets_the_number_to_set(images: int, gib: int, needed: int) -> None:
    """Refused, with a size that is enough and one less that is not."""
    found = Estimate(images, 0)
    refused = estimate.volume(found, gib)
    assert not refused.well
    assert refused.advice.endswith(f"set result_volume_size_gib = {needed}")
    assert estimate.volume(found, needed).well
    assert not estimate.volume(found, needed - 1).well


def test_a_bucket_that_nobody_counted_to_its_end_says_how_to_go_on() -> None:
    """What is known not to fit is refused, with what a GiB holds."""
    refused = estimate.volume(Estimate(200_000, 0, is_all=False), 1)
    assert "set result_volume_size_gib = 2 or more, one for each 134,217 images" in refused.advice


def test_a_bucket_that_nobody_counted_to_its_end_is_no_tick_in_silence() -> None:
    """What fits as far as it was counted may not in the end: `make up` says how many would."""
    found = estimate.volume(Estimate(300_000, 0, is_all=False), 3)
    what = "✓ volumes of 3 GiB for more than 300,000 images, of which they hold 402,653: nobody"
    assert str(found) == f"{what} counted further"
    assert found.is_said
    assert not estimate.volume(Estimate(300_000, 0), 3).is_said


def test_what_leaves_the_region_has_its_price() -> None:
    """Two thirds of a terabyte, in base64, at two cents a gigabyte; for A, and again for B."""
    rates = {"us-east-1": 50.0, "us-west-2": 50.0, "eu-west-1": 50.0}
    said = estimate.transfer(Estimate(5_000_000, 10**12), rates, "us-east-1")
    assert "67% of the images leave us-east-1 for us-west-2, eu-west-1" in said
    assert "costs $17.778, and at most as much again" in said


def test_from_other_continents_it_costs_more() -> None:
    """No price is known there for sure: the dearest is said."""
    rates = {"ap-south-1": 5.0, "us-east-1": 5.0}
    said = estimate.transfer(None, rates, "ap-south-1")
    assert "50% of the images leave ap-south-1 for us-east-1" in said
    assert "costs $0.092 to $0.184 a GB of images" in said
