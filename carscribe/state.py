"""Terraform's state, and its errors, as it writes them."""

from __future__ import annotations

import re
from typing import Any

from carscribe.inputs import UsageError

NOUNS = {
    "aws_ebs_volume": "volume",
    "aws_eip": "address",
    "aws_iam_instance_profile": "instance profile",
    "aws_iam_role": "role",
    "aws_instance": "instance",
    "aws_key_pair": "key pair",
    "aws_s3_bucket": "bucket",
    "aws_sqs_queue": "queue",
    "aws_subnet": "subnet",
    "aws_vpc": "network",
}


ERROR_MAX = 600
"""Characters of one error that are said; the rest is in the log."""
_PLACE = re.compile(
    r"on \S+ line \d+|with \S+,$|\d+:|[\u251c\u2500]|This was checked by|Releasing state|"
    r"var\.\S+ is |local\.\S+ is |self\.\S+ is |data\.\S+ is "
)
"""Lines of an error that say where in the configuration it is."""
_ENCODED = re.compile(r"[. ]*Encoded authorization failure message: \S+")
"""What EC2 adds to a refusal: a thousand characters and more that only STS can read."""

_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):")


class StateError(UsageError):
    """What was made cannot be known, so nothing may be removed or forgotten."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "Terraform's state cannot be read, so nothing is removed and nothing deleted here: "
            f"{why}"
        )


def reason(said: str) -> str:
    """Return the first error of what Terraform said, or else all of it, as one line."""
    return (errors(said) or [" ".join(said.split())[:ERROR_MAX] or "it gives no reason"])[0]


def errors(said: str) -> list[str]:
    """Return the errors that Terraform said, each as one line.

    Where a validation of ours was not met it is that sentence alone; else the
    title and what is said below it, without the place in the configuration.
    """
    plain = re.sub(r"\x1b\[[\d;]*m", "", said)
    lines = [line.strip("\u2502\u2577\u2575 ") for line in plain.splitlines()]
    found = []
    for block in re.split(r"^(?=(?:Error|Warning): )", "\n".join(lines), flags=re.MULTILINE):
        if not block.startswith("Error: "):
            continue
        title, *rest = block.removeprefix("Error: ").splitlines()
        told = [line for line in rest if not _PLACE.match(line)]
        text = " ".join(" ".join(told).partition("!!!!")[0].split())[:ERROR_MAX]
        title = _ENCODED.sub("", title)
        ours = title.startswith("Invalid value for variable") or "condition failed" in title
        found.append(text if ours and text else f"{title}: {text}".rstrip(": "))
    return list(dict.fromkeys(found))


class State:
    """A state as Terraform writes it: outputs, and the resources it has made."""

    def __init__(self, written: dict[str, Any]) -> None:
        self.outputs = {name: out["value"] for name, out in written.get("outputs", {}).items()}
        self.resources = [one for one in written.get("resources", []) if one["mode"] == "managed"]

    def of_type(self, name: str) -> list[dict[str, Any]]:
        """Return the attributes of each resource of a type."""
        return [
            instance["attributes"]
            for resource in self.resources
            if resource["type"] == name
            for instance in resource["instances"]
        ]

    @property
    def buckets_beside(self) -> set[str]:
        """The bucket that was made before Terraform (`lab_bucket`): it has its settings alone."""
        settings = {
            str(instance["attributes"]["id"])
            for resource in self.resources
            if resource["type"].startswith("aws_s3_bucket_")
            for instance in resource["instances"]
        }
        return settings - {str(one["id"]) for one in self.of_type("aws_s3_bucket")}

    def accounts(self) -> set[str]:
        """Return the accounts that the resources are in, as their ARNs name them."""
        kinds = {resource["type"] for resource in self.resources}
        arns = {str(one.get("arn")) for kind in kinds for one in self.of_type(kind)}
        return {found[1] for arn in arns if (found := _ACCOUNT.match(arn))}

    def counted(self, buckets: int = 0) -> str:
        """Say what costs money, keeps data or opens a door: ``2 instances, 1 volume``.

        Args:
            buckets: how many there are beside Terraform's.
        """
        counts = {noun: len(self.of_type(kind)) for kind, noun in NOUNS.items()}
        counts["bucket"] += buckets
        return ", ".join(
            f"{count} {_plural(noun) if count > 1 else noun}"
            for noun, count in sorted(counts.items())
            if count
        )


def _plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith("ss") else f"{noun}s"
