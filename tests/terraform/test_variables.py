"""What the variables come to: files, environment and arguments, in Terraform's own words."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from carscribe import inputs, options, preflight, provision
from tests.terraform.deployments import ROOT

if TYPE_CHECKING:
    from pathlib import Path

OWN = '-var=ssh_ingress_cidrs=["203.0.113.7/32"]'
KEYS = [
    f"-var=ssh_{kind}_key_file={ROOT}/terraform/tests/files/key{ending}"
    for kind, ending in (("private", ""), ("public", ".pub"))
]


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the declarations and no file of variables, on a machine with an address."""
    for name in ("variables.tf", "locals.tf"):
        (tmp_path / "terraform").mkdir(exist_ok=True)
        shutil.copy(ROOT / "terraform" / name, tmp_path / "terraform")
    monkeypatch.setattr(provision, "CHECKOUT", tmp_path)
    monkeypatch.setattr(provision, "CONFIGURATION", tmp_path / "terraform")
    monkeypatch.setattr(provision, "own_network", lambda: "203.0.113.7/32")
    for name in [name for name in os.environ if name.startswith("TF_")]:
        monkeypatch.delenv(name)
    return tmp_path


def terraform(folder: Path, *, lab: bool = False) -> provision.Terraform:
    """Return Terraform for a deployment on AWS."""
    return provision.Terraform(provision.Deployment("aws", folder / "build" / "aws", lab=lab))


def values(folder: Path, *extra: str, lab: bool = False) -> dict[str, Any]:
    """Return what the variables come to, with keys that are there."""
    return provision.values(terraform(folder, lab=lab), [*KEYS, *extra])


def test_defaults_are_the_configuration_s(checkout: Path) -> None:
    """With no word on anything, each value is the default in variables.tf."""
    found = values(checkout)
    assert found["name"] == "carscribe"
    assert found["region"] == "us-east-1"
    assert found["existing_bucket"] is None
    assert found["rekognition_rate_per_second"] == 50
    assert found["subnet_cidr"] == "10.73.1.0/24"
    assert "ssh_ingress_cidrs" not in found


def test_the_strongest_word_wins(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument goes before the target's file, that before others, the environment comes last."""
    file = checkout / "terraform" / "aws.tfvars"
    file.write_text('# region = "eu-west-2"\n')
    monkeypatch.setenv("TF_VAR_region", "us-east-2")
    assert values(checkout)["region"] == "us-east-2"
    (checkout / "terraform" / "terraform.tfvars").write_text('region = "ca-central-1"\n')
    assert values(checkout)["region"] == "ca-central-1"
    (checkout / "terraform" / "z.auto.tfvars").write_text('region = "eu-central-1"\n')
    assert values(checkout)["region"] == "eu-central-1"
    file.write_text('region = "eu-west-1" # "near"\n')
    assert values(checkout)["region"] == "eu-west-1"
    assert values(checkout, "-var=region=us-west-2", "-parallelism=2")["region"] == "us-west-2"
    assert [path.name for path in checkout.iterdir() if path.name.startswith(".")] == []


def test_a_lab_s_file_comes_after_the_target_s(checkout: Path) -> None:
    """Both files are given, and the lab's wins."""
    folder = checkout / "terraform"
    (folder / "aws.tfvars").write_text('instance_type = "t3.small"\nname = "mine"\n')
    (folder / "learner-lab.tfvars").write_text('instance_type = "t3.nano"\n')
    found = values(checkout, lab=True)
    assert (found["instance_type"], found["name"]) == ("t3.nano", "mine")
    assert provision.arguments_for(terraform(checkout, lab=True), found) == [
        f"-var-file={folder}/aws.tfvars",
        f"-var-file={folder}/learner-lab.tfvars",
        OWN,
    ]


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ("-var=region=mars", r'region is "mars", which has no Rekognition: use one of ap-north'),
        (
            "-var=ssh_private_key_file=nope.pem",
            r'ssh_private_key_file is "nope.pem", and there is no such file: name the private key',
        ),
        ("-var=ssh_ingress_cidrs=[]", r"ssh_ingress_cidrs is empty, so Ansible could not reach"),
        ("-var=no_such=1", r"Value for undeclared variable: A variable named \"no_such\" was"),
    ],
)
def test_a_value_that_is_refused(checkout: Path, extra: str, sentence: str) -> None:
    """The validation's own sentence is said, on one line, though the console ends with 0."""
    with pytest.raises(inputs.UsageError, match=f"^{sentence}") as told:
        values(checkout, extra)
    assert "\n" not in str(told.value)
    assert "variables.tf" not in str(told.value)


