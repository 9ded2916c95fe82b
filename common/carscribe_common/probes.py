"""Probes: does all that a run needs exist, and is this role allowed to use it?

Each probe makes the very call the worker will make, in a form that the
service refuses *after* it has checked the permission, so that nothing is
sent, received, deleted or paid for.
"""

from __future__ import annotations

import logging
import tempfile
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from carscribe_common.errors import Exit, WorkerExit, classify, error_code_of
from carscribe_common.upload import probe_key, try_upload

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from carscribe_common.aws import Clients
    from carscribe_common.settings import Settings

logger = logging.getLogger(__name__)

NO_IMAGE = b"not an image"
"""Refused as InvalidImageFormatException, which is not charged."""

NO_MESSAGE = "\uffff"
"""Refused as InvalidMessageContents: XML 1.0 does not allow this character."""

NO_HANDLE = "not-a-receipt-handle"

NO_UPLOAD = "not-an-upload"


class Probe(NamedTuple):
    """One probe.

    Attributes:
        what: what it asks for, as it stands in the log.
        call: makes the call.
        expected: the errors that say: allowed.
    """

    what: str
    call: Callable[[], object]
    expected: frozenset[str] = frozenset()


def bucket_probes(settings: Settings, clients: Clients) -> list[Probe]:
    """Return the probes that both workers make of the bucket."""
    return [
        Probe(
            f"s3:ListBucket on {settings.bucket}",
            lambda: clients.s3.list_objects_v2(
                Bucket=settings.bucket, Prefix=settings.prefix, MaxKeys=1
            ),
        ),
        Probe(
            f"s3:GetObject in {settings.bucket}",
            lambda: clients.s3.head_object(
                Bucket=settings.bucket, Key=f"{settings.prefix}carscribe-probe-of-permission"
            ),
            # With s3:ListBucket a missing key is a 404, a forbidden one a 403.
            frozenset({"404", "NoSuchKey"}),
        ),
    ]


def results_probes(settings: Settings, clients: Clients) -> list[Probe]:
    """Return the probes of what both workers put into the bucket, none if they are not to."""
    if not settings.results_prefix:
        return []
    under = f"{settings.bucket}/{settings.results_prefix}*"
    return [
        Probe(f"s3:PutObject on {under}", partial(try_upload, clients.s3, settings)),
        Probe(
            f"s3:AbortMultipartUpload on {under}",
            lambda: clients.s3.abort_multipart_upload(
                Bucket=settings.bucket, Key=probe_key(settings), UploadId=NO_UPLOAD
            ),
            frozenset({"NoSuchUpload"}),
        ),
    ]


def rekognition_probes(operation: str, settings: Settings, clients: Clients) -> list[Probe]:
    """Return the probes of an operation such as ``DetectText``: one for each region."""
    method = {"DetectLabels": "detect_labels", "DetectText": "detect_text"}[operation]
    return [
        Probe(
            f"rekognition:{operation} in {region}",
            partial(getattr(clients.in_region(region), method), Image={"Bytes": NO_IMAGE}),
            frozenset({"InvalidImageFormatException"}),
        )
        for region in settings.rates_per_second
    ]


def check_state_dir(settings: Settings) -> None:
    """Write a file into the state directory and remove it.

    Raises:
        WorkerExit: DISK.
    """
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=settings.state_dir, prefix=".probe-") as file:
            file.write(b"probe")
            file.flush()
    except OSError as error:
        raise WorkerExit(
            Exit.DISK,
            f"The state directory {settings.state_dir} cannot be written ({error.strerror}): "
            "mount it, or give this user the right to write to it.",
        ) from error
    logger.info("ok: the state directory %s", settings.state_dir)


def make_probes(probes: Sequence[Probe]) -> None:
    """Make all probes, log each, and name all that failed.

    Raises:
        WorkerExit: DENIED or CONFIG, TRANSIENT if AWS cannot be reached.
    """
    faults: list[WorkerExit] = []
    for probe in probes:
        try:
            probe.call()
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error_code_of(error.response) in probe.expected:
                logger.info("ok: %s", probe.what)
                continue
            verdict = classify(error, probe.what)
            if not isinstance(verdict, WorkerExit):
                verdict = WorkerExit(
                    Exit.TRANSIENT, f"Cannot {probe.what} now: {verdict}; try again."
                )
            logger.error("not ok: %s", probe.what)  # noqa: TRY400 - the sentence follows
            faults.append(verdict)
        else:
            logger.info("ok: %s", probe.what)
    if faults:
        code = next((f.code for f in faults if f.code == Exit.DENIED), faults[0].code)
        raise WorkerExit(code, " ".join(fault.sentence for fault in faults))
