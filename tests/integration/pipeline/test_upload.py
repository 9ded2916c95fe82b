"""Results that workers put into the bucket, by real processes and by Upload itself."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common import upload
from carscribe_common.aws import Caller, build_clients
from carscribe_common.circuit_breaker import CircuitBreaker
from carscribe_common.cli import Shutdown
from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.protocol import Car
from carscribe_common.rate_limit import RateLimiter
from carscribe_common.settings import Settings
from tests.integration.emulator.cloud import ACCOUNT, allow, assume, make_role
from tests.pipeline import Pipeline, Worker, car_answer, wait_for, wait_for_log

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "carscribe-results/"
MIB = 1024**2
REFUSED = {"operations": {"s3.PutObject": {"error_share": 1}}}
DENIED = {"operations": {"s3.PutObject": {"deny_share": 1}}}
LARGE = 20 * MIB + 1
"""In parts of 8 MiB these are three."""


@pytest.fixture(autouse=True)
def images(pipeline: Pipeline) -> None:
    """A car with text, a car without, no car; and results are asked for."""
    pipeline.add("1.jpg", car_answer(99.0, "GO 1"))
    pipeline.add("2.jpg", car_answer(99.0))
    pipeline.add("3.jpg")
    pipeline.settings["RESULTS_PREFIX"] = PREFIX


def listed(pipeline: Pipeline) -> list[str]:
    """Return the keys under the prefix, without it."""
    found = pipeline.s3.list_objects_v2(Bucket=pipeline.bucket, Prefix=PREFIX).get("Contents", [])
    return [one["Key"].removeprefix(PREFIX) for one in found]


def differing(pipeline: Pipeline, *workers: Worker) -> list[str]:
    """Return the objects that are not byte for byte what their worker has on its disk."""
    return [
        key
        for worker in workers
        for name in ("results.jsonl", "output.txt", "summary.json")
        if (worker.run_dir / name).exists()
        for key in [f"{PREFIX}{worker.run_dir.name}/{worker.name}/{name}"]
        if pipeline.s3.get_object(Bucket=pipeline.bucket, Key=key)["Body"].read()
        != (worker.run_dir / name).read_bytes()
    ]


def test_results_lie_in_the_bucket(pipeline: Pipeline) -> None:
    """Byte for byte and of their types; a later run passes them over as no images."""
    b, a = pipeline.start("b"), pipeline.start("a")
    assert (a.wait(), b.wait()) == (Exit.OK, Exit.OK), a.log + b.log
    assert listed(pipeline) == [
        "run-1/a/results.jsonl",
        "run-1/a/summary.json",
        "run-1/b/output.txt",
        "run-1/b/results.jsonl",
        "run-1/b/summary.json",
    ]
    assert differing(pipeline, a, b) == []
    assert b.summary["state"] == "complete"
    types = [
        pipeline.s3.head_object(Bucket=pipeline.bucket, Key=PREFIX + key)["ContentType"]
        for key in listed(pipeline)[2:]
    ]
    assert types == ["text/plain; charset=utf-8", "application/jsonl", "application/json"]
    later = pipeline.run("a", run_id="run-2")
    assert later.summary["images"] | {"skipped": 5, "listed": 3} == later.summary["images"]


def test_an_incomplete_run_lies_there_too(pipeline: Pipeline) -> None:
    """With what there is, and a summary that says what it is."""
    etag = pipeline.s3.head_object(Bucket=pipeline.bucket, Key="1.jpg")["ETag"]
    pipeline.send(Car("run-1", 2, "1.jpg", etag))
    b = pipeline.run("b", IDLE_TIMEOUT_SECONDS="1")
    assert (b.process.returncode, b.summary["state"]) == (Exit.INCOMPLETE, "incomplete"), b.log
    assert listed(pipeline) == ["run-1/b/results.jsonl", "run-1/b/summary.json"]
    assert differing(pipeline, b) == []


def test_a_bucket_that_takes_nothing_keeps_the_run_unfinished(pipeline: Pipeline) -> None:
    """A waits until it takes the results; B gives up, and its next start pays for nothing."""
    pipeline.emulator.faults(REFUSED)
    b, a = pipeline.start("b", GIVE_UP_SECONDS="5"), pipeline.start("a")
    assert b.wait() == Exit.TRANSIENT, b.log
    assert (b.summary["state"], b.summary["exit_code"]) == ("failed", Exit.TRANSIENT)
    wait_for_log(a, "cannot write results to .+; trying again")
    assert a.process.poll() is None
    assert a.summary["state"] == "running"
    assert listed(pipeline) == []
    paid = pipeline.calls("rekognition.DetectText")
    pipeline.emulator.faults({})
    again = pipeline.run("b")
    assert (a.wait(), again.process.returncode) == (Exit.OK, Exit.OK), a.log + again.log
    assert pipeline.calls("rekognition.DetectText") == paid == 2
    assert differing(pipeline, a, again) == []
    assert len(listed(pipeline)) == 5


def test_a_permission_that_is_withdrawn(pipeline: Pipeline) -> None:
    """At the end of a run it ends the worker with 77; what it has is kept."""
    pipeline.emulator.faults(DENIED)
    a = pipeline.run("a")
    assert a.process.returncode == Exit.DENIED, a.log
    assert a.summary["state"] == "failed"
    assert len(a.results) == 3
    assert "s3:PutObject" in a.log.splitlines()[-1]
    assert f"{pipeline.bucket}/{PREFIX}*" in a.log.splitlines()[-1]
    pipeline.emulator.faults({})
    paid = pipeline.calls("rekognition.DetectLabels")
    assert pipeline.run("a").process.returncode == Exit.OK
    assert pipeline.calls("rekognition.DetectLabels") == paid


def role(pipeline: Pipeline, *more: tuple[str, str]) -> dict[str, str]:
    """Return the environment of a worker whose role may do this beside its own."""
    bucket = f"arn:aws:s3:::{pipeline.bucket}"
    own = [("s3:ListBucket", bucket), ("s3:GetObject", f"{bucket}/*"), ("rekognition:*", "*")]
    policy = allow(*own, ("sqs:*", f"arn:aws:sqs:us-east-1:{ACCOUNT}:{pipeline.bucket}"), *more)
    made = assume(pipeline.emulator, make_role(pipeline.emulator, "worker", policy))
    names = {"key": "ACCESS_KEY_ID", "secret": "SECRET_ACCESS_KEY", "token": "SESSION_TOKEN"}
    return {f"AWS_{names[part]}": value for part, value in made.items()}


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_missing_permission_is_found_before_anything_is_paid(
    pipeline: Pipeline, name: str
) -> None:
    """By the check and by a run, which names the action and the prefix."""
    etag = pipeline.s3.head_object(Bucket=pipeline.bucket, Key="1.jpg")["ETag"]
    pipeline.send(Car("run-1", 1, "1.jpg", etag))
    pipeline.environ_of[name] = role(pipeline)
    pipeline.emulator.enforce_iam()
    worker, check = pipeline.run(name), pipeline.run(name, "--check")
    pipeline.emulator.enforce_iam(enforced=False)
    assert (worker.process.returncode, check.process.returncode) == (Exit.DENIED, Exit.DENIED)
    for log in (worker.log, check.log):
        assert "s3:PutObject" in log.splitlines()[-1]
        assert f"{pipeline.bucket}/{PREFIX}*" in log.splitlines()[-1]
    assert (
        pipeline.calls("rekognition.DetectLabels") + pipeline.calls("rekognition.DetectText") == 0
    )


def test_the_permissions_for_the_prefix_are_enough(pipeline: Pipeline) -> None:
    """Of the two actions, and for that prefix alone; the check leaves nothing behind."""
    results = f"arn:aws:s3:::{pipeline.bucket}/{PREFIX}*"
    pipeline.environ_of["a"] = role(
        pipeline, ("s3:PutObject", results), ("s3:AbortMultipartUpload", results)
    )
    pipeline.emulator.enforce_iam()
    check = pipeline.run("a", "--check")
    left = listed(pipeline)
    worker = pipeline.run("a")
    pipeline.emulator.enforce_iam(enforced=False)
    assert (check.process.returncode, worker.process.returncode) == (Exit.OK, Exit.OK), check.log
    assert left == []
    assert "Uploads" not in pipeline.s3.list_multipart_uploads(Bucket=pipeline.bucket)
    assert differing(pipeline, worker) == []


@pytest.fixture
def large(pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An upload of results that are large, and who may end it."""
    for name, value in pipeline.emulator.env.items():
        monkeypatch.setenv(name, value)
    settings = Settings(
        run_id="run-1",
        bucket=pipeline.bucket,
        results_prefix=PREFIX,
        queue_url=pipeline.queue_url,
        region="us-east-1",
        state_dir=tmp_path,
    )
    settings.run_dir.mkdir(parents=True)
    with (settings.run_dir / "results.jsonl").open("wb") as file:
        file.truncate(LARGE)
    shutdown = Shutdown()
    clients = build_clients("us-east-1", 8, {"us-east-1": RateLimiter(5)})
    call = Caller(clients, CircuitBreaker(60), shutdown)
    return upload.Upload(call, settings, "a"), shutdown


