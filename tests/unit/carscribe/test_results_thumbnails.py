"""Small pictures for the page."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from PIL import Image

from carscribe import thumbnails
from carscribe.thumbnails import Size, SourceError, Thumbnails, from_bucket, from_folder, shrink

if TYPE_CHECKING:
    from pathlib import Path

SIZE = Size(side=200, bytes_max=50_000)


def jpeg(width: int, height: int, *, orientation: int = 1, kind: str = "JPEG") -> bytes:
    """Return an image whose upper left quarter is red and whose rest is blue."""
    image = Image.new("RGB", (width, height), "blue")
    image.paste("red", (0, 0, width // 2, height // 2))
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"exif": exif} if kind == "JPEG" else {}))
    return buffer.getvalue()


def opened(data: bytes | None) -> Image.Image:
    """Open a thumbnail."""
    assert data is not None
    image = Image.open(io.BytesIO(data))
    assert image.format == "WEBP"
    return image.convert("RGB")


def record(key: str) -> dict[str, Any]:
    """Return what a thumbnail is asked for by."""
    return {"key": key, "etag": f'"{key}"'}


def test_a_thumbnail_is_what_a_browser_shows() -> None:
    """Upright, on white, and no larger than asked for: opened by the way all pictures are."""
    upright = opened(shrink(jpeg(800, 400, orientation=6), SIZE))
    assert upright.size == (100, 200)
    red, blue = upright.getpixel((75, 50)), upright.getpixel((25, 50))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert red[0] - red[2] > 150
    assert blue[2] - blue[0] > 150
    buffer = io.BytesIO()
    Image.new("RGBA", (100, 100), (0, 0, 0, 0)).save(buffer, "PNG")
    assert opened(shrink(buffer.getvalue(), SIZE)).getpixel((50, 50)) == (255, 255, 255)


@pytest.mark.parametrize(
    "data", [b"", b"no image", jpeg(500, 400)[:200], b"\x89PNG\r\n\x1a\n" + b"\0" * 40]
)
def test_what_is_no_image_has_no_thumbnail(data: bytes) -> None:
    """Damaged and foreign files give none, and no error."""
    assert shrink(data, SIZE) is None


def test_other_formats_are_not_opened() -> None:
    """Only what Rekognition reads is opened at all."""
    assert shrink(jpeg(100, 100, kind="GIF"), SIZE) is None


def test_thumbnail_keeps_to_its_bytes() -> None:
    """A picture that is hard to compress gets coarser and smaller until it fits."""
    buffer = io.BytesIO()
    Image.effect_noise((900, 600), 120).save(buffer, "PNG")
    data = shrink(buffer.getvalue(), Size(side=400, bytes_max=3_000))
    assert data is not None
    assert len(data) <= 3_000


@pytest.mark.parametrize("images", [1, 60, 61, 5_000, 10_000])
def test_all_thumbnails_together_keep_the_page_small(images: int) -> None:
    """However many images there are, all thumbnails as text stay below 25 MB."""
    assert thumbnails.size_for(images).bytes_max * images * 4 / 3 <= 25_000_000


def test_key_outside_of_the_folder_is_not_read(tmp_path: Path) -> None:
    """A key such as ../secret.jpg reads nothing."""
    (tmp_path / "images").mkdir()
    (tmp_path / "secret.jpg").write_bytes(jpeg(100, 100))
    read = from_folder(tmp_path / "images")
    for key in ("../secret.jpg", str(tmp_path / "secret.jpg"), "none.jpg", "a\0b.jpg"):
        with pytest.raises(SourceError):
            read(key, "")


def test_thumbnail_is_made_once(tmp_path: Path) -> None:
    """The second page of the same images reads none of them again."""
    asked = []

    def read(key: str, etag: str) -> bytes:
        asked.append((key, etag))
        return jpeg(300, 200)

    first, second = (
        list(Thumbnails(read, tmp_path).of([record("1.jpg"), record("2.jpg")], 2)) for _ in range(2)
    )
    assert first == second
    assert sorted(asked) == [("1.jpg", '"1.jpg"'), ("2.jpg", '"2.jpg"')]


def test_only_the_first_ones_are_read_where_few_are_wanted(tmp_path: Path) -> None:
    """Of the others no byte is fetched, and they are not told as missing."""
    asked = []

    def read(key: str, _: str) -> bytes:
        asked.append(key)
        return jpeg(1000, 1000)

    made = Thumbnails(read, tmp_path, wanted=3)
    found = list(made.of((record(str(n)) for n in range(500)), 500))
    assert [number for number, data in enumerate(found) if data] == [0, 1, 2]
    assert len(found) == 500
    assert sorted(asked) == ["0", "1", "2"]
    assert made.missing == 0
    assert opened(found[0]).width == thumbnails.size_for(3).side, "few may be large"


def test_changed_image_is_made_again(tmp_path: Path) -> None:
    """Another etag is another picture."""
    pictures = {'"old"': jpeg(300, 200), '"new"': jpeg(200, 300)}
    sizes = []
    for etag in tuple(pictures):
        made = Thumbnails(lambda _, etag: pictures[etag], tmp_path)
        sizes.append(opened(next(made.of([{"key": "1.jpg", "etag": etag}], 1))).size)
    assert sizes == [(300, 200), (200, 300)]


def test_order_is_kept_and_few_are_in_flight(tmp_path: Path) -> None:
    """Thumbnails come in order though made together, never more than a few at a time."""
    lock, now, most = threading.Lock(), 0, 0

    def read(key: str, _: str) -> bytes:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.002)
        with lock:
            now -= 1
        return jpeg(100 + int(key), 100)

    found = list(Thumbnails(read, tmp_path).of((record(str(n)) for n in range(80)), 80))
    assert [opened(data).width for data in found] == list(range(100, 180))
    assert 1 < most <= thumbnails.AT_ONCE


def test_image_that_is_gone_leaves_a_gap(tmp_path: Path) -> None:
    """An image's own fault costs its own picture and no other."""

    def read(key: str, _: str) -> bytes:
        if key != "3":
            raise SourceError("gone", own=True)
        return jpeg(100, 100)

    made = Thumbnails(read, tmp_path)
    found = list(made.of([record(str(n)) for n in range(30)], 30))
    assert [number for number, data in enumerate(found) if data] == [3]
    assert (made.missing, made.reason) == (29, None)