def test_what_a_killed_command_left_is_removed(checkout: Path) -> None:
    """A folder of the console that nobody asks in any more goes with the next question."""
    for name, age in ((".console-old", 3600), (".console-new", 0)):
        (checkout / name).mkdir()
        os.utime(checkout / name, (time.time() - age,) * 2)
    values(checkout)
    assert [path.name for path in checkout.glob(".console-*")] == [".console-new"]


def test_a_terraform_that_says_nothing_is_named(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A console that gives no value is one sentence."""
    asked = terraform(checkout)
    monkeypatch.setattr(asked, "binary", "true")
    with pytest.raises(inputs.UsageError, match=r"^true console says nothing\.$"):
        provision.values(asked, KEYS)


def test_ssh_comes_from_this_machine_s_address_by_default(checkout: Path) -> None:
    """With no word on it, SSH is open to the address that this machine is seen from."""
    assert provision.arguments_for(terraform(checkout), values(checkout)) == [OWN]


def test_nobody_is_asked_for_the_address_if_networks_are_given(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, the environment or an argument with networks is enough."""
    monkeypatch.setattr(provision, "own_network", lambda: pytest.fail("asked"))
    given = values(checkout, '-var=ssh_ingress_cidrs=["192.0.2.0/24"]')
    assert provision.arguments_for(terraform(checkout), given) == []
    file = checkout / "terraform" / "aws.tfvars"
    file.write_text('ssh_ingress_cidrs = [\n  # home\n  "192.0.2.0/24",\n]\n')
    assert len(provision.arguments_for(terraform(checkout), values(checkout))) == 1
    file.unlink()
    monkeypatch.setenv("TF_VAR_ssh_ingress_cidrs", '["192.0.2.0/24"]')
    assert provision.arguments_for(terraform(checkout), values(checkout)) == []


def test_what_would_lead_terraform_elsewhere_is_kept_out(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TF_CLI_ARGS and its like do not reach Terraform; variables do."""
    monkeypatch.setenv("TF_CLI_ARGS", "-no-such-option")
    monkeypatch.setenv("TF_WORKSPACE", "elsewhere")
    monkeypatch.setenv("TF_VAR_name", "mine")
    environment = terraform(checkout).environment
    assert {"TF_CLI_ARGS", "TF_WORKSPACE"}.isdisjoint(environment)
    assert values(checkout)["name"] == "mine"
    assert options.diversions(os.environ, os.environ) == [
        "Not used: TF_CLI_ARGS, TF_WORKSPACE of your environment.",
        "Used: TF_VAR_name of your environment.",
    ]


def test_where_providers_come_from_is_said(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration of the user's is used where it has a mirror, and said to be, or not to be."""
    mine = tmp_path / "mine.tfrc"
    mine.write_text('plugin_cache_dir = "/nowhere"\n')
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(mine))
    own = terraform(checkout).environment["TF_CLI_CONFIG_FILE"]
    assert own != str(mine)
    assert options.diversions(os.environ, os.environ) == [
        "Not used: TF_CLI_CONFIG_FILE of your environment."
    ]
    mine.write_text("provider_installation {\n  direct {}\n}\n")
    monkeypatch.setenv("TF_PLUGIN_CACHE_DIR", "/nowhere")
    assert terraform(checkout).environment["TF_CLI_CONFIG_FILE"] == str(mine)
    assert options.diversions(os.environ, os.environ) == [
        "Used: TF_CLI_CONFIG_FILE, TF_PLUGIN_CACHE_DIR of your environment."
    ]
    with pytest.raises(inputs.UsageError) as told:
        values(checkout)
    assert "The specified plugin cache dir /nowhere cannot be opened" in str(told.value)
    assert "existing_bucket" not in str(told.value), "the value was printed all the same"


def test_a_variable_in_two_words_is_one_argument() -> None:
    """`-var NAME=VALUE` is understood as Terraform does."""
    assert options.joined(["-var", "a=1", "--", "-parallelism=2", "-var-file", "b"]) == [
        "-var=a=1",
        "-parallelism=2",
        "-var-file=b",
    ]


def test_what_was_given_before_stays() -> None:
    """A variable that is not named again keeps its value; one that is named has the new one."""
    before = ["-var=region=eu-west-1", "-var=name=mine", "-var-file=x"]
    assert preflight.merged(before, ["-var", "name=other", "-replace=a"]) == [
        "-var=region=eu-west-1",
        "-var-file=x",
        "-var=name=other",
        "-replace=a",
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
