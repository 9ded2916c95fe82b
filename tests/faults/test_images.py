"""Fault 6: images that cannot be looked at or read are their own failure."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.faults.harness import Trial, seeds
from tests.pipeline import DETECTED, car_answer, picture

if TYPE_CHECKING:
    from collections.abc import Callable

BELL = "bell\x07.jpg"


def gif() -> bytes:
    """Return a GIF."""
    buffer = io.BytesIO()
    Image.new("RGB", (100, 100)).save(buffer, "GIF")
    return buffer.getvalue()


def bad_images() -> dict[str, tuple[bytes, str]]:
    """Return images by key, each with the reason for its failure at A."""
    whole = picture(8_000_000, side=200)
    return {
        "cut.jpg": (whole[: len(whole) // 2], "invalid-image"),
        "empty.jpg": (b"", "invalid-image"),
        "gif.jpg": (gif(), "invalid-image"),
        "large.jpg": (whole + bytes(16 * 2**20), "too-large"),
        "small.jpg": (picture(8_000_001, side=79), "invalid-parameter"),
        BELL: (picture(8_000_002), "unreadable-key"),
        "zz-gone.jpg": (picture(8_000_003), "gone"),
    }


@pytest.mark.parametrize("seed", seeds(1, 5))
def test_bad_images(trial: Callable[..., Trial], seed: int) -> None:
    """Each bad image is named with its reason, and the run goes on without it."""
    run = trial("6 bad images", seed, images=24)
    bad = bad_images()
    for key, (body, _) in bad.items():
        run.pipeline.s3.put_object(Bucket=run.pipeline.bucket, Key=key, Body=body)
    for number, key in enumerate(("b-changed.jpg", "b-gone.jpg")):
        run.pipeline.add(key, car_answer(99.0, "NO"), body=picture(8_100_000 + number))
    run.start("a", REKOGNITION_RATE_PER_SECOND="9")
    run.wait_for_log("a", DETECTED)
    run.pipeline.s3.delete_object(Bucket=run.pipeline.bucket, Key="zz-gone.jpg")
    assert run.units["a"].wait() == 0
    run.pipeline.s3.delete_object(Bucket=run.pipeline.bucket, Key="b-gone.jpg")
    run.pipeline.s3.put_object(
        Bucket=run.pipeline.bucket, Key="b-changed.jpg", Body=picture(8_100_009)
    )
    run.start("b")
    run.finish()
    outcome = run.judge(
        failed_a={key: reason for key, (_, reason) in bad.items()},
        failed_b={"b-changed.jpg": "changed", "b-gone.jpg": "gone"},
    )
    assert outcome.doubled == 0
    assert outcome.exits == {"a": [0], "b": [0]}


def test_an_image_above_5_mb_is_read_where_it_lies(trial: Callable[..., Trial]) -> None:
    """Above what a call takes as bytes B gives the object, and no image is lost for its size."""
    run = trial("6 bad images", 0, images=8)
    large = picture(8_200_000) + bytes(6 * 2**20)
    run.pipeline.add("large.jpg", car_answer(99.0, "LONG VEHICLE"), body=large)
    run.numbers = list(range(1, 9))
    run.start_both()
    run.finish()
    assert run.judge(output=run.expected + "large.jpg: LONG VEHICLE\n").doubled == 0