def test_broken_setup_is_not_tried_for_every_image(tmp_path: Path) -> None:
    """Without permission a few images are asked for, not all 500, and the reason is kept."""
    asked = []

    def read(key: str, _: str) -> bytes:
        asked.append(key)
        raise SourceError("AccessDenied", own=False)

    made = Thumbnails(read, tmp_path)
    assert list(made.of([record(str(n)) for n in range(500)], 500)) == [None] * 500
    assert len(asked) < 3 * thumbnails.AT_ONCE
    assert (made.missing, made.reason) == (500, "AccessDenied")


def test_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    """The page has its pictures though they cannot be kept."""
    (tmp_path / "file").write_text("")
    made = Thumbnails(lambda *_: jpeg(100, 100), tmp_path / "file" / "cache")
    assert opened(next(made.of([record("1")], 1))).size == (100, 100)


@pytest.mark.parametrize(
    ("code", "own"), [("NoSuchKey", True), ("PreconditionFailed", True), ("AccessDenied", False)]
)
def test_bucket_tells_whose_fault_it_is(code: str, own: bool) -> None:
    """A key that is gone or changed is the image's own fault, a denied one the set-up's."""
    s3 = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(s3) as stub:
        expected = {"Bucket": "images", "Key": "1.jpg", "IfMatch": '"etag"'}
        stub.add_client_error("get_object", code, expected_params=expected)
        with pytest.raises(SourceError) as caught:
            from_bucket(s3, "images")("1.jpg", '"etag"')
    assert caught.value.own is own
