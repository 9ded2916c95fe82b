"""AWS and this machine: each is reached, and the other never."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from carscribe import capacity, deploy, doctor, options, playbooks, provision, targets

if TYPE_CHECKING:
    from pathlib import Path

EMULATOR = {
    "AWS_ACCESS_KEY_ID": "carscribe",
    "AWS_SECRET_ACCESS_KEY": "carscribe",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}
ACCOUNT_S = ("TF_VAR_existing_key_pair", "TF_VAR_region")
HOSTILE = {
    "AWS_PROFILE": "nowhere",
    "AWS_CONFIG_FILE": "/nowhere/config",
    "AWS_CA_BUNDLE": "/nowhere/ca",
    "AWS_ENDPOINT_URL": "https://elsewhere.example.org",
    "AWS_ENDPOINT_URL_S3": "https://elsewhere.example.org",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "TF_VAR_existing_key_pair": "mine",
    "TF_VAR_region": "eu-west-1",
    "TF_VAR_vpc_cidr": "10.9.0.0/16",
    "HTTP_PROXY": "http://proxy.example.org:1",
    "NO_PROXY": "example.org",
    "ANSIBLE_CONFIG": "/nowhere/ansible.cfg",
    "ANSIBLE_INVENTORY": "/nowhere/hosts",
    "ANSIBLE_STRATEGY": "free",
    "ANSIBLE_VAULT_PASSWORD_FILE": "/nowhere/vault",
    "ANSIBLE_STDOUT_CALLBACK": "minimal",
}


@pytest.fixture(autouse=True)
def _hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("service", ["s3", "sqs", "ec2", "iam", "sts"])
def test_a_session_with_the_emulator_reaches_nothing_else(service: str) -> None:
    """The user's profile, endpoints and proxy are not read: another account is never meant."""
    client = targets.EmulatorSession(EMULATOR, None).client(service)
    assert client.meta.endpoint_url == EMULATOR["AWS_ENDPOINT_URL"]
    assert client.meta.config.proxies == {}
    assert client._request_signer._credentials.access_key == "carscribe"
    assert client.meta.region_name == "us-east-1"


def test_programs_for_the_emulator_know_nothing_of_aws() -> None:
    """Nothing of AWS_... is left, and no proxy stands before this machine."""
    surroundings = targets.Local().surroundings()
    assert [name for name in surroundings if name.startswith("AWS_")] == []
    assert {name for name in surroundings if name.startswith("TF_VAR_")} == {"TF_VAR_vpc_cidr"}
    assert surroundings["NO_PROXY"] == "example.org,127.0.0.1,localhost"


def test_what_is_used_is_said_of_the_target() -> None:
    """What speaks of an account on AWS is used there alone."""
    environ = {name: value for name, value in HOSTILE.items() if "ANSIBLE" not in name}
    kept_out = [name for name in HOSTILE if name.startswith(("AWS_ENDPOINT_URL", *ACCOUNT_S))]
    assert options.diversions(environ, targets.Local().surroundings()) == [
        f"Not used: {', '.join(sorted(kept_out))} of your environment.",
        "Used: TF_VAR_vpc_cidr of your environment.",
    ]
    [used] = options.diversions(environ, targets.Aws().surroundings())
    assert used.startswith("Used: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, TF_VAR_existing_key_pair")


def test_another_region_has_no_local_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be made where nobody looks for them, so one line says so before anything is."""
    target = targets.Local()
    done = subprocess.CompletedProcess([], 0, "well", "")
    monkeypatch.setattr(target, "_emulator", lambda *_: done)
    values = {"region": "eu-west-1", "subnet_cidr": "10.9.1.0/24"}
    said = "\n".join(map(str, target.preflight(values, lab=False)))
    assert "✗ region: it is eu-west-1, and the local hosts are in us-east-1: leave it out" in said
    values["region"] = "us-east-1"
    assert not [one for one in target.preflight(values, lab=False) if "region" in str(one)]


def test_aws_is_the_account_that_the_user_chose() -> None:
    """What chooses the account is honoured."""
    assert targets.Aws().environment()["AWS_PROFILE"] == "nowhere"


@pytest.mark.parametrize(("pairs", "looks"), [(1, 0), (2, 1)])
def test_room_is_looked_for_where_there_are_to_be_several_pairs(
    monkeypatch: pytest.MonkeyPatch, pairs: int, looks: int
) -> None:
    """One pair is small enough to be tried; the price is that of all hosts."""
    values = {
        "pairs": pairs,
        "region": "us-east-1",
        "existing_bucket": None,
        "existing_key_pair": None,
        "existing_instance_profile": None,
        "instance_type": "t3.micro",
        "name": "carscribe",
        "result_volume_size_gib": 1,
        "rekognition_rates_elsewhere": {},
        "ami_id": None,
        "ami_parameters": {},
        "tags": {},
    }
    looked: list[dict[str, object]] = []

    def room(_: object, given: dict[str, object], *, lab: bool) -> list[doctor.Finding]:
        assert not lab
        looked.append(given)
        return [doctor.Finding("room")]

    monkeypatch.setattr(doctor, "machine", list)
    monkeypatch.setattr(doctor.Aws, "findings", lambda _: [])
    monkeypatch.setattr(capacity, "findings", room)
    target = targets.Aws()
    monkeypatch.setattr(target, "session", lambda _: None)
    monkeypatch.setattr(doctor.Aws, "__init__", lambda *_, **__: None)
    assert len(list(target.preflight(values, lab=False))) == looks
    assert looked == [values] * looks
    assert f": {2 * pairs} t3.micro, {2 * pairs} public addresses" in target.price(values)


def test_a_private_key_is_looked_for_where_terraform_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From terraform/, wherever the command is said; and at home."""
    monkeypatch.setattr(provision, "CONFIGURATION", tmp_path / "terraform")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert provision.place("../build/key") == tmp_path / "build" / "key"
    assert provision.place("~/key") == tmp_path / "home" / "key"
    monkeypatch.setattr(doctor, "machine", list)
    values = {"ssh_private_key_file": "../build/key"}
    look = targets.Aws().preflight(values, lab=True)
    assert next(iter(look)).what == f"private key {tmp_path}/build/key"


@pytest.mark.parametrize("value", ["C", "POSIX", "xx_XX.UTF-8", ""])
def test_ansible_starts_in_any_locale(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """It ends at once where the locale is not UTF-8, or not installed, whatever a person has set."""
    monkeypatch.setattr(deploy, "target_that_is_up", lambda: "local")
    for name in ("LANG", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", value)
    command = [sys.executable, "-m", "ansible", "playbook", "--version"]
    done = subprocess.run(
        command, env=deploy.ansible_environment(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_ansible_gets_our_configuration_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person has set for another project's Ansible does not reach ours."""
    monkeypatch.setattr(deploy, "target_that_is_up", lambda: "local")
    environment = deploy.ansible_environment()
    assert environment["ANSIBLE_CONFIG"] == str(playbooks.ANSIBLE / "ansible.cfg")
    ours = {"ANSIBLE_CONFIG", "ANSIBLE_HOME", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_SSH_CONTROL_PATH_DIR"}
    assert {name for name in environment if name.startswith("ANSIBLE_")} == ours
    # A socket's address has at most 107 characters, of which ssh needs some 40 for its names.
    assert len(environment["ANSIBLE_SSH_CONTROL_PATH_DIR"]) <= 67
