"""The instance metadata service, version 2 only: a token first, then questions.

The instance is found by the private address that the request comes from, and
only in its own subnet: no other account of this machine can take an address
there, while anybody can ask from any address of loopback, which Elastic IPs
are. The credentials are those of the role in the
instance's own profile, made by moto's STS, so that its policies hold for them.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import secrets
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.utils import utcnow
from moto.sts.models import sts_backends

from emulator.credentials import PARTITION
from emulator.messages import Answer
from emulator.moto_app import regions_of_ec2

if TYPE_CHECKING:
    from moto.sts.models import AssumedRole

    from emulator.messages import Request

# Both from the EC2 user guide, "Use the Instance Metadata Service".
MAX_TOKEN_SECONDS = 21_600
DEFAULT_CREDENTIALS_LIFETIME_SECONDS = 21_600
# AWS gives new credentials out some minutes before the old ones end.
RENEWED_BEFORE_END_SHARE = 0.25
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

Tree = dict[str, Any]


class Metadata:
    """Answers under /latest/."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._tokens: dict[str, tuple[str, float]] = {}
        self._sessions: dict[str, AssumedRole] = {}
        self._lifetime_seconds = DEFAULT_CREDENTIALS_LIFETIME_SECONDS
        self._addresses: dict[str, str] = {}

    def set(self, value: dict[str, Any]) -> None:
        """Change the lifetime of credentials, or give an address to an instance."""
        if "credentials_lifetime_seconds" in value:
            self._lifetime_seconds = int(value["credentials_lifetime_seconds"])
            self._sessions.clear()
        if "addresses" in value:
            self._addresses = {str(k): str(v) for k, v in value["addresses"].items()}

    def answer(self, request: Request) -> Answer:
        """Answer one request of an instance."""
        instance = self._instance_at(request.client_address, request.server_address)
        if instance is None:
            return Answer.of_text("no instance has this address", HTTPStatus.NOT_FOUND)
        if request.path == "/latest/api/token":
            return self._token(request, instance)
        owner, ends_at = self._tokens.get(request.header("X-aws-ec2-metadata-token"), ("", 0.0))
        if owner != instance.id or ends_at < time.monotonic():
            return Answer.of_text("", HTTPStatus.UNAUTHORIZED)
        if request.method != "GET":
            return Answer.of_text("", HTTPStatus.METHOD_NOT_ALLOWED)
        return _look_up(self._tree(instance), request.path.removeprefix("/latest").strip("/"))

    def _token(self, request: Request, instance: Any) -> Answer:
        if request.method != "PUT":
            return Answer.of_text("", HTTPStatus.METHOD_NOT_ALLOWED)
        if request.header("X-Forwarded-For"):
            return Answer.of_text("", HTTPStatus.FORBIDDEN)
        ttl = request.header("X-aws-ec2-metadata-token-ttl-seconds")
        if not ttl.isdecimal() or not 1 <= int(ttl) <= MAX_TOKEN_SECONDS:
            return Answer.of_text("", HTTPStatus.BAD_REQUEST)
        token = secrets.token_urlsafe(42)
        self._tokens[token] = (instance.id, time.monotonic() + int(ttl))
        answer = Answer.of_text(token)
        answer.headers.append(("X-aws-ec2-metadata-token-ttl-seconds", ttl))
        return answer

    def _instance_at(self, address: str, asked_at: str) -> Any:
        """Find who asks; `asked_at` is the address of ours that was asked."""
        named = self._addresses.get(address)
        for backend in regions_of_ec2():
            for reservation in backend.reservations.values():
                for instance in reservation.instances:
                    if instance.state == "terminated":
                        continue
                    if named == instance.id:
                        return instance
                    if address == instance.private_ip and _is_gateway_of(instance, asked_at):
                        return instance
        return None

    def _tree(self, instance: Any) -> Tree:
        region = instance.ec2_backend.region_name
        data: Tree = {
            "ami-id": instance.image_id,
            "hostname": instance.private_dns_name,
            "instance-id": instance.id,
            "instance-life-cycle": "on-demand",
            "instance-type": instance.instance_type,
            "local-hostname": instance.private_dns_name,
            "local-ipv4": instance.private_ip,
            "mac": instance.nics[0].mac_address,
            "placement": {
                "availability-zone": instance.placement.zone,
                "region": region,
            },
            "services": {"domain": "amazonaws.com", "partition": PARTITION},
        }
        if instance.public_ip:
            data["public-ipv4"] = instance.public_ip
            data["public-hostname"] = instance.public_dns_name
        key_pair = instance.ec2_backend.key_pairs.get(instance.key_name or "")
        if key_pair is not None:
            data["public-keys"] = {
                f"0={key_pair.key_name}": None,
                "0": {"openssh-key": key_pair.public_key.strip() + "\n"},
            }
        profile = _profile_of(instance)
        if profile is not None and profile.roles:
            session = self._session(instance, profile.roles[0])
            data["iam"] = {
                "info": json.dumps(
                    {
                        "Code": "Success",
                        "LastUpdated": utcnow().strftime(TIME_FORMAT),
                        "InstanceProfileArn": profile.arn,
                        "InstanceProfileId": profile.id,
                    }
                ),
                "security-credentials": {profile.roles[0].name: _credentials(session)},
            }
        document = {
            "accountId": DEFAULT_ACCOUNT_ID,
            "availabilityZone": instance.placement.zone,
            "imageId": instance.image_id,
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "privateIp": instance.private_ip,
            "region": region,
            "version": "2017-09-30",
        }
        dynamic = {"instance-identity": {"document": json.dumps(document)}}
        tree: Tree = {"meta-data": data, "dynamic": dynamic}
        if instance.user_data:
            tree["user-data"] = str(instance.user_data)
        return tree

    def _session(self, instance: Any, role: Any) -> AssumedRole:
        known = self._sessions.get(instance.id)
        margin = dt.timedelta(seconds=self._lifetime_seconds * RENEWED_BEFORE_END_SHARE)
        if known is None or known.role_arn != role.arn or known.expiration - margin <= utcnow():
            known = sts_backends[DEFAULT_ACCOUNT_ID][PARTITION].assume_role(
                region_name=self._region,
                role_session_name=instance.id,
                role_arn=role.arn,
                policy=None,
                duration=self._lifetime_seconds,
                external_id=None,
            )
            self._sessions[instance.id] = known
        return known


def _is_gateway_of(instance: Any, address: str) -> bool:
    subnet = instance.ec2_backend.get_subnet(instance.subnet_id)
    return ipaddress.ip_address(address) in ipaddress.ip_network(subnet.cidr_block)


def _profile_of(instance: Any) -> Any:
    association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    return association.iam_instance_profile if association else None


def _credentials(session: AssumedRole) -> str:
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": utcnow().strftime(TIME_FORMAT),
            "Type": "AWS-HMAC",
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "Token": session.session_token,
            "Expiration": session.expiration.strftime(TIME_FORMAT),
        }
    )


def _look_up(tree: Tree, path: str) -> Answer:
    """Find a leaf, or list a branch as the service does."""
    found: Any = tree
    for part in filter(None, path.split("/")):
        if not isinstance(found, dict) or found.get(part) is None:
            return Answer.of_text("", HTTPStatus.NOT_FOUND)
        found = found[part]
    if not isinstance(found, dict):
        return Answer.of_text(found)
    if "0" in found:  # public keys are listed as `0=name` and asked as `0`
        return Answer.of_text("\n".join(name for name in found if name != "0"))
    lines = [f"{name}/" if isinstance(value, dict) else name for name, value in found.items()]
    return Answer.of_text("\n".join(lines))
