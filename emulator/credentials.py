"""Who asks, and may they: signatures, temporary credentials, and policies for Rekognition.

Each request is signed with a secret that this emulator gave out: the root's
own, a user's access key, or a role's. `enforce(True)` hands every service over
to moto's policy evaluation. The access key id `carscribe` is the account's root
and is never evaluated, so that a test can set up users and roles while they are
enforced.
"""

from __future__ import annotations

import hmac
import math
import re
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import unescape

from moto import settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.utils import utcnow
from moto.iam.access_control import (
    CreateAccessKeyFailure,
    IAMPolicy,
    PermissionResult,
    create_access_key,
)
from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends
from werkzeug.datastructures import Headers

from emulator import errors, signatures
from emulator.moto_patches.policies import condition_keys
from emulator.secret import ROOT_ACCESS_KEY_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.messages import Answer, Request
    from emulator.secret import Secret

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


class Authenticator:
    """Finds the secret that belongs to a request's access key, and checks its signature."""

    def __init__(self, secret: Secret, hint: str) -> None:
        """Take the root's secret, and what is said to a client that does not know any."""
        self._secret, self._hint = secret, hint

    def refusal_of_head(self, service: str, request: Request) -> Answer | None:
        """Refuse a request without a signature, of unknown or expired credentials, or wrongly signed."""
        try:
            role, secret = self._whose(service, request)
            signatures.check_head(request, secret)
            if role is not None and role.expiration <= utcnow():
                raise Refused("expired", "The security token included in the request is expired")
        except (Refused, signatures.SignatureError) as error:
            return self._answer(error, service, request)
        return None

    def refusal_of_body(self, service: str, request: Request) -> Answer | None:
        """Refuse one whose body is not the one that was signed."""
        try:
            _, secret = self._whose(service, request)
            signatures.check_body(request, secret)
        except (Refused, signatures.SignatureError) as error:
            return self._answer(error, service, request)
        if "authorization" not in request.headers:
            _name_in_header(request)
        return None

    def _answer(
        self, error: Refused | signatures.SignatureError, service: str, request: Request
    ) -> Answer:
        refused = error if isinstance(error, Refused) else _refused(error)
        code, status = REFUSALS.get(service, REFUSALS[""])[refused.code]
        said = errors.protocol_of(service, request)
        return errors.error(said, code, f"{refused.message}{self._told(refused)}", status)

    def _told(self, refused: Refused) -> str:
        return f" {self._hint}" if refused.code in {"unsigned", "unknown", "signature"} else ""

    def _secret_of(self, key_id: str, role: AssumedRole | None) -> str | None:
        if key_id == ROOT_ACCESS_KEY_ID:
            return self._secret.access_key
        return str(role.secret_access_key) if role is not None else _secret_of_user(key_id)

    def _whose(self, service: str, request: Request) -> tuple[AssumedRole | None, str]:
        """Return the session of a request's credentials, if they are one's, and their secret."""
        key_id = request.access_key_id
        if not key_id:
            raise Refused("unsigned", "Missing Authentication Token.")
        if request.credential[3] != service:  # as a presigned URL of S3 with another's header
            raise Refused("signature", "Credential should be scoped to the service that is asked.")
        role = None if key_id == ROOT_ACCESS_KEY_ID else assumed_role(key_id)
        secret = self._secret_of(key_id, role)
        if secret is None or (role is not None and not _has_token(request, role)):
            raise Refused("unknown", UNKNOWN)
        return role, secret


def _refused(error: signatures.SignatureError) -> Refused:
    """Give what is wrong about a signature its code and sentence."""
    match error:
        case signatures.ExpiredError():
            return Refused("late", "Request has expired")
        case signatures.SkewError():
            return Refused("skew", "Signature expired, or made for another time.")
        case signatures.PayloadError():
            return Refused("payload", "The body is not the one that was signed.")
        case _:
            return Refused("signature", MISMATCH)


def _has_token(request: Request, role: AssumedRole) -> bool:
    given = request.session_token.encode("latin-1", "replace")
    return hmac.compare_digest(role.session_token.encode(), given)


def _name_in_header(request: Request) -> None:
    """Say whose presigned URL it is where moto looks for it."""
    token = request.session_token
    scope = "/".join(request.credential)
    said = f"{signatures.ALGORITHM} Credential={scope}, SignedHeaders=host, Signature=checked"
    request.set_header("Authorization", said)
    if token:
        request.set_header("X-Amz-Security-Token", token)


