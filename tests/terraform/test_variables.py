"""Which variables Terraform gets: files, environment and arguments, and one's own address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe import inputs, provision

if TYPE_CHECKING:
    from pathlib import Path

OWN = '-var=ssh_ingress_cidrs=["203.0.113.7/32"]'


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with no file of variables, on a machine with a known address."""
    monkeypatch.setattr(provision, "CONFIGURATION", tmp_path)
    monkeypatch.setattr(provision, "own_network", lambda: "203.0.113.7/32")
    monkeypatch.delenv("TF_VAR_ssh_ingress_cidrs", raising=False)
    return tmp_path


def of_aws(folder: Path, *, lab: bool = False) -> provision.Deployment:
    """Return a deployment on AWS."""
    return provision.Deployment("aws", folder, lab=lab)


def test_ssh_comes_from_this_machine_s_address_by_default(configuration: Path) -> None:
    """With no word on it, SSH is open to the address that this machine is seen from."""
    assert provision.variables(of_aws(configuration), []) == [OWN]


def test_a_lab_s_file_comes_after_the_target_s(configuration: Path) -> None:
    """Both files are given, and the lab's wins."""
    for name in ("aws", "learner-lab", "local"):
        (configuration / f"{name}.tfvars").write_text("")
    assert provision.variables(of_aws(configuration, lab=True), []) == [
        f"-var-file={configuration}/aws.tfvars",
        f"-var-file={configuration}/learner-lab.tfvars",
        OWN,
    ]


def test_nobody_is_asked_for_the_address_if_networks_are_given(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, the environment or an argument with networks is enough."""
    monkeypatch.setattr(provision, "own_network", lambda: pytest.fail("asked"))
    deployment = of_aws(configuration)
    assert provision.variables(deployment, ['-var=ssh_ingress_cidrs=["192.0.2.0/24"]']) == []
    (configuration / "aws.tfvars").write_text('ssh_ingress_cidrs = ["192.0.2.0/24"]\n')
    assert len(provision.variables(deployment, [])) == 1
    (configuration / "aws.tfvars").unlink()
    monkeypatch.setenv("TF_VAR_ssh_ingress_cidrs", '["192.0.2.0/24"]')
    assert provision.variables(deployment, []) == []


def test_the_strongest_word_wins(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument goes before a file, a file before the environment; a comment is no word."""
    deployment = of_aws(configuration)
    file = configuration / "aws.tfvars"
    file.write_text('# region = "eu-west-2"\n')
    assert provision.given(deployment, [], "region") is None
    monkeypatch.setenv("TF_VAR_region", "us-east-2")
    assert provision.given(deployment, [], "region") == "us-east-2"
    file.write_text('region = "eu-west-1" # near\n')
    assert provision.given(deployment, [], "region") == '"eu-west-1"'
    assert provision.given(deployment, ["-var=region=us-west-2"], "region") == "us-west-2"


def test_a_variable_in_two_words_is_one_argument() -> None:
    """`-var NAME=VALUE` is understood as Terraform does."""
    assert inputs.joined(["-var", "a=1", "-parallelism=2", "-var-file", "b"]) == [
        "-var=a=1",
        "-parallelism=2",
        "-var-file=b",
    ]


def test_a_key_pair_is_made_once(tmp_path: Path) -> None:
    """The private key is the owner's alone, and a second call leaves it as it is."""
    key = tmp_path / "ssh" / "id_ed25519"
    inputs.make_key(key)
    made = key.read_bytes(), key.with_suffix(".pub").read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    assert made[1].startswith(b"ssh-ed25519 ")
    inputs.make_key(key)
    assert (key.read_bytes(), key.with_suffix(".pub").read_bytes()) == made
    assert sorted(path.name for path in key.parent.iterdir()) == ["id_ed25519", "id_ed25519.pub"]
