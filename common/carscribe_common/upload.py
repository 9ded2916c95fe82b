"""What a worker wrote of a run, put into the images' bucket for other programs.

Under ``results_prefix`` each worker has a folder of its own in that of the run
(``a``, ``b``, those of the second pair ``a-2``, ``b-2``): results.jsonl, worker
B's output.txt and, last, summary.json. Whoever finds the summary finds the
others whole.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from boto3.s3.transfer import TransferConfig, create_transfer_manager

from carscribe_common.aws import complete
from carscribe_common.cli import STEP_SECONDS
from carscribe_common.errors import ShutdownRequested

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from carscribe_common.aws import Caller
    from carscribe_common.settings import Settings

logger = logging.getLogger(__name__)

FILES = {
    "results.jsonl": "application/jsonl",
    "output.txt": "text/plain; charset=utf-8",
}
"""What is put before the summary, as far as it is there, with its type."""

SUMMARY_TYPE = "application/json"

PARTS_AT_ONCE = 4
"""A large file goes in parts, each read off the disk as it is sent: none is held in memory."""


def try_upload(s3: S3Client, settings: Settings) -> None:
    """Begin an upload in parts and abort it: that asks for each permission and makes no object.

    With a KMS key the beginning asks for kms:GenerateDataKey, too (S3 user
    guide, "Multipart upload API and permissions").
    """
    key = probe_key(settings)
    begun = s3.create_multipart_upload(Bucket=settings.bucket, Key=key)
    upload_id = complete(begun, "UploadId")["UploadId"]
    s3.abort_multipart_upload(Bucket=settings.bucket, Key=key, UploadId=upload_id)


def probe_key(settings: Settings) -> str:
    """Return the key of an object that is never made."""
    return f"{settings.results_prefix}carscribe-probe-of-permission"


class Upload:
    """Puts the files of a run into the bucket; does nothing where no ``results_prefix`` is set.

    Its methods raise WorkerExit as a call does, also where the worker is told
    to end: what is not put yet is put after the next start.

    Args:
        call: asks S3.
        settings: name bucket, prefix and run.
        worker: ``a`` or ``b``.
    """

    def __init__(self, call: Caller, settings: Settings, worker: str) -> None:
        self._call = call
        self._settings = settings
        name = worker if settings.pair == 1 else f"{worker}-{settings.pair}"
        self._folder = f"{settings.results_prefix}{settings.run_id}/{name}/"
        self._doing = (
            f"write results to {settings.bucket}/{settings.results_prefix}* "
            "(s3:PutObject, s3:AbortMultipartUpload)"
        )
        self._transfer = TransferConfig(
            max_concurrency=PARTS_AT_ONCE, preferred_transfer_client="classic"
        )

    def probe(self) -> None:
        """Fail at the start, before anything is paid for, where results could not be put."""
        if self._settings.results_prefix:
            self._until_done(partial(try_upload, self._call.s3, self._settings))

    def put_files(self) -> None:
        """Put the files that come before the summary."""
        for name, content_type in FILES.items():
            path = self._settings.run_dir / name
            if path.exists():
                self._put(path, name, content_type)

    def put_summary(self, path: Path) -> None:
        """Put the summary of the end, whose file has not its name yet."""
        self._put(path, "summary.json", SUMMARY_TYPE)

    def _put(self, path: Path, name: str, content_type: str) -> None:
        if not self._settings.results_prefix:
            return
        key = f"{self._folder}{name}"

        def attempt() -> None:
            with create_transfer_manager(self._call.s3, self._transfer) as manager:
                under_way = manager.upload(
                    str(path), self._settings.bucket, key, {"ContentType": content_type}
                )
                while not under_way.done():
                    if self._call.shutdown.wait(STEP_SECONDS):
                        raise ShutdownRequested
                under_way.result()

        self._until_done(attempt)
        logger.info("%s: %d bytes put to %s", name, path.stat().st_size, key)

    def _until_done(self, attempt: Callable[[], None]) -> None:
        try:
            self._call.until_done(attempt, self._doing)
        except ShutdownRequested as requested:
            raise self._call.shutdown.as_exception() from requested
