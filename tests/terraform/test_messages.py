"""What goes wrong before anything is made is told in one sentence."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from carscribe import inputs, provision, tool
from tests.terraform.deployments import ROOT, Deployment, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.terraform.conftest import World

NO_PERMISSION, NOT_CONFIGURED = 77, 78
NOBODY = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


def ask(tmp_path: Path, command: str = "plan", **variables: str) -> tuple[int, str]:
    """Run a command with this environment alone; return its exit code and all that it said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "carscribe", "terraform", command, "--state-dir", str(tmp_path)],
        cwd=ROOT,
        env={**kept, **NOBODY, **variables},
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


def fake_terraform(folder: Path, said: str) -> dict[str, str]:
    """Return an environment in which terraform says this of its version."""
    script = folder / "terraform"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_no_terraform(tmp_path: Path) -> None:
    """Without terraform the sentence says which version to install, and from where."""
    code, said = ask(tmp_path, PATH=str(tmp_path))
    assert code == NOT_CONFIGURED
    assert said.startswith(
        "There is no terraform on this machine: "
        "install 1.11 or later, https://developer.hashicorp.com/terraform/install\n"
    )


@pytest.mark.parametrize(
    ("release", "line"),
    [
        ("ID=debian\n", "sudo apt-get install terraform"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "sudo apt-get install terraform"),
        ("ID=fedora\n", "rpm.releases.hashicorp.com/fedora/"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "rpm.releases.hashicorp.com/RHEL/"),
        ('ID="amzn"\nID_LIKE="fedora"\n', "rpm.releases.hashicorp.com/AmazonLinux/"),
    ],
)
def test_the_lines_to_type_are_this_system_s(tmp_path: Path, release: str, line: str) -> None:
    """Where HashiCorp has packages, the lines that install them are shown."""
    (tmp_path / "os-release").write_text(release)
    assert line in tool.how_to_install(tmp_path / "os-release", "linux")


def test_a_system_without_packages(tmp_path: Path) -> None:
    """Elsewhere the page alone is named; on a Mac it is Homebrew's line."""
    assert tool.how_to_install(tmp_path / "none", "linux") == ""
    assert "brew install" in tool.how_to_install(tmp_path / "none", "darwin")


@pytest.mark.parametrize(("version", "is_taken"), [("1.10.9", False), ("1.11.0", True)])
def test_an_old_terraform(tmp_path: Path, version: str, *, is_taken: bool) -> None:
    """Terraform before 1.11 is refused by its number; 1.11 is not."""
    said = json.dumps({"terraform_version": version, "platform": "linux_amd64"})
    code, message = ask(tmp_path, **fake_terraform(tmp_path, said))
    assert (f"is Terraform {version}: install 1.11 or later" not in message) == is_taken
    assert code == (NO_PERMISSION if is_taken else NOT_CONFIGURED)  # credentials come next
    assert message.count("\n") == 1


def test_a_terraform_that_is_none(tmp_path: Path) -> None:
    """A program of that name that says no version is told by its path."""
    code, message = ask(tmp_path, **fake_terraform(tmp_path, "hello"))
    assert code == NOT_CONFIGURED
    assert message.startswith(f"{tmp_path}/terraform does not say its version")


def test_no_provider_where_it_was_said_to_be(tmp_path: Path) -> None:
    """A TERRAFORM_PLUGIN_DIR without the provider is named, with what it should hold."""
    code, message = ask(tmp_path, "init", TERRAFORM_PLUGIN_DIR=str(tmp_path))
    assert code == NOT_CONFIGURED
    assert re.fullmatch(
        r"TERRAFORM_PLUGIN_DIR is .*, which does not hold registry\.terraform\.io/hashicorp/aws "
        r"[\d.]+ for \w+: name the folder that holds 'registry\.terraform\.io'\.\n",
        message,
    )


def test_no_credentials(tmp_path: Path) -> None:
    """Without credentials the sentence says how to get some, for a Learner Lab too."""
    code, message = ask(tmp_path)
    assert code == NO_PERMISSION
    assert message == (
        "There are no AWS credentials: run 'aws configure', or set AWS_PROFILE, or paste what "
        "'AWS Details' of your Learner Lab shows into ~/.aws/credentials.\n"
    )


@pytest.fixture
def refusing_aws() -> Iterator[str]:
    """An AWS that takes all credentials for expired."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = (
                b"<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>"
                b"<Message>The security token included in the request is expired</Message>"
                b"</Error><RequestId>1</RequestId></ErrorResponse>"
            )
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_expired_credentials(tmp_path: Path, refusing_aws: str) -> None:
    """Credentials of a lab session that has ended are told as that."""
    code, message = ask(
        tmp_path,
        AWS_ENDPOINT_URL=refusing_aws,
        AWS_ACCESS_KEY_ID="x",
        AWS_SECRET_ACCESS_KEY="x",
        AWS_SESSION_TOKEN="x",
    )
    assert (code, message) == (
        NO_PERMISSION,
        (
            "Your AWS credentials have expired: log in again, or start your Learner Lab again and "
            "copy what 'AWS Details' shows.\n"
        ),
    )


KEY_FILES = {
    "ssh_public_key_file": "tests/files/key.pub",
    "ssh_private_key_file": "tests/files/key",
}


@pytest.mark.parametrize(
    ("code", "variables", "sentences"),
    [
        (
            NOT_CONFIGURED,
            {"region": "eu-north-1", "ssh_private_key_file": "missing.pem"},
            [
                'region is "eu-north-1", which has no Rekognition: use one of ',
                'ssh_private_key_file is "missing.pem", and there is no such file: name the ',
            ],
        ),
        (
            1,
            {"ami_id": "ami-00000000000000000"},
            ['ami_id is "ami-00000000000000000", and neither your account nor Amazon nor '],
        ),
    ],
)
def test_a_wrong_variable(
    world: World, tmp_path: Path, code: int, variables: dict[str, str], sentences: list[str]
) -> None:
    """A region, a key file, an AMI that is not there: one sentence each, and nothing was made."""
    deployment = Deployment("wrong", tmp_path, world.emulator, {**KEY_FILES, **variables})
    assert deployment.run("apply") == code
    said = " ".join(deployment.said.split())
    for sentence in sentences:
        assert sentence in said, deployment.said
    assert not (tmp_path / "terraform.tfstate").exists()


def test_a_remote_state_is_not_for_the_local_target(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With backend_override.tf in place the local target says to move it away."""
    override = tmp_path / "backend_override.tf"
    override.write_text((ROOT / "terraform" / "backend_override.tf.example").read_text())
    monkeypatch.setattr(provision, "BACKEND_OVERRIDE", override)
    for name, value in environment(world.emulator).items():
        monkeypatch.setenv(name, value)
    deployment = provision.Deployment("local", tmp_path)
    with pytest.raises(inputs.UsageError, match=r"backend_override\.tf keeps the state in S3"):
        provision.Terraform(deployment).initialize()
