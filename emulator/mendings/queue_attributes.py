"""Mendings of a queue's attributes, without which Terraform sees a change in every plan."""

from __future__ import annotations

import json
from typing import Any

from moto.sqs.exceptions import InvalidAttributeName
from moto.sqs.models import Queue, SQSBackend

REDRIVE_ALLOW_POLICY = "RedriveAllowPolicy"


ORIGINAL_ATTRIBUTES = Queue.attributes.fget
ORIGINAL_SET_ATTRIBUTES = Queue._set_attributes  # noqa: SLF001 # the part that is mended


def mend() -> None:
    """Answer attributes as AWS does, and keep those that are not mentioned."""
    if REDRIVE_ALLOW_POLICY in Queue.BASE_ATTRIBUTES:
        return
    Queue.redrive_allow_policy = None  # the value of a queue that was given none
    Queue.BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, REDRIVE_ALLOW_POLICY]
    Queue.attributes = property(_attributes)
    Queue._set_attributes = _set_attributes  # noqa: SLF001 # see above
    SQSBackend.get_queue_attributes = _get_queue_attributes


def _attributes(self: Any) -> dict[str, Any]:
    """Compact JSON, as AWS answers; an attribute set to nothing is none.

    moto answers RedrivePolicy with spaces, which Terraform takes for a change
    in every plan, and does not know RedriveAllowPolicy.
    """
    found: dict[str, Any] = ORIGINAL_ATTRIBUTES(self)
    for name in ("RedrivePolicy", "Policy"):
        if found.get(name):
            found[name] = json.dumps(json.loads(found[name]), separators=(",", ":"))
    if not found.get(REDRIVE_ALLOW_POLICY):
        found[REDRIVE_ALLOW_POLICY] = None
    return found


def _set_attributes(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
    """Keep the queue's policy when other attributes are set; moto drops it."""
    if "Policy" not in attributes:
        attributes = {**attributes, "Policy": self.policy}
    ORIGINAL_SET_ATTRIBUTES(self, attributes, now)


def _get_queue_attributes(self: Any, queue_name: str, attribute_names: list[str]) -> dict[str, Any]:
    """Look once; moto scans all messages several times for each name that is asked."""
    queue = self.get_queue(queue_name)
    known = {"All", *queue.BASE_ATTRIBUTES, *queue.FIFO_ATTRIBUTES, *queue.KMS_ATTRIBUTES}
    unknown = next((name for name in attribute_names if name not in known), None)
    if unknown is not None:
        raise InvalidAttributeName(unknown)
    found: dict[str, Any] = queue.attributes if attribute_names else {}
    if "All" in attribute_names:
        return found
    return {name: found[name] for name in attribute_names if found.get(name) is not None}
