"""Start-up probes: what a role may not do is told from what cannot be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.probes import Probe, make_probes

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://sqs.us-east-1.amazonaws.com/"


def meets(error: Exception) -> Callable[[], object]:
    """Return a call that ends with this error."""

    def call() -> object:
        raise error

    return call


def refused(code: str, status: int) -> ClientError:
    """Return what botocore makes of a refusal."""
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "ReceiveMessage")


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url=URL),
        ConnectTimeoutError(endpoint_url=URL),
        ReadTimeoutError(endpoint_url=URL),
        refused("ServiceUnavailable", 503),
        refused("ThrottlingException", 400),
    ],
)
def test_what_cannot_be_reached_is_not_denied(error: Exception) -> None:
    """An outage at the start ends with the code after which systemd starts the worker again."""
    with pytest.raises(WorkerExit) as caught:
        make_probes([Probe("sqs:ReceiveMessage", meets(error))])
    assert caught.value.code == Exit.TRANSIENT


def test_what_is_denied_is_denied_whatever_else_cannot_be_reached() -> None:
    """A person has to act, and is told of both."""
    probes = [
        Probe("s3:ListBucket", meets(EndpointConnectionError(endpoint_url=URL))),
        Probe("sqs:ReceiveMessage", meets(refused("AccessDenied", 403))),
    ]
    with pytest.raises(WorkerExit) as caught:
        make_probes(probes)
    assert caught.value.code == Exit.DENIED
    assert "s3:ListBucket" in caught.value.sentence
    assert "sqs:ReceiveMessage" in caught.value.sentence


def test_what_is_allowed_is_asked_in_a_form_that_is_refused() -> None:
    """The refusal that is expected says: allowed."""
    error = refused("InvalidMessageContents", 400)
    make_probes([Probe("sqs:SendMessage", meets(error), frozenset({"InvalidMessageContents"}))])
