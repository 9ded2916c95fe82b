"""The one loop that retries: what it asks again, what it counts, and whose an ambiguous error is."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from carscribe_common import aws
from carscribe_common.aws import build_clients
from carscribe_common.circuit_breaker import IN_A_ROW
from carscribe_common.cli import Shutdown
from carscribe_common.errors import AmbiguousError, Exit, ImageError, ShutdownRequested, WorkerExit
from carscribe_common.rate_limit import RateLimiter
from tests.unit.common.test_errors import answer
from tests.unit.fake_aws import Service, caller

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing between two tries."""
    monkeypatch.setattr(aws, "FIRST_PAUSE_SECONDS", 0.0)


def test_a_throttle_that_reaches_the_code_is_counted() -> None:
    """Each of them, but no other trouble; and the call goes on until it is answered."""
    s3 = Service(head_object=[answer("SlowDown", 503), answer("InternalError", 500), {"ETag": "x"}])
    call, calls = caller(s3)
    assert call(call.s3.head_object, "look", Bucket="photos", Key="1.jpg")["ETag"] == "x"
    assert calls.take() == {"errors_throttled": 1}
    assert not calls.take()


def test_an_answer_without_what_it_must_have_is_none() -> None:
    """Botocore takes an empty body for an answer without members: it is asked again."""
    s3 = Service(list_objects_v2=[{}, {"IsTruncated": False}])
    call, _ = caller(s3)
    call(call.s3.list_objects_v2, "list", expect="IsTruncated", Bucket="photos")
    assert len(s3.asked) == 2


def test_only_entries_that_failed_go_again() -> None:
    """A batch that returns 200 may have failed entries; a throttled one counts as such."""
    failed = {"Id": "1", "Code": "RequestThrottled", "SenderFault": False}
    sqs = Service(
        send_message_batch=[
            {"Successful": [{"Id": "0"}], "Failed": [failed]},
            {"Successful": [{"Id": "1"}]},
        ]
    )
    call, calls = caller(sqs)
    entries = [{"MessageBody": "1.jpg"}, {"MessageBody": "2.jpg"}]
    call.batch(call.sqs.send_message_batch, "send to the queue", entries, QueueUrl="q")
    assert [[e["MessageBody"] for e in asked["Entries"]] for _, asked in sqs.asked] == [
        ["1.jpg", "2.jpg"],
        ["2.jpg"],
    ]
    assert calls.take() == {"errors_throttled": 1}


def test_an_entry_that_is_refused_ends_the_worker() -> None:
    """A permission that is missing is the set-up's, in a batch as in a call of its own."""
    failed = {"Id": "0", "Code": "AccessDenied", "SenderFault": True}
    call, _ = caller(Service(send_message_batch=[{"Failed": [failed]}]))
    with pytest.raises(WorkerExit) as caught:
        call.batch(call.sqs.send_message_batch, "send to the queue", [{"MessageBody": "1.jpg"}])
    assert caught.value.code == Exit.DENIED


def test_waiting_ends_when_the_end_is_asked_for() -> None:
    """A worker that is told to end does not wait for a service that is down."""
    shutdown = Shutdown()
    call, _ = caller(Service(head_object=[answer("InternalError", 500)]), shutdown=shutdown)
    shutdown.request(15)
    with pytest.raises(ShutdownRequested):
        call(call.s3.head_object, "look", Bucket="photos", Key="1.jpg")


