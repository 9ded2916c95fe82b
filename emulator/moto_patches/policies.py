"""Patches of moto's policy evaluation.

moto takes a statement whose condition does not hold as a denial, knows no
operator but StringEquals, and reads patterns as regular expressions. So a
bucket policy that denies plain HTTP locks everybody out. Here a statement that
does not apply says nothing, as in AWS, and the keys of the request are known:
`aws:SecureTransport` is true, for the emulator speaks plain HTTP where AWS is
asked over TLS.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.access_control import IAMPolicyStatement, IAMRequestBase, PermissionResult
from moto.s3.responses import ACTION_MAP

from emulator.secret import ROOT_ACCESS_KEY_ID

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

condition_keys: ContextVar[dict[str, str]] = ContextVar("condition_keys")
"""The condition keys of the request under way, in lower case."""
OUTSIDE_A_REQUEST = {"aws:securetransport": "true"}

# moto asks for an operation by its own name where AWS asks for another action.
# Source: Service Authorization Reference, Amazon S3.
ACTIONS_OF_AWS = {"s3:HeadBucket": "s3:ListBucket"}


def patch() -> None:
    """Replace the evaluation of one statement, and let the root through."""
    IAMPolicyStatement.is_action_permitted = _is_action_permitted
    # moto asks for s3:ListBucket here.
    ACTION_MAP["BUCKET"]["GET"]["object-lock"] = "GetBucketObjectLockConfiguration"
    # The front has checked the signature; moto's check takes twenty times as long.
    IAMRequestBase.check_signature = lambda _: None
    original = ActionAuthenticatorMixin._authenticate_and_authorize_action  # noqa: SLF001 # the part that is patched
    if getattr(original, "patched", False):
        return

    def authorize(self: Any, iam_request_cls: type, resource: str = "*") -> None:
        authorization = self.headers.get("Authorization", "")
        if f"Credential={ROOT_ACCESS_KEY_ID}/" not in authorization:
            original(self, iam_request_cls, resource)

    authorize.patched = True  # type: ignore[attr-defined]
    ActionAuthenticatorMixin._authenticate_and_authorize_action = authorize  # noqa: SLF001 # see above


def _is_action_permitted(
    self: Any,
    action: str,
    resource: str = "*",
    principal: str | None = None,
    incoming_condition_values: dict[str, str] | None = None,
) -> PermissionResult:
    statement: dict[str, Any] = self._statement
    keys = {**condition_keys.get(OUTSIDE_A_REQUEST)}
    keys.update({k.lower(): v for k, v in (incoming_condition_values or {}).items()})
    applies = (
        _element_holds(statement, "Action", ACTIONS_OF_AWS.get(action, action), ignore_case=True)
        and _element_holds(statement, "Resource", resource)
        and _principal_holds(statement.get("Principal"), principal)
        and conditions_hold(statement.get("Condition") or {}, keys)
    )
    if not applies:
        return PermissionResult.NEUTRAL
    if statement["Effect"] == "Allow":
        return PermissionResult.PERMITTED
    return PermissionResult.DENIED


def _element_holds(
    statement: dict[str, Any], name: str, value: str, *, ignore_case: bool = False
) -> bool:
    if f"Not{name}" in statement:
        patterns = _listed(statement[f"Not{name}"])
        return not any(matches(pattern, value, ignore_case=ignore_case) for pattern in patterns)
    if name not in statement:  # a trust policy names no resource
        return True
    return any(matches(p, value, ignore_case=ignore_case) for p in _listed(statement[name]))


def _principal_holds(stated: Any, asked: str | None) -> bool:
    if stated is None or stated == "*":
        return True
    if not isinstance(stated, dict):
        return False
    names = _listed(stated.get("AWS", []))
    if "*" in names:
        return True
    # Bucket policies are asked without a principal: those for named ones say nothing then.
    return asked is not None and asked in names


def conditions_hold(conditions: dict[str, dict[str, Any]], keys: dict[str, str]) -> bool:
    """Say whether every condition of a statement holds for a request's keys."""
    return all(
        _condition_holds(operator, keys.get(key.lower()), _listed(expected))
        for operator, block in conditions.items()
        for key, expected in block.items()
    )


def _condition_holds(operator: str, actual: str | None, expected: list[str]) -> bool:
    name = operator.rpartition(":")[2].lower()
    if name == "null":
        return (actual is None) == (str(expected[0]).lower() == "true")
    if name.endswith("ifexists"):
        if actual is None:
            return True
        name = name.removesuffix("ifexists")
    negated = "not" in name
    compare = COMPARISONS.get(name.replace("not", ""))
    if compare is None:
        log.warning("a policy's condition operator is not known here: %s", operator)
        return False
    if actual is None:
        return negated
    return any(compare(str(value), actual) for value in expected) != negated


def _same_text(expected: str, actual: str) -> bool:
    return expected == actual


def _same_text_in_any_case(expected: str, actual: str) -> bool:
    return expected.lower() == actual.lower()


def _address_in(expected: str, actual: str) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(expected, strict=False)


def _pattern_matches(expected: str, actual: str) -> bool:
    return matches(expected, actual)


COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "stringequals": _same_text,
    "stringequalsignorecase": _same_text_in_any_case,
    "stringlike": _pattern_matches,
    "arnequals": _pattern_matches,
    "arnlike": _pattern_matches,
    "bool": _same_text_in_any_case,
    "ipaddress": _address_in,
}


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Match as policies do: `*` for any text, `?` for any character, all else is itself."""
    return _compiled(pattern, ignore_case).fullmatch(value) is not None


@lru_cache(maxsize=1000)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    text = "".join(parts.get(character, re.escape(character)) for character in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
