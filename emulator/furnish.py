"""A bucket with the pictures of a folder, and a queue, for whoever's program asks next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from emulator.secret import ROOT_ACCESS_KEY_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.secret import Secret

ANSWERS = "answers"
PICTURES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png")
"""What a program that asks about each object of the bucket is answered for."""


class FurnishError(Exception):
    """The bucket or the queue cannot be made, or a picture not be put there."""


def furnish(
    url: str,
    region: str,
    secret: Secret,
    *,
    images: Path | None,
    bucket: str,
    queue: str,
    is_stopped: Callable[[], bool],
) -> str | None:
    """Make the bucket and the queue; return the queue's URL if one was named.

    When it is stopped, no further picture is put there.

    Raises:
        FurnishError: a name is none that AWS would take, or a file cannot be read.
    """
    try:
        clients = _clients(url, region, secret)
        _fill(clients["s3"], region, images, bucket, is_stopped)
        return _make_queue(clients["sqs"], queue) if queue else None
    except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
        raise FurnishError(f"Cannot make the bucket or the queue: {error}") from error


def _clients(url: str, region: str, secret: Secret) -> dict[str, Any]:
    make: Any = boto3.client
    return {
        service: make(
            service,
            endpoint_url=url,
            region_name=region,
            aws_access_key_id=ROOT_ACCESS_KEY_ID,
            aws_secret_access_key=secret.access_key,
            config=Config(proxies={}),
        )
        for service in ("s3", "sqs")
    }


def _fill(
    s3: Any, region: str, images: Path | None, bucket: str, is_stopped: Callable[[], bool]
) -> None:
    where = {"LocationConstraint": region}
    located = {} if region == "us-east-1" else {"CreateBucketConfiguration": where}
    s3.create_bucket(Bucket=bucket, **located)
    for path, key in pictures(images) if images is not None else ():
        if is_stopped():
            return
        s3.upload_file(str(path), bucket, key)


def _make_queue(sqs: Any, name: str) -> str:
    is_fifo = name.endswith(".fifo")
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if is_fifo else {}
    return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def pictures(folder: Path) -> list[tuple[Path, str]]:
    """List the pictures of a folder with their keys, but hidden ones and recorded answers.

    Raises:
        FurnishError: a name cannot be a key, which is UTF-8.
    """
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f != ANSWERS and not f.startswith("."))
        for name in sorted(names):
            path = Path(place) / name
            if not name.lower().endswith(PICTURES) or name.startswith("."):
                continue
            key = path.relative_to(folder).as_posix()
            if not _is_utf8(key):
                raise FurnishError(f"The name of {key!r} is not UTF-8, as a key of a bucket is.")
            if path.is_file():  # to read from a named pipe waits for ever
                found.append((path, key))
    return found


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
