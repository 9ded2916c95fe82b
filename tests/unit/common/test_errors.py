"""Whose fault an error is."""

from __future__ import annotations

import threading
import time

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from carscribe_common.circuit_breaker import IN_A_ROW, CircuitBreaker
from carscribe_common.errors import (
    AmbiguousError,
    Exit,
    ImageError,
    TransientError,
    WorkerExit,
    classify,
)


def answer(code: str, status: int = 400, message: str = "words") -> ClientError:
    """Return an error that a service answered with."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "Operation",
    )


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("InvalidImageFormatException", 400, "invalid-image"),
        ("ImageTooLargeException", 400, "too-large"),
        ("InvalidParameterException", 400, "invalid-parameter"),
        ("NoSuchKey", 404, "gone"),
        ("404", 404, "gone"),
        ("PreconditionFailed", 412, "changed"),
        ("412", 412, "changed"),
        ("InvalidObjectState", 403, "archived"),
        ("KMS.DisabledException", 400, "kms-key"),
        ("KMS.KMSInvalidStateException", 400, "kms-key"),
    ],
)
def test_faults_of_an_image(code: str, status: int, reason: str) -> None:
    """Not an image, too large, gone or changed is that image's own fault."""
    verdict = classify(answer(code, status), "read it", of_object=True)
    assert isinstance(verdict, ImageError)
    assert verdict.reason == reason


@pytest.mark.parametrize(
    "error",
    [
        answer("ThrottlingException"),
        answer("ProvisionedThroughputExceededException"),
        answer("InternalServerError", 500),
        answer("SlowDown", 503),
        answer("AnythingAtAll", 502),
        answer("KMS.ThrottlingException", 400),
        answer("KMS.KMSInternalException", 500),
        answer("ExpiredTokenException", 403),
        answer("ExpiredToken", 400),
        answer("RequestTimeTooSkewed", 403),
        answer("NoSuchUpload", 404),
        EndpointConnectionError(endpoint_url="x"),
        ConnectTimeoutError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ],
)
def test_faults_that_pass(error: Exception) -> None:
    """Throttling, 5xx and the network are nobody's fault."""
    assert isinstance(classify(error, "do it", of_object=True), TransientError)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (answer("AccessDeniedException"), Exit.DENIED),
        (answer("AccessDenied", 403), Exit.DENIED),
        (answer("InvalidClientTokenId", 403), Exit.DENIED),
        (NoCredentialsError(), Exit.DENIED),
        (answer("NoSuchBucket", 404), Exit.CONFIG),
        (answer("AWS.SimpleQueueService.NonExistentQueue"), Exit.CONFIG),
        (answer("PermanentRedirect", 301), Exit.CONFIG),
        (answer("SomethingNew"), Exit.CONFIG),
    ],
)
def test_faults_of_the_set_up(error: Exception, code: Exit) -> None:
    """Credentials, permissions, bucket, queue and region stop the worker with one sentence."""
    verdict = classify(error, "list the bucket photos")
    assert isinstance(verdict, WorkerExit)
    assert verdict.code == code
    assert "list the bucket photos" in verdict.sentence
    assert "\n" not in verdict.sentence


@pytest.mark.parametrize("of_object", [False, True])
def test_a_lab_that_has_ended_is_told_as_such(*, of_object: bool) -> None:
    """Whatever is asked for: it is no object's fault, and no permission is missing."""
    said = "not authorized ... with an explicit deny in an identity-based policy: voc-cancel-cred"
    error = answer("AccessDenied", 403, said)
    verdict = classify(error, "read it", of_object=of_object, about_image=True)
    assert isinstance(verdict, WorkerExit)
    assert verdict.code == Exit.DENIED
    assert "Learner Lab's session has ended" in verdict.sentence
    assert "permission" not in verdict.sentence


def test_credentials_that_nobody_knows_are_told_as_such() -> None:
    """As those of an instance profile that was removed: no permission helps."""
    verdict = classify(answer("InvalidClientTokenId", 403), "list the bucket photos")
    assert isinstance(verdict, WorkerExit)
    assert "AWS does not know these credentials" in verdict.sentence


