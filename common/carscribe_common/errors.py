"""How a worker ends, and what an error of AWS means for a run: whose it is, and what follows.

- ImageError: this image's own; it is written down as its failure, the run goes on.
- TransientError: nobody's; it never settles an image and is tried again.
- WorkerExit: the whole set-up's; the worker stops with one sentence.
- AmbiguousError: the image's or the set-up's; a closer look decides (see Caller.resolve_ambiguous).

Sources: the error tables of the API references of Rekognition, S3 and SQS, and
"Handling errors" of the Rekognition developer guide.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ResponseStreamingError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final


class Exit(IntEnum):
    """Exit codes of a worker. The numbers from 64 to 78 are those of BSD's sysexits.h.

    The units of systemd rely on them: a fault that a restart cannot mend
    (INCOMPLETE, IN_USE, DENIED, CONFIG) is never restarted.
    """

    OK = 0
    INCOMPLETE = 65  # EX_DATAERR: messages of this run are missing
    BUG = 70  # EX_SOFTWARE: an error that nobody foresaw
    IN_USE = 73  # EX_CANTCREAT: another process holds this run's store
    DISK = 74  # EX_IOERR: the state directory cannot be written
    TRANSIENT = 75  # EX_TEMPFAIL: nothing succeeded for give_up_seconds
    DENIED = 77  # EX_NOPERM: credentials or permissions
    CONFIG = 78  # EX_CONFIG: settings, or something they name does not exist
    INTERRUPTED = 130  # 128 + SIGINT, as shells count
    TERMINATED = 143  # 128 + SIGTERM: the run can be gone on with


class WorkerExit(Exception):  # noqa: N818 - it ends the worker, for better or worse
    """Ends the worker with one sentence for the person who reads the log.

    Attributes:
        code: what the process exits with.
        sentence: what is wrong and what to do, in one sentence.
    """

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


IMAGE_REASONS: Final[Mapping[str, str]] = {
    "InvalidImageFormatException": "invalid-image",
    "ImageTooLargeException": "too-large",
    "InvalidParameterException": "invalid-parameter",  # among others: below 80 px a side
    "NoSuchKey": "gone",
    "404": "gone",  # of a HEAD, which has no body to name the error in
    "NoSuchVersion": "gone",
    "PreconditionFailed": "changed",
    "412": "changed",
    "InvalidObjectState": "archived",  # in Glacier: it cannot be read
}
KMS_KEY: Final = "kms-key"
"""The reason of an object whose KMS key is disabled, deleted, or not for this role."""

THROTTLING: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "SlowDown",
        "503",
    }
)

# Expired credentials of a host are made anew by the provider chain; clocks are set right.
_TRANSIENT: Final = frozenset(
    {
        "InternalServerError",
        "InternalError",
        "InternalFailure",
        "NoSuchUpload",  # aborted by the bucket's owner, or complete and its answer lost
        "ServiceUnavailable",
        "RequestTimeout",
        "RequestTimeoutException",
        "RequestTimeTooSkewed",
        "RequestExpired",
        "ExpiredToken",
        "ExpiredTokenException",
        "OverLimit",
        "500",
        "502",
        "504",
    }
)

_AMBIGUOUS: Final = frozenset({"InvalidS3ObjectException"})

_LAB_HAS_ENDED: Final = "voc-cancel-cred"
"""The policy with which an AWS Academy Learner Lab denies all where its session has ended."""

_DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "AuthorizationError",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "NotAuthorized",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
        "403",
    }
)

# A signature is refused for a clock that is wrong, too (IAM user guide, "Troubleshoot
# Signature Version 4 for API requests").
_SIGNATURE: Final = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"})
_CLOCK: Final = ("Signature expired", "Signature not yet current")

_MISSING: Final[Mapping[str, str]] = {
    "NoSuchBucket": "the bucket does not exist",
    "InvalidBucketName": "the bucket's name is none",
    "AWS.SimpleQueueService.NonExistentQueue": "the queue does not exist",
    "QueueDoesNotExist": "the queue does not exist",
    "InvalidAddress": "the queue URL is none",
    "PermanentRedirect": "the bucket is in another region",
    "AuthorizationHeaderMalformed": "the region does not fit the bucket",
    "301": "the bucket is in another region",
}


class ImageError(Exception):
    """An image's own failure.

    Attributes:
        reason: one word for programs, such as ``gone`` or ``too-large``.
        detail: what the service said, for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class TransientError(Exception):
    """Throttling, 5xx, network: to be tried again.

    Attributes:
        throttled: the service said that the caller is too fast.
    """

    def __init__(self, message: str, *, throttled: bool = False) -> None:
        super().__init__(message)
        self.throttled = throttled