UNKNOWN = "The security token included in the request is invalid."
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method."
)
# By service, the code and HTTP status of each refusal.
# Source: each service's API reference, "Common errors"; of S3, its list of error codes.
REFUSALS: dict[str, dict[str, tuple[str, int]]] = {
    "s3": {
        "unsigned": ("AccessDenied", 403),
        "unknown": ("InvalidAccessKeyId", 403),
        "signature": ("SignatureDoesNotMatch", 403),
        "skew": ("RequestTimeTooSkewed", 403),
        "late": ("AccessDenied", 403),
        "payload": ("XAmzContentSHA256Mismatch", 400),
        "expired": ("ExpiredToken", 400),
    },
    "sqs": {
        "unsigned": ("MissingAuthenticationToken", 403),
        "unknown": ("InvalidClientTokenId", 403),
        "signature": ("SignatureDoesNotMatch", 403),
        "skew": ("SignatureDoesNotMatch", 403),
        "late": ("SignatureDoesNotMatch", 403),
        "payload": ("SignatureDoesNotMatch", 403),
        "expired": ("ExpiredTokenException", 400),
    },
    "rekognition": {
        "unsigned": ("MissingAuthenticationTokenException", 400),
        "unknown": ("UnrecognizedClientException", 400),
        "signature": ("InvalidSignatureException", 400),
        "skew": ("InvalidSignatureException", 400),
        "late": ("InvalidSignatureException", 400),
        "payload": ("InvalidSignatureException", 400),
        "expired": ("ExpiredTokenException", 400),
    },
    "": {
        "unsigned": ("MissingAuthenticationToken", 403),
        "unknown": ("InvalidClientTokenId", 403),
        "signature": ("SignatureDoesNotMatch", 403),
        "skew": ("SignatureDoesNotMatch", 403),
        "late": ("SignatureDoesNotMatch", 403),
        "payload": ("SignatureDoesNotMatch", 403),
        "expired": ("ExpiredToken", 403),
    },
}
REFUSALS["ssm"] = REFUSALS["rekognition"]
REFUSALS["ec2"] = REFUSALS[""] | {"unknown": ("AuthFailure", 401)}


def refusal_as_json(service: str, answer: Answer) -> Answer:
    """Put moto's refusal, which is XML for every service, into the service's own protocol."""
    if service not in errors.JSON_VERSIONS or answer.status != HTTPStatus.FORBIDDEN:
        return answer
    found = REFUSAL.search(answer.body.decode("utf-8", "replace"))
    if found is None:
        return answer
    return errors.error(service, found["code"], unescape(found["message"]), answer.status)


def _secret_of_user(access_key_id: str) -> str | None:
    users = list(iam_backends[DEFAULT_ACCOUNT_ID][PARTITION].users.values())
    keys = (key for user in users for key in user.access_keys)
    return next((str(k.secret_access_key) for k in keys if k.access_key_id == access_key_id), None)


def assumed_role(access_key_id: str) -> AssumedRole | None:
    """Find the session to which temporary credentials belong, the newest first."""
    roles = sts_backends[DEFAULT_ACCOUNT_ID][PARTITION].assumed_roles
    return next((r for r in reversed(roles) if r.access_key_id == access_key_id), None)


def authorize(action: str, resource: str, request: Request) -> None:
    """Raise `Refused` unless the caller's own policies let it do something with a resource.

    It is asked for what we answer ourselves; moto does the same for what it answers.
    """
    if not is_enforced() or request.access_key_id == ROOT_ACCESS_KEY_ID:
        return
    caller = create_access_key(
        DEFAULT_ACCOUNT_ID, PARTITION, request.access_key_id, Headers(request.fields)
    )
    said = _said(caller, action, resource, request)
    if PermissionResult.DENIED in said or PermissionResult.PERMITTED not in said:
        raise Refused(
            "AccessDenied",
            f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action",
        )


def may_get_object(request: Request, bucket: Any, key: str, version: str | None) -> bool:
    """Say whether the caller may read an object: Rekognition reads S3 in the caller's name."""
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    resource = f"arn:{PARTITION}:s3:::{bucket.name}/{key}"
    with context(request):
        by_bucket = bucket.get_permission(action, resource)
    if by_bucket == PermissionResult.DENIED:
        return False
    if not is_enforced() or request.access_key_id == ROOT_ACCESS_KEY_ID:
        return True
    try:
        caller = create_access_key(
            DEFAULT_ACCOUNT_ID, PARTITION, request.access_key_id, Headers(request.fields)
        )
    except CreateAccessKeyFailure:
        return False
    said = _said(caller, action, resource, request)
    if PermissionResult.DENIED in said:
        return False
    return PermissionResult.PERMITTED in [*said, by_bucket]


def _said(caller: Any, action: str, resource: str, request: Request) -> list[PermissionResult]:
    """Return what each of a caller's own policies says."""
    policies = caller.collect_policies()
    with context(request):
        return [IAMPolicy(each).is_action_permitted(action, resource) for each in policies]
