"""Why there are no credentials: none were given, or who has them does not answer."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request

from carscribe_common.errors import Exit, WorkerExit

METADATA_ATTEMPTS = 5
METADATA_TIMEOUT_SECONDS = 2
"""botocore asks the instance's metadata once and for one second; at a boot that is too little."""

_TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105 - the name of a header


def no_credentials() -> WorkerExit:
    """Return what ends a worker without credentials: is there no profile, or no answer?"""
    if _metadata_has_none():
        return WorkerExit(
            Exit.DENIED,
            "Cannot call AWS: no AWS credentials were found; give the host an instance profile, or set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    return WorkerExit(
        Exit.TRANSIENT,
        "The instance's metadata service, which has the AWS credentials, does not answer; the "
        "run goes on where it stopped when the worker is started again.",
    )


def _metadata_has_none() -> bool:
    """Tell whether the metadata service says itself that there are no credentials.

    It answers 404, or an empty list, where no instance profile is attached
    (EC2 user guide, "Retrieve security credentials from instance metadata").
    """
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return True
    base = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254")
    base = f"{base.rstrip('/')}/latest"
    try:
        token = _read(f"{base}/api/token", "PUT", **{_TOKEN_HEADER + "-ttl-seconds": "60"})
        return not _read(f"{base}/meta-data/iam/security-credentials/", **{_TOKEN_HEADER: token})
    except urllib.error.HTTPError as error:
        return error.code == 404
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _read(url: str, method: str = "GET", **headers: str) -> str:
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=METADATA_TIMEOUT_SECONDS) as response:  # noqa: S310
        return str(response.read().decode().strip())
