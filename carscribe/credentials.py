"""Are there credentials, and does AWS take them? One sentence if not."""

from __future__ import annotations

import configparser
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
    from collections.abc import Iterator, Mapping

TIMEOUT_SECONDS = 10
FILES = {
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    "AWS_CONFIG_FILE": "~/.aws/config",
}
TOKENS = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
"""The second is the older name, which boto takes, too."""
VALUES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", *TOKENS)
_KEY = re.compile(r"[A-Za-z0-9+/=_.-]*")
TEMPORARY = "ASIA"
"""How the ids of keys begin that need a session token (IAM User Guide, "Unique identifiers")."""
UNEXPECTED = (OSError, RuntimeError, ValueError)
"""What botocore lets through: of a credential_process, of a region or address that is none."""
_ENDPOINT = "AWS_ENDPOINT_URL"
"""How the variables begin that name another address, of all services or of one."""
_ADDRESS = re.compile(r"https?://\S+")
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
    config = Config(
        connect_timeout=TIMEOUT_SECONDS,
        read_timeout=TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    try:
        session = session or session_of_the_user()
        region = session.region_name or "us-east-1"
        sts = session.client("sts", region_name=region, config=config)
        return str(sts.get_caller_identity()["Arn"])
    except NoCredentialsError:
        raise CredentialsError(f"{NONE}{_why_none(os.environ)}", are_missing=True) from None
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
    except EOFError:
        raise CredentialsError(
            "Your profile asks for a code of your MFA device, for which Terraform cannot ask you: "
            "`aws sts get-session-token` gives keys that need none."
        ) from None
    except (BotoCoreError, *UNEXPECTED) as problem:
        raise CredentialsError(_unasked(problem)) from None


def session_of_the_user(region: str | None = None) -> boto3.session.Session:
    """Return a session with the account that the user's environment and files name.

    Raises:
        CredentialsError: a file is wrong, or a program that is to give credentials.
        BotoCoreError: the profile is not there, or half of it is missing.
    """
    read_files(os.environ)
    session = boto3.session.Session(region_name=region)
    try:
        if found := session.get_credentials():
            found.get_frozen_credentials()  # those that expire are asked for by then
    except UNEXPECTED as problem:
        raise CredentialsError(_unasked(problem)) from None
    return session


def _unasked(problem: Exception) -> str:
    return f"AWS cannot be asked who you are: {problem} {advice(str(problem))}".strip()


def _why_none(environ: Mapping[str, str]) -> str:
    """Say which file is not there, or what the file of credentials has in place of a key."""
    said = [
        f"{name} names {environ[name]}, which is not there."
        for name in FILES
        if environ.get(name) and not _file(name, environ).exists()
    ]
    file, profile = _file("AWS_SHARED_CREDENTIALS_FILE", environ), _profile(environ)
    if file.is_file():
        sections = {
            found[1]: number
            for number, line in enumerate(_decoded(file).splitlines(), 1)
            if (found := re.match(r"\[(.+)\]", line))
        }
        alike = [name for name in sections if name.split()[-1:] == [profile]]
        alike += [name for name in sections if name.strip().lower() == profile]
        if profile in sections:
            said.append(f"{file}, line {sections[profile]}: no 'aws_access_key_id = ...' follows.")
        elif alike:
            said.append(f"{file}, line {sections[alike[0]]}: write '[{profile}]' there.")
        else:
            said.append(f"{file} has no '[{profile}]'.")
    return " ".join(["", *said])


def _file(name: str, environ: Mapping[str, str]) -> Path:
    return Path(os.path.expanduser(environ.get(name) or FILES[name]))  # noqa: PTH111 # as botocore: an unknown user is no error


def _profile(environ: Mapping[str, str]) -> str:
    return environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"


def read_files(environ: Mapping[str, str]) -> None:
    """Look at the files and variables of the credentials before botocore stumbles over them.

    Raises:
        CredentialsError: names the file, the line, and what is wrong with it.
    """
    for name in VALUES:
        if not _KEY.fullmatch(environ.get(name, "")):
            raise CredentialsError(f"{name} has {_NO_KEY}")
    given = {name: environ[name] for name in VALUES if environ.get(name)}
    if _lacks_token(given):
        raise CredentialsError(f"AWS_SESSION_TOKEN is missing: {_HAS_THREE}")
    for name, value in environ.items():
        if name.startswith(_ENDPOINT) and value and not _ADDRESS.fullmatch(value):
            raise CredentialsError(f"{name} is {value!r}: {_NO_ADDRESS}")
    for name in FILES:
        file = _file(name, environ)
        if not file.is_file():
            continue
        try:
            _read(file, environ)
        except OSError as problem:
            raise CredentialsError(f"{file} cannot be read: {problem.strerror}.") from None


_NO_KEY = "a blank, a quotation mark or another character that no key has: copy it again."
_NO_ADDRESS = "an address begins with http:// or https://."
_HAS_THREE = "a key that begins with ASIA is a temporary one, so copy all three lines."


def _lacks_token(keys: Mapping[str, str]) -> bool:
    is_temporary = keys.get("AWS_ACCESS_KEY_ID", "").startswith(TEMPORARY)
    return is_temporary and not any(name in keys for name in TOKENS)


def _wrong(file: Path, number: int, what: str) -> CredentialsError:
    return CredentialsError(f"{file}, line {number}: {what}")


def _decoded(file: Path) -> str:
    raw = file.read_bytes()
    if raw.startswith(_UTF16):
        raise _wrong(file, 1, "it is UTF-16: save it as plain text, UTF-8.")
    if raw.startswith(_UTF8_MARK):
        raise _wrong(
            file,
            1,
            "it begins with a byte order mark, with which '[default]' is not found: save it as "
            "UTF-8 without one.",
        )
    try:
        return raw.decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as problem:
        number = raw[: problem.start].count(b"\n") + 1
        raise _wrong(file, number, "it is no UTF-8.") from None


def _parsed(file: Path, text: str) -> configparser.RawConfigParser:
    parser: configparser.RawConfigParser
    parser = configparser.RawConfigParser(default_section=None)  # type: ignore[call-overload] # as botocore
    try:
        parser.read_string(text)
    except configparser.MissingSectionHeaderError as problem:
        raise _wrong(
            file,
            problem.lineno,
            "no section stands above it: write '[default]' in a line of its own before the keys.",
        ) from None
    except configparser.DuplicateSectionError as problem:
        raise _wrong(
            file, problem.lineno or 1, f"[{problem.section}] stands above already."
        ) from None
    except configparser.DuplicateOptionError as problem:
        raise _wrong(
            file, problem.lineno or 1, f"[{problem.section}] has {problem.option} already."
        ) from None
    except configparser.ParsingError as problem:
        raise _wrong(
            file, problem.errors[0][0], "it is neither a [section] nor 'name = value'."
        ) from None
    return parser


def _read(file: Path, environ: Mapping[str, str]) -> None:
    text = _decoded(file)
    parser = _parsed(file, text)
    _check_addresses(file, text, parser, _profile(environ))
    if environ.get("AWS_ACCESS_KEY_ID"):
        return  # those of the environment are used
    profile = _profile(environ)
    for section in (profile, f"profile {profile}"):
        keys = {
            name: value
            for name in VALUES
            if (value := parser.get(section, name.lower(), fallback=""))
        }
        for name, value in keys.items():
            if not _KEY.fullmatch(value):
                raise _wrong(file, _line(text, section, name), f"{name.lower()} has {_NO_KEY}")
        if _lacks_token(keys):
            number = _line(text, section, "AWS_ACCESS_KEY_ID")
            raise _wrong(file, number, f"aws_session_token is missing: {_HAS_THREE}")


def _check_addresses(
    file: Path, text: str, parser: configparser.RawConfigParser, profile: str
) -> None:
    """Look at the addresses that a profile gives, of all services or below the name of one."""
    sections = [profile, f"profile {profile}"]
    services = {parser.get(section, "services", fallback="") for section in sections}
    for section in (*sections, *(f"services {name}" for name in services if name)):
        for number, line in _lines(text, section):
            found = re.match(r"\s*endpoint_url\s*=\s*(.*)", line)
            if found and not _ADDRESS.fullmatch(found[1].strip()):
                raise _wrong(file, number, f"endpoint_url is {found[1].strip()!r}: {_NO_ADDRESS}")


def _line(text: str, section: str, name: str) -> int:
    """Return the number of the line in which a section names something."""
    for number, line in _lines(text, section):
        if re.match(rf"\s*{name}\s*[=:]", line, re.IGNORECASE):
            return number
    return 1


def _lines(text: str, section: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a section, with their numbers."""
    here = ""
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"\[(.+)\]", line):
            here = found[1]
        elif here == section:
            yield number, line
