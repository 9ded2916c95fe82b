"""Are there credentials, and does AWS take them? One sentence if not."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from carscribe.advice import advice
from carscribe.deployment import EXIT_NO_PERMISSION, DeploymentError

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 10
FILES = {
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    "AWS_CONFIG_FILE": "~/.aws/config",
}
VALUES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
NONE = (
    "There are no AWS credentials: run 'aws configure', or set AWS_PROFILE, or paste what "
    "'AWS Details' of your Learner Lab shows into ~/.aws/credentials."
)


class CredentialsError(DeploymentError):
    """AWS does not know who is asking; the message says what to do.

    Attributes:
        are_missing: nobody is asking.
    """

    code = EXIT_NO_PERMISSION

    def __init__(self, message: str, *, are_missing: bool = False) -> None:
        super().__init__(message)
        self.are_missing = are_missing


def check_credentials(session: boto3.session.Session | None = None) -> str:
    """Return who is asking, as AWS sees it.

    Raises:
        CredentialsError: nobody, or somebody whom AWS does not take.
    """
    if session is None:
        read_files(os.environ)
    config = Config(
        connect_timeout=TIMEOUT_SECONDS,
        read_timeout=TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    try:
        session = session or boto3.session.Session()
        region = session.region_name or "us-east-1"
        sts = session.client("sts", region_name=region, config=config)
        return str(sts.get_caller_identity()["Arn"])
    except NoCredentialsError:
        raise CredentialsError(NONE, are_missing=True) from None
    except ProfileNotFound as problem:
        raise CredentialsError(
            f"There is no AWS profile {problem.kwargs.get('profile')!r}, which AWS_PROFILE names: "
            "`aws configure list-profiles` shows those there are."
        ) from None
    except PartialCredentialsError as problem:
        raise CredentialsError(f"Half of the AWS credentials is missing: {problem}.") from None
    except ClientError as problem:
        told = advice(str(problem)) or f"AWS does not take your credentials: {problem}"
        raise CredentialsError(told) from None
    except ValueError as problem:  # botocore's word for an address that is none
        raise CredentialsError(f"{_endpoint()} ({problem})") from None
    except BotoCoreError as problem:
        told = advice(str(problem))
        raise CredentialsError(
            f"AWS cannot be asked who you are: {problem} {told}".strip()
        ) from None


def _endpoint() -> str:
    names = [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]
    return " and ".join(f"{name} is {os.environ[name]!r}" for name in names) + (
        ": an address begins with http:// or https://."
    )


def read_files(environ: Mapping[str, str]) -> None:
    """Look at the files and variables of the credentials before botocore stumbles over them.

    Raises:
        CredentialsError: names the file, the line, and what is wrong with it.
    """
    for name in VALUES:
        if (value := environ.get(name, "")) != value.strip():
            raise CredentialsError(
                f"{name} begins or ends with a blank or a line end: set it again."
            )
    for name, usual in FILES.items():
        file = Path(environ.get(name) or usual).expanduser()
        if not file.is_file():
            continue
        try:
            _read(file)
        except OSError as problem:
            raise CredentialsError(f"{file} cannot be read: {problem.strerror}.") from None


def _read(file: Path) -> None:
    raw = file.read_bytes()
    if raw.startswith(_UTF16):
        raise CredentialsError(f"{file}, line 1: it is UTF-16: save it as plain text, UTF-8.")
    if raw.startswith(_UTF8_MARK):
        raise CredentialsError(
            f"{file}, line 1: it begins with a byte order mark, with which '[default]' is not "
            "found: save it as UTF-8 without one."
        )
    try:
        lines = raw.decode().splitlines()
    except UnicodeDecodeError as problem:
        number = raw[: problem.start].count(b"\n") + 1
        raise CredentialsError(f"{file}, line {number}: it is no UTF-8.") from None
    section = False
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if re.match(r"\s*\[[^\]]+\]\s*(?:[#;].*)?$", line):
            section = True
        elif not section:
            raise CredentialsError(
                f"{file}, line {number}: no section stands above it: write '[default]' in a line "
                "of its own before the keys."
            )
        elif "=" not in line and ":" not in line and not line[0].isspace():
            raise CredentialsError(
                f"{file}, line {number}: it is neither a [section] nor 'name = value'."
            )