def test_a_large_file_goes_in_parts(pipeline: Pipeline, large: Any) -> None:
    """And is whole."""
    large[0].put_files()
    assert pipeline.calls("s3.UploadPart") == 3
    key = {"Bucket": pipeline.bucket, "Key": f"{PREFIX}run-1/a/results.jsonl"}
    assert pipeline.s3.get_object(**key)["Body"].read() == bytes(LARGE)


def test_a_worker_that_is_told_to_end_leaves_no_parts(pipeline: Pipeline, large: Any) -> None:
    """It ends as stopped, and what it had put of the file is given back."""
    pipeline.emulator.faults({"operations": {"s3.UploadPart": {"latency_seconds": 2}}})
    ends: list[WorkerExit] = []

    def put() -> None:
        with pytest.raises(WorkerExit) as caught:
            large[0].put_files()
        ends.append(caught.value)

    thread = threading.Thread(target=put)
    thread.start()
    wait_for(lambda: pipeline.calls("s3.CreateMultipartUpload"), "the upload")
    time.sleep(0.2)
    large[1].request(signal.SIGTERM)
    thread.join()
    assert [end.code for end in ends] == [Exit.TERMINATED]
    assert "Uploads" not in pipeline.s3.list_multipart_uploads(Bucket=pipeline.bucket)
    assert listed(pipeline) == []
