"""Which target is up, and how its hosts are reached."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
import yaml

from carscribe import cli, deployment
from carscribe.deployment import DeploymentError

if TYPE_CHECKING:
    from pathlib import Path

INVENTORY = {
    "all": {
        "vars": {
            "ansible_user": "admin",
            "ansible_ssh_private_key_file": "/keys/id",
            "carscribe_bucket": "photos",
            "carscribe_region": "us-east-1",
        },
        "children": {
            f"worker_{name}": {
                "hosts": {
                    f"worker-{name}": {
                        "ansible_host": f"192.0.2.{number}",
                        "ansible_ssh_common_args": "-o 'UserKnownHostsFile=\"/a b/known\"'",
                    }
                }
            }
            for number, name in enumerate("ab", 1)
        },
    }
}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build folder with an inventory."""
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(INVENTORY))
    return tmp_path


def test_aws_is_the_default(tmp_path: Path) -> None:
    """Where nothing is up and nothing is named, the target is AWS."""
    assert deployment.choose_target("", tmp_path) == "aws"


def test_what_is_up_stays_the_target(tmp_path: Path) -> None:
    """`make up` without TARGET mends what is up."""
    deployment.remember_target("local", tmp_path)
    assert deployment.choose_target("", tmp_path) == "local"
    assert deployment.choose_target("local", tmp_path) == "local"


def test_the_other_target_is_refused(tmp_path: Path) -> None:
    """Only one target can be up in a checkout; the message names it and the way out."""
    deployment.remember_target("local", tmp_path)
    with pytest.raises(DeploymentError, match=r"TARGET=local is up .* `make down`"):
        deployment.choose_target("aws", tmp_path)


def test_a_damaged_word_on_the_target_is_no_aws(tmp_path: Path) -> None:
    """Junk in build/target is named with the way out: a plain `make up` does not go and pay."""
    (tmp_path / "target").write_text("lo\0cal")
    for ask in (deployment.target_that_is_up, lambda build: deployment.choose_target("", build)):
        with pytest.raises(DeploymentError, match=r"target holds .*: write aws or local into it"):
            ask(tmp_path)


@pytest.mark.parametrize(
    "made", ["aws/inputs.json", "aws/terraform.tfstate", "local/emulator.json"]
)
def test_a_lost_word_on_the_target_is_not_nothing(tmp_path: Path, made: str) -> None:
    """After a killed `up`, say: nothing is guessed towards what costs, nor called not there."""
    target, other = ("aws", "local") if made.startswith("aws") else ("local", "aws")
    (tmp_path / made).parent.mkdir()
    (tmp_path / made).touch()
    said = rf"target is missing.*`make up TARGET={target}` goes on with it, `make down` removes"
    with pytest.raises(DeploymentError, match=said):
        deployment.target_that_is_up(tmp_path)
    for wanted in ("", other):
        with pytest.raises(DeploymentError, match=said):
            deployment.choose_target(wanted, tmp_path)
    with pytest.raises(DeploymentError, match=said):
        deployment.hosts(tmp_path)
    assert deployment.choose_target(target, tmp_path) == target


def test_a_look_alone_makes_nothing(tmp_path: Path) -> None:
    """`make plan` leaves Terraform's own folder, and nothing is up."""
    (tmp_path / "aws" / "terraform-data").mkdir(parents=True)
    assert deployment.target_that_is_up(tmp_path) is None


@pytest.mark.parametrize(
    "text", ["", "[", "all: 1", "all: {children: {}}", "\0", "all:\n  vars: x", "[" * 10_000]
)
def test_a_damaged_inventory_is_named(tmp_path: Path, text: str) -> None:
    """An emptied or junk inventory is one sentence with the way out."""
    (tmp_path / "inventory.yml").write_text(text)
    with pytest.raises(DeploymentError, match=r"inventory\.yml is damaged.*`make up` writes it"):
        deployment.hosts(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ansible_ssh_common_args", "-o 'UserKnownHostsFile"),
        ("ansible_ssh_common_args", None),
        ("ansible_host", None),
        ("carscribe_region", None),
    ],
)
def test_an_inventory_that_lacks_something_is_damaged(
    tmp_path: Path, name: str, value: str | None
) -> None:
    """Whoever has cut a line out of it is not left with half of what a command needs."""
    lines = yaml.safe_dump(INVENTORY).splitlines()
    kept = [line for line in lines if not line.strip().startswith(f"{name}:")]
    if value is not None:
        kept = [
            f"{line.partition(name)[0]}{name}: {json.dumps(value)}" if name in line else line
            for line in lines
        ]
    (tmp_path / "inventory.yml").write_text("\n".join(kept))
    with pytest.raises(DeploymentError, match=r"inventory\.yml is damaged.*`make up` writes it"):
        deployment.hosts(tmp_path)


def test_an_unknown_target_is_refused(tmp_path: Path) -> None:
    """A misspelt target is no default."""
    with pytest.raises(DeploymentError, match="must be aws or local"):
        deployment.choose_target("azure", tmp_path)


