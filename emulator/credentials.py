"""Who asks, and may they: temporary credentials, their expiry, and policies for Rekognition.

`enforce(True)` hands every service over to moto's policy evaluation. The access
key id `carscribe` is the account's root and is never evaluated, so that a test
can set up users and roles while they are enforced.
"""

from __future__ import annotations

import math
import re
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn
from xml.sax.saxutils import unescape

from moto import settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.utils import utcnow
from moto.iam.access_control import (
    CreateAccessKeyFailure,
    IAMPolicy,
    IAMRequest,
    PermissionResult,
    create_access_key,
)
from moto.sts.models import AssumedRole, sts_backends
from werkzeug.datastructures import EnvironHeaders

from emulator import errors
from emulator.mendings.policies import ROOT_ACCESS_KEY_ID, condition_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.messages import Answer, Request

PARTITION = "aws"
REFUSAL = re.compile(r"<Code>(?P<code>.*?)</Code>\s*<Message>(?P<message>.*?)</Message>", re.DOTALL)


class Refused(Exception):  # noqa: N818 # a decision, not a failure
    """A request is refused, with the code and message that AWS gives."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def enforce(enforced: bool) -> None:
    """Switch policy evaluation on or off, for all services."""
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0 if enforced else math.inf
    ActionAuthenticatorMixin.request_count = 0


def is_enforced() -> bool:
    """Say whether policies are evaluated."""
    return bool(settings.INITIAL_NO_AUTH_ACTION_COUNT == 0)


@contextmanager
def context(request: Request) -> Iterator[None]:
    """Make the request's condition keys known to the policies while it is carried out."""
    keys = {
        "aws:securetransport": "true",
        "aws:sourceip": request.client_address,
        "aws:requestedregion": request.region,
        "aws:principalaccount": DEFAULT_ACCOUNT_ID,
    }
    for name in ("prefix", "delimiter", "max-keys"):
        if name in request.query:
            keys[f"s3:{name}"] = request.query[name][0]
    token = condition_keys.set(keys)
    try:
        yield
    finally:
        condition_keys.reset(token)


def refusal_of_expired(service: str, request: Request) -> Answer | None:
    """Refuse expired temporary credentials, and under enforcement unsigned requests.

    moto itself lets a role's credentials live for ever, and fails on a
    request without a signature.
    """
    key_id = request.access_key_id
    if not key_id:
        if not is_enforced() or service == "rekognition":
            return None
        code = "AccessDenied" if service == "s3" else "MissingAuthenticationToken"
        return errors.error(service, code, "Missing Authentication Token", 403)
    role = assumed_role(key_id)
    if role is None or role.expiration > utcnow():
        return None
    text = "The provided token has expired."
    if service == "s3":
        return errors.error(service, "ExpiredToken", text, 400)
    json_service = service in errors.JSON_VERSIONS
    return errors.error(
        service,
        "ExpiredTokenException" if json_service else "ExpiredToken",
        "The security token included in the request is expired",
        400 if json_service else 403,
    )


def refusal_as_json(service: str, answer: Answer) -> Answer:
    """Put moto's refusal, which is XML for every service, into the service's own protocol."""
    if service not in errors.JSON_VERSIONS or answer.status != HTTPStatus.FORBIDDEN:
        return answer
    found = REFUSAL.search(answer.body.decode("utf-8", "replace"))
    if found is None:
        return answer
    return errors.error(service, found["code"], unescape(found["message"]), answer.status)


def assumed_role(access_key_id: str) -> AssumedRole | None:
    """Find the session to which temporary credentials belong, the newest first."""
    roles = sts_backends[DEFAULT_ACCOUNT_ID][PARTITION].assumed_roles
    return next((r for r in reversed(roles) if r.access_key_id == access_key_id), None)


class _RekognitionRequest(IAMRequest):  # type: ignore[misc] # moto is untyped here
    """moto's own check of signature and policies, with Rekognition's names for a refusal."""

    def _raise_signature_does_not_match(self) -> NoReturn:
        raise Refused(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )

    def _raise_invalid_access_key(self, _: str) -> NoReturn:
        raise Refused(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )

    def _raise_access_denied(self) -> NoReturn:
        raise Refused(
            "AccessDeniedException",
            f"User: {self._access_key.arn} is not authorized to perform: {self._action} "
            f"because no identity-based policy allows the {self._action} action",
        )


def authorize_rekognition(operation: str, request: Request) -> None:
    """Raise `Refused` unless the caller may call this operation of Rekognition."""
    if not request.access_key_id:
        raise Refused("MissingAuthenticationTokenException", "Missing Authentication Token")
    if not is_enforced() or request.access_key_id == ROOT_ACCESS_KEY_ID:
        return
    checked = _RekognitionRequest(
        account_id=DEFAULT_ACCOUNT_ID,
        method=request.method,
        path=str(request.environ["RAW_URI"]),
        data={},
        body=request.body,
        headers=EnvironHeaders(request.environ),
        action=operation,
    )
    checked.check_signature()
    checked.check_action_permitted("*")


def may_get_object(request: Request, bucket: Any, key: str, version: str | None) -> bool:
    """Say whether the caller may read an object: Rekognition reads S3 in the caller's name."""
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    resource = f"arn:{PARTITION}:s3:::{bucket.name}/{key}"
    by_bucket = bucket.get_permission(action, resource)
    if by_bucket == PermissionResult.DENIED:
        return False
    if not is_enforced() or request.access_key_id == ROOT_ACCESS_KEY_ID:
        return True
    try:
        caller = create_access_key(
            DEFAULT_ACCOUNT_ID, PARTITION, request.access_key_id, EnvironHeaders(request.environ)
        )
    except CreateAccessKeyFailure:
        return False
    said = [IAMPolicy(p).is_action_permitted(action, resource) for p in caller.collect_policies()]
    if PermissionResult.DENIED in said:
        return False
    return PermissionResult.PERMITTED in [*said, by_bucket]
