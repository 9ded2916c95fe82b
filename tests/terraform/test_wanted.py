"""What a deployment is to be: what is asked for now, and else what it was made with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from carscribe import deploy, deployment, inputs, preflight, provision, quota
from carscribe.deployment import DeploymentError
from carscribe.options import Options
from carscribe.steps import Steps
from tests.terraform.deployments import ROOT

if TYPE_CHECKING:
    from pathlib import Path


class Target:
    """A target that is asked nothing."""

    name, is_paid = "local", False
    said = quota.documented("us-east-1")

    def quota(self, region: str) -> quota.Quota:
        """Return what a test has it say."""
        del region
        return self.said

    def surroundings(self) -> dict[str, str]:
        """Return this process's environment."""
        return dict(os.environ)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the declarations and two images."""
    folder = tmp_path / "checkout"
    (folder / "terraform").mkdir(parents=True)
    for name in ("variables.tf", "locals.tf"):
        shutil.copy(ROOT / "terraform" / name, folder / "terraform")
    for where, names in (("images", "12"), ("photos", "13")):
        (folder / where).mkdir()
        for name in names:
            (folder / where / f"{name}.jpg").write_bytes(b"x")
    for module in (provision, preflight):
        monkeypatch.setattr(module, "CHECKOUT", folder)
        monkeypatch.setattr(module, "BUILD", folder / "build")
    monkeypatch.setattr(provision, "CONFIGURATION", folder / "terraform")
    monkeypatch.setattr(provision, "KEY", folder / "build" / "ssh" / "id_ed25519")
    (folder / "build" / "local").mkdir(parents=True)
    for name in [name for name in os.environ if name.startswith("TF_")]:
        monkeypatch.delenv(name)
    return folder


def remember(checkout: Path, **known: object) -> None:
    """Write down what the last apply was given."""
    file = checkout / "build" / "local" / "inputs.json"
    file.write_text(json.dumps({"arguments": [], "environment": {}, **known}))


def wanted(**asked: object) -> preflight.Wanted:
    """Return what the deployment is to be."""
    return preflight.Wanted(Target(), Options(**asked))  # type: ignore[arg-type]


@pytest.mark.usefixtures("checkout")
def test_the_folder_of_the_project_is_the_default() -> None:
    """With no word on images it is that of variables.tf."""
    assert wanted().keys() == {"1.jpg", "2.jpg"}
    assert wanted().arguments() == []


def test_a_plain_up_keeps_the_photographs(checkout: Path) -> None:
    """Images, variables and the environment of the last `up` are those of the next."""
    photos = checkout / "photos"
    given = ["-var=image_prefix=trip/", "-var=name=mine"]
    remember(checkout, images=str(photos), given=given, environment={"TF_VAR_region": "eu-west-1"})
    again = wanted()
    assert again.keys() == {"trip/1.jpg", "trip/3.jpg"}
    assert again.arguments() == [*given, f"-var=images_dir={photos}"]
    assert again.values["region"] == "eu-west-1"
    assert wanted(terraform=["-var=name=other"]).values["name"] == "other"


def test_the_quota_of_the_account_is_used_and_kept(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Service Quotas says; where that is refused, what it said before; what is given wins."""
    rate = "-var=rekognition_rate_per_second"
    assert (wanted().arguments(), wanted().rate) == ([], 50)
    monkeypatch.setattr(Target, "said", quota.Quota(200, quota.APPLIED))
    assert (wanted().arguments(), wanted().rate) == ([f"{rate}=200"], 200)
    remember(checkout, quota=Target.said.written())
    monkeypatch.setattr(Target, "said", quota.documented("us-east-1"))
    again = wanted()
    assert (again.arguments(), again.rate) == ([f"{rate}=200"], 200)
    assert again.quota == quota.Quota(200, quota.APPLIED)
    given = wanted(terraform=[f"{rate}=20"])
    assert (given.arguments(), given.rate, given.quota) == ([f"{rate}=20"], 20, None)


SHOWN = {
    "resource_changes": [
        {"type": kind, "change": {"actions": actions, "before": old, "after": new}}
        for kind, actions, old, new in (
            ("aws_s3_object", ["delete"], {"key": "9.jpg"}, None),
            ("aws_s3_object", ["create"], None, {"key": "3.jpg"}),
            ("aws_s3_object", ["no-op"], {"key": "1.jpg"}, {"key": "1.jpg"}),
            ("aws_instance", ["delete", "create"], {"id": "i-1"}, {}),
            ("aws_ebs_volume", ["create", "delete"], {"id": "vol-1"}, {}),
        )
    ]
}