class ShutdownRequested(Exception):  # noqa: N818 - no error: somebody asked for it
    """The worker is to end; what was in flight is not settled."""


class AmbiguousError(Exception):
    """The image's fault or the set-up's: the error alone does not tell.

    A 403 or an unknown 4xx about one object, or an InvalidS3ObjectException.

    Attributes:
        code: the error's name, such as ``AccessDenied``.
        is_denial: it says that something is not allowed.
    """

    def __init__(self, message: str, code: str, *, is_denial: bool) -> None:
        super().__init__(message)
        self.code = code
        self.is_denial = is_denial


def error_code_of(response: Mapping[str, Any]) -> str:
    """Return the name of the error in a parsed response, such as ``NoSuchKey``, or nothing."""
    return str(response.get("Error", {}).get("Code", ""))


def is_throttling(code: str) -> bool:
    """Tell whether an error says that the caller is too fast."""
    return code in THROTTLING


def classify(
    error: Exception, doing: str, *, of_object: bool = False, about_image: bool = False
) -> Exception:
    """Return what an error of boto3 means, as one of this module's exceptions.

    Args:
        error: what boto3 raised.
        doing: what the worker was about, such as ``list the bucket photos``.
        of_object: the call concerned one object of S3, so that a 403 may be
            the object's own fault.
        about_image: the call concerned one image, so that an error nobody
            knows may be that image's own.

    Returns:
        ImageError, TransientError, AmbiguousError or WorkerExit; or the error
        itself where it is none of AWS's: then it is a bug of ours.
    """
    match error:
        case ClientError():
            return _classify_answer(
                error, doing, of_object=of_object, about_image=about_image or of_object
            )
        case TransientError():
            return error
        case NoCredentialsError() | PartialCredentialsError():
            return WorkerExit(
                Exit.DENIED,
                f"Cannot {doing}: no AWS credentials were found; give the host an instance "
                "profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            )
        case (
            BotoConnectionError()
            | HTTPClientError()
            | EndpointConnectionError()
            | IncompleteReadError()
            | ResponseStreamingError()
            | CredentialRetrievalError()
            | FlexibleChecksumError()
            | ResponseParserError()
        ):
            return TransientError(f"cannot {doing}: {error}")
        case BotoCoreError():
            said = " ".join(str(error).split())  # some of botocore's have several lines
            return WorkerExit(
                Exit.CONFIG, f"Cannot {doing}: {said}; correct the settings and start again."
            )
        case _:
            return error


def _classify_answer(
    error: ClientError, doing: str, *, of_object: bool, about_image: bool
) -> Exception:
    code = error_code_of(error.response)
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    said = f"{code}: {message}" if message and message != code else code
    wrong_clock = code in _SIGNATURE and any(words in message for words in _CLOCK)
    throttled = code.removeprefix("KMS.") in THROTTLING
    if wrong_clock or throttled or code in _TRANSIENT or status >= 500:
        return TransientError(f"cannot {doing}: {said}", throttled=throttled)
    if own := _image_reason(code, of_object=of_object):
        return ImageError(own, message or code)
    denied = code in _DENIED
    if _LAB_HAS_ENDED in message:
        return _classify_set_up(code, said, doing)
    if code in _AMBIGUOUS or (of_object and denied and status == 403):
        return AmbiguousError(said, code, is_denial=True)
    if about_image and not denied and code not in _MISSING and 400 <= status < 500:
        return AmbiguousError(said, code, is_denial=False)
    return _classify_set_up(code, said, doing)


def _image_reason(code: str, *, of_object: bool) -> str | None:
    if of_object and code.startswith("KMS."):
        return KMS_KEY
    # A bare status tells of an object only where one was asked for.
    return IMAGE_REASONS.get(code) if of_object or not code.isdigit() else None


def _classify_set_up(code: str, said: str, doing: str) -> WorkerExit:
    if code in _DENIED:
        advice = "give this role the permission"
        if _LAB_HAS_ENDED in said:
            advice = (
                "your Learner Lab's session has ended or its budget is used up: start the lab again"
            )
        elif code in {"InvalidAccessKeyId", "InvalidClientTokenId"}:
            advice = (
                "AWS does not know these credentials: see that the host's instance profile exists"
            )
        return WorkerExit(Exit.DENIED, f"Cannot {doing}: AWS refuses it ({said}); {advice}.")
    if code in _MISSING:
        return WorkerExit(
            Exit.CONFIG, f"Cannot {doing}: {_MISSING[code]} ({said}); correct the settings."
        )
    return WorkerExit(
        Exit.CONFIG, f"Cannot {doing}: AWS answers {said}; correct the settings and start again."
    )