def test_what_botocore_refuses_is_told_on_one_line() -> None:
    """With what to do about it, as each end of a worker."""
    refused = ParamValidationError(report="Invalid bucket name:\nit must match ...")
    verdict = classify(refused, "list the bucket A B")
    assert isinstance(verdict, WorkerExit)
    assert verdict.code == Exit.CONFIG
    assert "\n" not in verdict.sentence
    assert verdict.sentence.endswith("; correct the settings and start again.")


@pytest.mark.parametrize(
    ("error", "of_object"),
    [
        (answer("InvalidS3ObjectException"), False),
        (answer("AccessDenied", 403), True),
        (answer("403", 403), True),
        (answer("400", 400), True),
        (answer("SomethingNew"), True),
    ],
)
def test_faults_that_can_be_either(error: Exception, of_object: bool) -> None:
    """A 403 or an unknown 4xx of an object and an InvalidS3ObjectException ask for a closer look."""
    assert isinstance(classify(error, "read it", of_object=of_object), AmbiguousError)


def test_an_unknown_error_about_one_image_can_be_either() -> None:
    """Rekognition may refuse one image with an error that is not known here."""
    meaning = classify(answer("SomethingNew"), "ask", about_image=True)
    assert isinstance(meaning, AmbiguousError)
    assert not meaning.is_denial


def test_a_refused_signature_is_no_images_fault() -> None:
    """What is known to be the set-up's stays so where one image was asked about."""
    meaning = classify(answer("UnrecognizedClientException"), "ask", about_image=True)
    assert isinstance(meaning, WorkerExit)
    assert meaning.code == Exit.DENIED


@pytest.mark.parametrize(
    ("error", "throttled"),
    [(answer("ThrottlingException"), True), (answer("InternalServerError", 500), False)],
)
def test_a_throttle_is_told_from_other_trouble(error: Exception, throttled: bool) -> None:
    """What reaches the code although botocore tried several times is counted in the summary."""
    meaning = classify(error, "ask")
    assert isinstance(meaning, TransientError)
    assert meaning.throttled is throttled


def test_a_bug_stays_a_bug() -> None:
    """What is no error of AWS is not explained away."""
    bug = KeyError("x")
    assert classify(bug, "do it") is bug


def test_first_ambiguous_error_blames_the_set_up_if_nothing_succeeds() -> None:
    """With no success at all the first 403 is the set-up's, after a moment's patience."""
    began = time.monotonic()
    assert CircuitBreaker(60, patience_seconds=0.05).blames_set_up()
    assert time.monotonic() - began >= 0.05


def test_first_ambiguous_error_waits_for_another_calls_success() -> None:
    """Many calls are in flight at the start: one that succeeds clears the set-up."""
    breaker = CircuitBreaker(60, patience_seconds=60)
    cleared = threading.Event()

    def succeed() -> None:
        while not cleared.wait(0.05):
            breaker.success()

    threading.Thread(target=succeed, daemon=True).start()
    began = time.monotonic()
    assert not breaker.blames_set_up()
    cleared.set()
    assert time.monotonic() - began < 50


def test_ten_ambiguous_errors_in_a_row_blame_the_set_up() -> None:
    """Nine in a row are nine images' faults, the tenth is the set-up's."""
    breaker = CircuitBreaker(60, seen_success=True, patience_seconds=0.01)
    assert [breaker.blames_set_up() for _ in range(IN_A_ROW)] == [False] * 9 + [True]


def test_a_success_between_ambiguous_errors_starts_the_row_anew() -> None:
    """Ten forbidden images among good ones stop nothing."""
    breaker = CircuitBreaker(60, seen_success=True, patience_seconds=0.01)
    for _ in range(3):
        assert not any(breaker.blames_set_up() for _ in range(9))
        breaker.success()


def test_worker_gives_up_after_a_time_without_success() -> None:
    """The time runs from the last success or the first try, whichever is later."""
    breaker = CircuitBreaker(60)
    now = time.monotonic()
    breaker.give_up_if_open(now - 59, "words")
    with pytest.raises(WorkerExit, match="words") as caught:
        breaker.give_up_if_open(now - 61, "words")
    assert caught.value.code == Exit.TRANSIENT
    breaker.success()
    breaker.give_up_if_open(now - 61, "words")
