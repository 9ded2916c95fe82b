"""Files of credentials as people save them, and what is said of each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import BotoCoreError

from carscribe import credentials
from carscribe.credentials import CredentialsError, check_credentials

if TYPE_CHECKING:
    from pathlib import Path

KEYS = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n"
WELL = f"[default]\n{KEYS}"
EXPIRED = (
    '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", '
    '"Expiration": "2020-01-01T00:00:00Z"}'
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file of credentials, and nothing else that names any."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "credentials"


@pytest.mark.parametrize(
    ("raw", "line", "said"),
    [
        (KEYS.encode(), 1, "no section stands above it: write '[default]'"),
        (f"# mine\n\n{KEYS}".encode(), 3, "no section stands above it"),
        (WELL.encode("utf-8-sig"), 1, "byte order mark"),
        (WELL.encode("utf-16"), 1, "it is UTF-16"),
        (KEYS.replace("\n", "\r\n").encode(), 1, "no section stands above it"),
        (f"# mine\n{KEYS}".replace("\n", "\r").encode(), 2, "no section stands above it"),
        (f"[default\n{KEYS}".encode(), 1, "no section stands above it"),
        (f"{WELL}oops\n".encode(), 4, "neither a [section] nor 'name = value'"),
        (f"{WELL}= x\n".encode(), 4, "neither a [section] nor 'name = value'"),
        (f"{WELL}{WELL}".encode(), 4, "[default] stands above already"),
        (f"{WELL}{KEYS}".encode(), 4, "[default] has aws_access_key_id already"),
        (WELL.replace("= x", "= “x”").encode(), 3, "aws_secret_access_key has a blank, a quot"),
        (WELL.replace("= x", "= 'x'").encode(), 3, "aws_secret_access_key has a blank, a quot"),
        (WELL.replace("aws_s", "  aws_s").encode(), 2, "aws_access_key_id has a blank"),
        (f"[work]\n[default]\n{KEYS}".replace("AKIA", "ASIA").encode(), 3, "aws_session_token is"),
        (WELL.encode() + b"# M\xfcnchen\n", 4, "it is no UTF-8"),
    ],
)
def test_a_file_that_is_wrong(file: Path, raw: bytes, line: int, said: str) -> None:
    """The file and the line are named, with what is wrong there."""
    file.write_bytes(raw)
    with pytest.raises(CredentialsError) as told:
        check_credentials()
    assert str(told.value).startswith(f"{file}, line {line}: ")
    assert said in str(told.value)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_file_that_is_right(file: Path, ends: str) -> None:
    """Windows' line ends, comments and blanks are no fault."""
    others = "[work]\naws_access_key_id = ASIA no matter\ns3 =\n  max_concurrent_requests = 2\n"
    file.write_text(f"; mine\n\n[default] # here\n{KEYS}{others}", newline=ends)
    credentials.read_files(os.environ)
    keys = {"AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SESSION_TOKEN": "a/b+c=="}
    credentials.read_files({**os.environ, **keys, "AWS_PROFILE": "work"})


def test_an_unknown_profile(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that is not there is named, with what shows the others."""
    file.write_text(WELL)
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(
        CredentialsError, match=r"There is no AWS profile 'nowhere', which AWS_PROF"
    ):
        check_credentials()


@pytest.mark.parametrize(
    "name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_S3"]
)
def test_an_endpoint_without_a_scheme(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An address that is none is named with its variable, also one of a service asked later."""
    file.write_text(WELL)
    monkeypatch.setenv(name, "localhost:4566")
    with pytest.raises(CredentialsError, match=rf"^{name} is 'localhost:4566': an address begins"):
        credentials.session_of_the_user()
    monkeypatch.setenv(name, "")
    credentials.session_of_the_user()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[default]\nregion = us-east-1\nendpoint_url = localhost:4566\n", 3),
        ("[default]\nservices = mine\n[services mine]\ns3 =\n  endpoint_url = localhost:4566\n", 5),
    ],
)
def test_an_endpoint_in_a_file(file: Path, text: str, line: int) -> None:
    """The file and the line are named."""
    config = file.parent / "config"
    config.write_text(text)
    said = rf"^{config}, line {line}: endpoint_url is 'localhost:4566': an address"
    with pytest.raises(CredentialsError, match=said):
        credentials.session_of_the_user()
    config.write_text(text.replace("[default]", "[profile other]"))
    credentials.session_of_the_user()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[Default]\n" + KEYS, "line 1: write '[default]' there."),
        ("\n[ default ]\n" + KEYS, "line 2: write '[default]' there."),
        ("[profile default]\n" + KEYS, "line 1: write '[default]' there."),
        (
            "[default]\nexport AWS_ACCESS_KEY_ID=AKIAEXAMPLE\n",
            "line 1: no 'aws_access_key_id = ...'",
        ),
        ("[work]\n" + KEYS, " has no '[default]'."),
    ],
)
def test_a_file_in_which_no_key_is_found(file: Path, text: str, said: str) -> None:
    """There are none for botocore, and why is said."""
    file.write_text(text)
    with pytest.raises(CredentialsError, match=r"^There are no AWS credentials") as told:
        check_credentials()
    assert told.value.are_missing
    assert said in str(told.value)


