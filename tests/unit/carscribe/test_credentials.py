"""Files of credentials as people save them, and what is said of each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from carscribe import credentials
from carscribe.credentials import CredentialsError, check_credentials

if TYPE_CHECKING:
    from pathlib import Path

KEYS = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n"
WELL = f"[default]\n{KEYS}"


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
        (f"{WELL}oops\n".encode(), 4, "neither a [section] nor 'name = value'"),
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


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_file_that_is_right(file: Path, ends: str) -> None:
    """Windows' line ends, comments and blanks are no fault."""
    file.write_text(f"; mine\n\n[default] # here\n{KEYS}", newline=ends)
    credentials.read_files(os.environ)


def test_an_unknown_profile(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that is not there is named, with what shows the others."""
    file.write_text(WELL)
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(
        CredentialsError, match=r"There is no AWS profile 'nowhere', which AWS_PROF"
    ):
        check_credentials()


def test_an_endpoint_without_a_scheme(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that is none is named with its variable."""
    file.write_text(WELL)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:4566")
    with pytest.raises(CredentialsError, match=r"^AWS_ENDPOINT_URL is 'localhost:4566': an addr"):
        check_credentials()


def test_half_of_the_credentials(file: Path) -> None:
    """A key without its secret is told as that."""
    file.write_text("[default]\naws_access_key_id = AKIAEXAMPLE\n")
    with pytest.raises(CredentialsError, match=r"^Half of the AWS credentials is missing"):
        check_credentials()


def test_a_value_with_a_line_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that was pasted with its line end is named."""
    file.write_text(WELL)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x\r")
    with pytest.raises(CredentialsError, match=r"^AWS_SECRET_ACCESS_KEY begins or ends with"):
        check_credentials()


def test_nobody(file: Path) -> None:
    """Without any file the sentence says how to get credentials."""
    assert not file.exists()
    with pytest.raises(CredentialsError, match="There are no AWS credentials") as told:
        check_credentials()
    assert told.value.are_missing