@pytest.mark.parametrize(
    ("kind", "question"),
    [
        ("aws_s3_object", r"1 images would be removed \(9\.jpg\), and 1 added \(3\.jpg\)\."),
        ("aws_instance", r"The hosts i-1 would be made anew \(their volumes and runs stay\)\."),
        ("aws_ebs_volume", r"The volumes vol-1 would be destroyed, and all runs\."),
    ],
)
def test_what_a_plan_would_take_away_is_asked_about(kind: str, question: str) -> None:
    """Images, hosts and volumes: with nobody to ask nothing is done, with YES=1 it goes on."""
    planned = object.__new__(provision.Plan)
    planned._changes = [one for one in SHOWN["resource_changes"] if one["type"] == kind]
    with pytest.raises(DeploymentError, match=f"{question}.* Nothing was done: YES=1"):
        deploy._ask_about_losses(planned, Options())
    deploy._ask_about_losses(planned, Options(yes=True))


def test_a_host_that_goes_for_good_is_not_made_anew() -> None:
    """Fewer pairs: the hosts go with their volumes, and the volumes are the question."""
    planned = object.__new__(provision.Plan)
    changes = [("aws_instance", "i-2"), ("aws_ebs_volume", "vol-2")]
    planned._changes = [
        {"type": kind, "change": {"actions": ["delete"], "before": {"id": name}, "after": None}}
        for kind, name in changes
    ]
    with pytest.raises(DeploymentError, match=r"^The volumes vol-2 would be destroyed"):
        deploy._ask_about_losses(planned, Options())
    planned._changes.pop()
    deploy._ask_about_losses(planned, Options())


def test_another_key_is_told_with_where_the_first_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second machine's fresh key would make the hosts anew: the key they have is looked for."""
    monkeypatch.setenv("HOME", str(tmp_path))
    made_with = make_key(tmp_path / "elsewhere" / "id_ed25519")
    planned = object.__new__(provision.Plan)
    planned._changes = [
        {"type": kind, "change": {"actions": ["delete", "create"], "before": old, "after": {}}}
        for kind, old in (("aws_instance", {"id": "i-1"}), ("aws_key_pair", made_with))
    ]
    shown = ["ssh-keygen", "-lf", str(tmp_path / "elsewhere" / "id_ed25519.pub")]
    printed = subprocess.run(shown, check=True, capture_output=True, text=True).stdout.split()[1]
    with pytest.raises(DeploymentError) as refused:
        deploy._ask_about_losses(planned, Options())
    said = str(refused.value)
    assert f"made with another SSH key than this checkout has ({printed}): copy " in said
    assert "build/ssh from the checkout that made them" in said
    (tmp_path / "elsewhere").rename(tmp_path / ".ssh")
    with pytest.raises(DeploymentError) as refused:
        deploy._ask_about_losses(planned, Options())
    assert f"-var=ssh_private_key_file={tmp_path}/.ssh/id_ed25519 " in str(refused.value)


def make_key(file: Path) -> dict[str, str]:
    """Make a key pair; return it as a state has it, whose comment EC2 does not keep."""
    inputs.make_key(file)
    kind, body, _ = file.with_suffix(".pub").read_text().split()
    return {"public_key": f"{kind} {body}"}


BROKEN_OFF = [
    {
        "type": kind,
        "action_reason": "replace_because_tainted",
        "change": {"actions": ["delete", "create"], "before": {"id": name}, "after": {}},
    }
    for kind, name in (("aws_instance", "i-1"), ("aws_ebs_volume", "vol-1"))
]
INVENTORY = """all:
  vars: {carscribe_bucket: b, carscribe_region: us-east-1, ansible_user: u, ansible_ssh_private_key_file: k}
  children:
    worker_a: {hosts: {worker-a: {ansible_host: 127.0.0.2, carscribe_volume_id: vol-1,
      ansible_ssh_common_args: -o HostKeyAlias=i-1}}}
    worker_b: {hosts: {worker-b: {ansible_host: 127.0.0.3, carscribe_volume_id: vol-2,
      ansible_ssh_common_args: -o HostKeyAlias=i-2}}}
"""