DENIAL = AmbiguousError("AccessDenied", "AccessDenied", is_denial=True)
UNKNOWN = AmbiguousError("SomethingNew", "SomethingNew", is_denial=False)
GLACIER = {"ETag": '"1"', "StorageClass": "GLACIER"}
KMS = {"ETag": '"1"', "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key-1"}


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (answer("404", 404), "gone"),
        ({"ETag": '"2"'}, "changed"),
        (GLACIER, "archived"),
        (GLACIER | {"StorageClass": "DEEP_ARCHIVE"}, "archived"),
        (GLACIER | {"Restore": 'ongoing-request="true"'}, "archived"),
        ({"ETag": '"1"', "ArchiveStatus": "ARCHIVE_ACCESS"}, "archived"),
        (answer("400", 400), "encrypted"),
        (KMS, "kms-key"),
        (KMS | {"ServerSideEncryption": "aws:kms:dsse"}, "kms-key"),
    ],
)
def test_a_state_of_the_object_is_its_own_failure(head: Any, reason: str) -> None:
    """Also where nothing has succeeded yet, and however many of them come first."""
    heads = [head] * IN_A_ROW
    lists = [{"IsTruncated": False}] * IN_A_ROW
    call, _ = caller(Service(head_object=heads, list_objects_v2=lists), works=False)
    for _ in range(IN_A_ROW):
        own = call.resolve_ambiguous(DENIAL, "photos", "1.jpg", '"1"')
        assert isinstance(own, ImageError)
        assert own.reason == reason


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [(DENIAL, "denied", Exit.DENIED), (UNKNOWN, "refused", Exit.CONFIG)],
)
@pytest.mark.parametrize(
    "head", [{"ETag": '"1"'}, GLACIER | {"Restore": 'ongoing-request="false", expiry-date="x"'}]
)
def test_an_object_that_looks_well_may_be_the_set_ups_fault(
    error: AmbiguousError, reason: str, code: Exit, head: Any
) -> None:
    """While other images succeed it is the image's failure; before any did, it is the set-up's."""
    works, _ = caller(Service(head_object=[head]), works=True)
    own = works.resolve_ambiguous(error, "photos", "1.jpg", '"1"')
    assert isinstance(own, ImageError)
    assert own.reason == reason
    fails, _ = caller(Service(head_object=[head]), works=False)
    end = fails.resolve_ambiguous(error, "photos", "1.jpg", '"1"')
    assert isinstance(end, WorkerExit)
    assert end.code == code


def test_a_bucket_that_cannot_be_listed_blames_no_image() -> None:
    """A HEAD that is refused says nothing of the object where all is refused."""
    s3 = Service(head_object=[answer("400", 400)], list_objects_v2=[answer("AccessDenied", 403)])
    call, _ = caller(s3)
    with pytest.raises(WorkerExit) as caught:
        call.resolve_ambiguous(DENIAL, "photos", "1.jpg", '"1"')
    assert caught.value.code == Exit.DENIED


NO_HTTP, CUT = 0, -200
"""No answers of HTTP, and one that ends before it is whole."""


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A metadata service that answers with these statuses, the last one for ever."""
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def do_GET(self) -> None:
            if statuses[0] == NO_HTTP:
                self.wfile.write(b"SSH-2.0\r\n")
                return
            self.send_response(200 if self.path.endswith("token") else abs(statuses[0]))
            self.send_header("Content-Length", "0" if statuses[0] != CUT else "10")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{server.server_port}"
    )
    monkeypatch.setattr(aws, "METADATA_ATTEMPTS", 1)
    yield statuses
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, Exit.DENIED),
        (200, Exit.DENIED),
        (500, Exit.TRANSIENT),
        (NO_HTTP, Exit.TRANSIENT),
        (CUT, Exit.TRANSIENT),
    ],
)
def test_a_metadata_service_that_fails_is_an_outage(
    metadata: list[int], status: int, code: Exit
) -> None:
    """Only its own 404, or a list without a role, says that there are no credentials."""
    metadata.append(status)
    with pytest.raises(WorkerExit) as caught:
        build_clients("us-east-1", 2, {"us-east-1": RateLimiter(50.0)})
    assert caught.value.code == code


def test_a_metadata_service_that_is_not_there_is_an_outage(
    metadata: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart after the outage finds it again, so the worker may be started again."""
    metadata.append(404)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WorkerExit) as caught:
        build_clients("us-east-1", 2, {"us-east-1": RateLimiter(50.0)})
    assert caught.value.code == Exit.TRANSIENT