def test_half_of_the_credentials(file: Path) -> None:
    """A key without its secret is told as that."""
    file.write_text("[default]\naws_access_key_id = AKIAEXAMPLE\n")
    with pytest.raises(CredentialsError, match=r"^Half of the AWS credentials is missing"):
        check_credentials()


@pytest.mark.parametrize("value", ["x\r", "x\ny", "x\u00a0", "'x'", "ä"])
def test_a_value_that_is_no_key(file: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A variable that was pasted with more than the key is named."""
    file.write_text(WELL)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", value)
    with pytest.raises(CredentialsError, match=r"^AWS_SECRET_ACCESS_KEY has a blank, a quotation"):
        check_credentials()


def test_a_temporary_key_without_its_token(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told before AWS is asked, which would only say that it does not know the key."""
    assert not file.exists()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with pytest.raises(CredentialsError, match=r"^AWS_SESSION_TOKEN is missing: a key that begins"):
        check_credentials()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("credential_process = /nowhere/program", "No such file or directory"),
        ("credential_process = echo hello", "Expecting value"),
        ("credential_process = echo 'hello", "No closing quotation"),
        (f"credential_process = echo '{EXPIRED}'", "Your AWS credentials have expired"),
        ("role_arn = arn:aws:iam::1:role/x\nsource_profile = nix", 'source_profile "nix"'),
    ],
)
def test_a_configuration_that_leads_nowhere(
    file: Path, monkeypatch: pytest.MonkeyPatch, setting: str, said: str
) -> None:
    """What botocore lets through is a sentence, and no innocent endpoint is blamed."""
    (file.parent / "config").write_text(f"[default]\n{setting}\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for ask in (check_credentials, credentials.session_of_the_user):
        with pytest.raises((CredentialsError, BotoCoreError), match=said) as told:
            ask()
        assert "AWS_ENDPOINT_URL" not in str(told.value)


def test_a_region_that_is_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told in botocore's words."""
    file.write_text(WELL)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us east 1")
    with pytest.raises(CredentialsError, match="region_name 'us east 1' doesn't match"):
        check_credentials()


def test_a_code_that_nobody_can_be_asked_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile with an MFA device is told with the way out."""
    file.write_text(WELL)
    role = "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = default\n"
    device = "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
    (file.parent / "config").write_text(f"[profile admin]\n{role}{device}")
    monkeypatch.setenv("AWS_PROFILE", "admin")
    asked = "botocore.credentials.AssumeRoleCredentialFetcher._assume_role_kwargs"
    monkeypatch.setattr(asked, _no_terminal)
    with pytest.raises(CredentialsError, match="asks for a code of your MFA device"):
        check_credentials()


def _no_terminal(_: object) -> None:
    raise EOFError


@pytest.mark.parametrize("name", ["/nowhere/credentials", "~nobody-here/credentials"])
def test_a_file_that_is_not_there(file: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Where nobody is found, the variable that names no file is told."""
    assert not file.exists()
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", name)
    with pytest.raises(CredentialsError, match=rf"CREDENTIALS_FILE names {name}, which is not t"):
        check_credentials()


def test_nobody(file: Path) -> None:
    """Without any file the sentence says how to get credentials."""
    assert not file.exists()
    with pytest.raises(CredentialsError, match="There are no AWS credentials") as told:
        check_credentials()
    assert told.value.are_missing