@pytest.mark.parametrize(
    ("inventory", "fetched"), [(None, []), (INVENTORY, [["a"]]), ("all: damaged", [])]
)
def test_what_an_up_that_was_broken_off_left_half_made_is_no_question(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    inventory: str | None,
    fetched: list[list[str]],
) -> None:
    """Nobody has used it where no inventory has named it; else it may hold runs."""
    taken: list[list[str]] = []
    monkeypatch.setattr(deploy, "BUILD", tmp_path)
    monkeypatch.setattr(deploy, "hosts", lambda: deployment.hosts(tmp_path))
    monkeypatch.setattr(deploy, "_save_runs", lambda _, __, names: taken.append(names))
    planned = object.__new__(provision.Plan)
    planned._changes = list(BROKEN_OFF)
    steps = Steps("up", verbose=False, folder=tmp_path)
    if inventory is None:
        deploy._save_what_goes(steps, planned, Options())
        deploy._ask_about_losses(planned, Options())
        return
    (tmp_path / "inventory.yml").write_text(inventory)
    with (
        pytest.raises(DeploymentError, match="is lost or damaged") if not fetched else nullcontext()
    ):
        deploy._save_what_goes(steps, planned, Options())
    assert taken == fetched
    with pytest.raises(DeploymentError, match=r"^The volumes vol-1 would be destroyed"):
        deploy._ask_about_losses(planned, Options())
    planned._changes.pop()
    with pytest.raises(DeploymentError, match=r"^The hosts i-1 would be made anew"):
        deploy._ask_about_losses(planned, Options())


def test_a_plan_that_takes_nothing_away_asks_nothing() -> None:
    """What is made or stays is no question."""
    planned = object.__new__(provision.Plan)
    planned._changes = [SHOWN["resource_changes"][number] for number in (1, 2)]
    deploy._ask_about_losses(planned, Options())


def test_links_out_of_the_folder_and_pipes_are_not_uploaded(checkout: Path) -> None:
    """Terraform gets a folder of links to the pictures alone; what is passed over is named."""
    photos = checkout / "photos"
    (checkout / "secret.jpg").write_bytes(b"secret")
    (photos / "secret.jpg").symlink_to(checkout / "secret.jpg")
    (photos / "linked").symlink_to(checkout / "images")
    os.mkfifo(photos / "pipe.jpg")
    found = wanted(images=photos)
    [argument] = found.arguments()
    staged = checkout / "build" / "local" / "images"
    assert argument == f"-var=images_dir={staged}"
    assert sorted(path.name for path in staged.iterdir()) == ["1.jpg", "3.jpg"]
    assert "secret.jpg" in str(found.found)
    assert "pipe.jpg" in str(found.found)


@pytest.mark.parametrize("name", ['say "so"', "100%", "$HOME", "back\\slash"])
def test_a_checkout_that_ssh_would_not_find_is_refused(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Where OpenSSH reads something else into a path, one sentence says so before anything is made."""
    monkeypatch.setattr(preflight, "CHECKOUT", checkout / name)
    with pytest.raises(DeploymentError, match=r"OpenSSH takes no .* in the names of its files"):
        wanted()


@pytest.mark.parametrize("name", ["it's mine", "my projects", "Überfahrt", "x" * 200])
def test_a_checkout_with_another_name(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Blanks, quotes, other letters and length are no obstacle to Terraform's console."""
    moved = checkout.rename(checkout.with_name(name))
    for module in (provision, preflight):
        monkeypatch.setattr(module, "CHECKOUT", moved)
        monkeypatch.setattr(module, "BUILD", moved / "build")
    monkeypatch.setattr(provision, "CONFIGURATION", moved / "terraform")
    monkeypatch.setattr(provision, "KEY", moved / "build" / "ssh" / "id_ed25519")
    assert wanted().keys() == {"1.jpg", "2.jpg"}


@pytest.mark.usefixtures("checkout")
def test_an_inventory_that_nobody_would_find_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hosts would be made, and then every command would say that there are none."""
    monkeypatch.setenv("TF_VAR_inventory_file", "/another/project/hosts.yml")
    with pytest.raises(DeploymentError, match=r"^inventory_file is '/another/project/hosts.yml'"):
        wanted()
    wanted(terraform=["-var=inventory_file=../build/inventory.yml"])


@pytest.mark.parametrize(
    "known",
    ["{", "[]", "{}", "[" * 10_000, '"given": 7', '"images": 7', '"quota": "x"', '"lab": "no"'],
)
def test_a_damaged_memory_is_named(checkout: Path, known: str) -> None:
    """A file of build/ that is junk is named with the way out; nothing is guessed."""
    text = f'{{"arguments": [], "environment": {{}}, {known}}}' if ":" in known else known
    (checkout / "build" / "local" / "inputs.json").write_text(text)
    with pytest.raises(DeploymentError, match=r"inputs\.json is damaged, which says what"):
        wanted()
