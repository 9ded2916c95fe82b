"""Keep Terraform's state in a bucket, where a team shares it: `make backend BUCKET=...`."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from carscribe import bucket as buckets
from carscribe import provision
from carscribe.deployment import BUILD, DeploymentError
from carscribe.steps import shown

if TYPE_CHECKING:
    from carscribe.targets import Aws

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
EXAMPLE = provision.CONFIGURATION / "backend_override.tf.example"
NO_VERSIONS = (
    "The bucket {bucket} keeps no versions, so a state that is overwritten by mistake is lost: "
    "`aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration "
    "Status=Enabled` lets it keep them."
)


def keep_in(target: Aws, bucket: str) -> None:
    """Make the bucket if it is not there, and let Terraform keep its state in it from now on.

    Raises:
        DeploymentError: the state here holds something, another bucket is in use, or AWS
            does not let it.
    """
    if not BUCKET.fullmatch(bucket):
        raise DeploymentError(
            f"BUCKET is {bucket!r}: name a bucket for Terraform's state, 3 to 63 lower-case "
            "letters, digits, hyphens and dots."
        )
    deployment = provision.Deployment(target.name, BUILD / target.name)
    _refuse_what_is_up(deployment)
    target.check_credentials()
    terraform = provision.Terraform(deployment)
    values = provision.values(terraform, provision.NO_KEYS)
    region = _bucket(target, bucket, str(values["region"]))
    override = provision.BACKEND_OVERRIDE
    text = text_of(bucket, f"{values['name']}/terraform.tfstate", region)
    if override.exists() and override.read_text() != text:
        raise DeploymentError(
            f"{shown(override)} keeps the state elsewhere already: remove the file if nothing is "
            "up there, and say it again."
        )
    override.write_text(text)
    print(
        f"Terraform's state is in s3://{bucket} from now on ({shown(override)}): each checkout "
        f"that says `make backend BUCKET={bucket}` shares the deployment '{values['name']}'. "
        "`make down` leaves the bucket."
    )


def _refuse_what_is_up(deployment: provision.Deployment) -> None:
    """Where the state is in build/ it has to be empty: it is not moved."""
    if provision.BACKEND_OVERRIDE.exists():
        return
    if not deployment.state_file.exists():
        return
    terraform = provision.Terraform(deployment)
    terraform.initialize()
    if made := terraform.known().resources:
        raise DeploymentError(
            f"Terraform's state in {shown(deployment.state_file)} holds {len(made)} kinds of "
            "resources, and is not moved: `make down` first, then `make backend` and `make up`."
        )


def _bucket(target: Aws, bucket: str, region: str) -> str:
    """Make the bucket or take the one that is there; return its region.

    A state that is overwritten by mistake can be had back from its versions: a bucket that
    is made keeps them, and of another one it is said if it does not.
    """
    s3: Any = target.session(region).client("s3")
    with buckets.refusals_in_words(f"The bucket {bucket} cannot be used"):
        region, is_new = buckets.make(s3, bucket, region)
        if is_new:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        else:
            _advise_versions(s3, bucket)
    return region


def _advise_versions(s3: Any, bucket: str) -> None:
    with suppress(ClientError):  # who may not ask may not switch it on
        if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
            print(NO_VERSIONS.format(bucket=bucket))


def text_of(bucket: str, key: str, region: str) -> str:
    """Return the example with these values in it."""
    text = EXAMPLE.read_text()
    for name, value in {"bucket": bucket, "key": key, "region": region}.items():
        text = re.sub(rf'(?m)^(    {name} +=) ".*"$', rf'\1 "{value}"', text)
    return text
