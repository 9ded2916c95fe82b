"""Are there credentials, and does AWS take them? One sentence if not."""

from __future__ import annotations

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
TIMEOUT_SECONDS = 10


class CredentialsError(Exception):
    """AWS does not know who is asking; the message says what to do.

    Attributes:
        are_missing: nobody is asking.
    """

    def __init__(self, message: str, *, are_missing: bool = False) -> None:
        super().__init__(message)
        self.are_missing = are_missing


def check_credentials() -> str:
    """Return who is asking, as AWS sees it."""
    config = Config(
        connect_timeout=TIMEOUT_SECONDS,
        read_timeout=TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    try:
        session = boto3.Session()
        region = session.region_name or "us-east-1"
        sts = session.client("sts", region_name=region, config=config)
        return str(sts.get_caller_identity()["Arn"])
    except NoCredentialsError:
        raise CredentialsError(
            "There are no AWS credentials: run 'aws configure', or set AWS_PROFILE, or paste what "
            "'AWS Details' of your Learner Lab shows into ~/.aws/credentials.",
            are_missing=True,
        ) from None
    except ClientError as problem:
        code = problem.response.get("Error", {}).get("Code", "")
        if code in EXPIRED:
            raise CredentialsError(
                "Your AWS credentials have expired: log in again, or start your Learner Lab again "
                "and copy what 'AWS Details' shows."
            ) from None
        raise CredentialsError(f"AWS does not take your credentials: {problem}") from None
    except BotoCoreError as problem:
        raise CredentialsError(f"AWS cannot be asked who you are: {problem}") from None