def test_a_command_that_is_killed_leaves_no_half_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is up, and what it was made with, is written beside and then put in place."""
    deployment.remember_target("aws", tmp_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        deployment.remember_target("local", tmp_path)
    assert deployment.target_that_is_up(tmp_path) == "aws"


def test_a_forgotten_target_is_not_up(tmp_path: Path) -> None:
    """After `make down` nothing is up."""
    deployment.remember_target("aws", tmp_path)
    deployment.remember_target(None, tmp_path)
    assert deployment.target_that_is_up(tmp_path) is None


def test_hosts_are_those_of_the_inventory(build: Path) -> None:
    """SSH gets the address, user, key and arguments that Terraform wrote, each in one piece."""
    command = deployment.hosts(build)["b"].ssh("echo", "a b")
    assert command[-2:] == ["admin@192.0.2.2", "echo 'a b'"]
    assert "/keys/id" in command
    assert 'UserKnownHostsFile="/a b/known"' in command


@pytest.fixture
def two_pairs(build: Path) -> Path:
    """A build folder with an inventory of two pairs."""
    inventory = yaml.safe_load((build / "inventory.yml").read_text())
    for group, members in inventory["all"]["children"].items():
        [first] = members["hosts"].values()
        second = first | {"ansible_host": f"{group}-2.example.org", "carscribe_pair": 2}
        members["hosts"][f"{group.replace('_', '-')}-2"] = second
    (build / "inventory.yml").write_text(yaml.safe_dump(inventory))
    return build


def test_hosts_of_several_pairs(two_pairs: Path) -> None:
    """Pair by pair under their short names, each with its own variables and those of all."""
    found = deployment.hosts(two_pairs)
    assert [(host.name, host.worker, host.pair) for host in found.values()] == [
        *(("a", "a", 1), ("b", "b", 1), ("a-2", "a", 2), ("b-2", "b", 2)),
    ]
    assert found["b-2"].ssh()[-1] == "admin@worker_b-2.example.org"
    for name in ("a-2", "A-2", "worker-a-2", "worker_a_2"):
        assert deployment.choose_hosts(name, two_pairs) == [found["a-2"]]
    assert deployment.choose_hosts("", two_pairs) == list(found.values())
    with pytest.raises(DeploymentError, match=r"^HOST is 'a-3': it must be a, b, a-2 or b-2\.$"):
        deployment.choose_hosts("a-3", two_pairs)


@pytest.mark.parametrize("lost", ["worker_a", "worker_b"])
def test_half_a_pair_is_a_damaged_inventory(two_pairs: Path, lost: str) -> None:
    """A host whose partner is missing is not left out in silence."""
    inventory = yaml.safe_load((two_pairs / "inventory.yml").read_text())
    inventory["all"]["children"][lost]["hosts"].popitem()
    (two_pairs / "inventory.yml").write_text(yaml.safe_dump(inventory))
    with pytest.raises(DeploymentError, match=r"inventory\.yml is damaged"):
        deployment.hosts(two_pairs)


def test_what_was_begun_is_not_called_nothing(tmp_path: Path) -> None:
    """An `up` that failed before the hosts were there has made something all the same."""
    deployment.remember_target("aws", tmp_path)
    with pytest.raises(DeploymentError, match=r"TARGET=aws was begun here.*`make down` removes"):
        deployment.hosts(tmp_path)


def test_no_inventory_says_what_to_do(tmp_path: Path) -> None:
    """Without an inventory nothing is up, and the message says how to change that."""
    with pytest.raises(DeploymentError, match="Nothing is up here: `make up`"):
        deployment.hosts(tmp_path)


@pytest.mark.parametrize("name", ["a", "A", "worker-a", "worker_a"])
def test_a_host_has_several_names(build: Path, name: str) -> None:
    """HOST may be the worker's letter or the host's name."""
    assert [host.worker for host in deployment.choose_hosts(name, build)] == ["a"]


def test_no_name_means_both_hosts(build: Path) -> None:
    """Without HOST both are meant."""
    assert [host.worker for host in deployment.choose_hosts("", build)] == ["a", "b"]


def test_an_unknown_host_is_refused(build: Path) -> None:
    """A host that is neither a nor b is refused."""
    with pytest.raises(DeploymentError, match="must be a or b"):
        deployment.choose_hosts("c", build)


@pytest.mark.parametrize("before", [None, 0o755])
def test_what_a_deployment_keeps_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int | None
) -> None:
    """Logs, state and keys lie in build/, pictures and texts in results/: nobody else enters."""
    folders = {"BUILD": tmp_path / "build", "RESULTS": tmp_path / "results"}
    for name, folder in folders.items():
        monkeypatch.setattr(cli, name, folder)
        if before is not None:
            folder.mkdir(before)
    monkeypatch.setitem(cli.COMMANDS, "verify", cli.Command(lambda _: 0, (), "do nothing"))
    assert cli.main(["verify"]) == 0
    for folder in folders.values():
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
