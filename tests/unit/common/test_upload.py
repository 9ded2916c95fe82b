"""Where results are put, what they are said to be, and what is asked for at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.settings import Settings
from carscribe_common.upload import Upload

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.stubs import StubbedAWS

PROBE = {"Bucket": "photos", "Key": "results/carscribe-probe-of-permission"}


def of_run(aws: StubbedAWS, folder: Path, **settings: Any) -> tuple[Upload, Path]:
    """Return the upload of worker A's run, and the run's folder."""
    given: dict[str, Any] = {"results_prefix": "results/", **settings}
    made = Settings(
        run_id="1", bucket="photos", queue_url="q", region="us-east-1", state_dir=folder, **given
    )
    made.run_dir.mkdir(parents=True)
    return Upload(aws.call, made, "a"), made.run_dir


@pytest.mark.parametrize(
    ("pair", "folder"), [({}, "a"), ({"pairs": 2}, "a"), ({"pairs": 2, "pair": 2}, "a-2")]
)
def test_each_worker_has_a_folder_of_its_own(
    aws: StubbedAWS, memory_path: Path, pair: dict[str, int], folder: str
) -> None:
    """Under the prefix and the run; what is not there is not put."""
    upload, run_dir = of_run(aws, memory_path, **pair)
    (run_dir / "results.jsonl").write_text("{}\n")
    (run_dir / ".summary.json.new").write_text("{}\n")
    for name, kind in (
        ("results.jsonl", "application/jsonl"),
        ("summary.json", "application/json"),
    ):
        asked = {"Key": f"results/1/{folder}/{name}", "ContentType": kind, "Body": ANY}
        asked |= {"Bucket": "photos", "ChecksumAlgorithm": ANY}
        aws.s3.add_response("put_object", {"ETag": "x"}, asked)
    upload.put_files()
    upload.put_summary(run_dir / ".summary.json.new")


def test_nothing_is_asked_without_a_prefix(aws: StubbedAWS, memory_path: Path) -> None:
    """Neither at the start nor at the end."""
    upload, run_dir = of_run(aws, memory_path, results_prefix="")
    (run_dir / "results.jsonl").write_text("{}\n")
    upload.probe()
    upload.put_files()
    upload.put_summary(run_dir / "results.jsonl")


def test_what_is_begun_at_the_start_is_aborted(aws: StubbedAWS, memory_path: Path) -> None:
    """Also where the first try was lost on its way: no object and no upload is left."""
    upload, _ = of_run(aws, memory_path)
    aws.s3.add_client_error("create_multipart_upload", "InternalError", http_status_code=500)
    aws.s3.add_response("create_multipart_upload", {"UploadId": "u"}, PROBE)
    aws.s3.add_response("abort_multipart_upload", {}, {**PROBE, "UploadId": "u"})
    upload.probe()


@pytest.mark.parametrize("denied", ["create_multipart_upload", "abort_multipart_upload"])
def test_a_permission_that_is_missing_is_named(
    aws: StubbedAWS, memory_path: Path, denied: str
) -> None:
    """With the prefix that it is missing for."""
    upload, _ = of_run(aws, memory_path)
    if denied == "abort_multipart_upload":
        aws.s3.add_response("create_multipart_upload", {"UploadId": "u"}, PROBE)
    aws.s3.add_client_error(denied, "AccessDenied", "no", http_status_code=403)
    with pytest.raises(WorkerExit) as end:
        upload.probe()
    assert end.value.code == Exit.DENIED
    assert end.value.sentence == (
        "Cannot write results to photos/results/* (s3:PutObject, s3:AbortMultipartUpload): AWS "
        "refuses it (AccessDenied: no); give this role the permission."
    )
