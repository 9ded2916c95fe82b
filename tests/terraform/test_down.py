"""`make down` where the state cannot be read: nothing that is up is ever called gone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from carscribe.inputs import SYSTEM_TEMPORARY
from tests.emulator import Emulator, start
from tests.terraform.checkout import Checkout
from tests.terraform.deployments import all_but

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CANNOT_BE_READ = "Terraform's state cannot be read, so nothing is removed and nothing deleted here"
LENGTHS = 10
CLOSED = "http://127.0.0.1:9"
EXAMPLE = "terraform/backend_override.tf.example"
NO_SUCH_PROFILE = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
ENDED = {
    "AWS_ACCESS_KEY_ID": "ASIAUNKNOWN000000000",
    "AWS_SESSION_TOKEN": "of-a-session-that-has-ended",
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An AWS that no other test forgets."""
    with start(tmp_path_factory.mktemp("aws")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def another_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An AWS of somebody else, in which nothing was made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_ACCOUNT_ID", "999988887777")
        with start(tmp_path_factory.mktemp("another")) as emulator:
            yield emulator


@pytest.fixture(scope="module")
def made(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which an apply made a key pair."""
    checkout = Checkout.copied(tmp_path_factory.mktemp("made"), aws)
    code, said = checkout.python(
        "carscribe",
        "terraform",
        "apply",
        "-target=aws_key_pair.operator",
        '-var=ssh_ingress_cidrs=["203.0.113.7/32"]',
    )
    assert code == 0, said
    (checkout.root / "build" / "target").write_text("aws\n")
    return checkout


@pytest.fixture
def checkout(made: Checkout, tmp_path: Path) -> Checkout:
    """A copy of that checkout, to be broken."""
    root = tmp_path / "checkout"
    shutil.copytree(made.root, root, symlinks=True)
    return Checkout(root, made.emulator)


def cut(length: float) -> Callable[[Checkout], None]:
    """Return what cuts a state off."""

    def damage(checkout: Checkout) -> None:
        text = checkout.state.read_bytes()
        checkout.state.write_bytes(text[: int(len(text) * length)])

    return damage


def newer(checkout: Checkout) -> None:
    """Write the state in a format that is not known yet."""
    state = json.loads(checkout.state.read_text())
    checkout.state.write_text(json.dumps({**state, "version": 5}))


def no_state(checkout: Checkout) -> None:
    """Write JSON that is no state."""
    checkout.state.write_text('{"version": 4, "serial": 3, "resources": {"a": 1}}')


def another_backend(checkout: Checkout) -> None:
    """Move the backend elsewhere after the apply."""
    example = (checkout.root / EXAMPLE).read_text()
    (checkout.root / "terraform" / "backend_override.tf").write_text(example)


def another_backend_and_no_data(checkout: Checkout) -> None:
    """The same, and Terraform's own folder is gone too."""
    another_backend(checkout)
    shutil.rmtree(checkout.state.parent / "terraform-data")


def remote_backend_out_of_reach(checkout: Checkout) -> None:
    """Keep the state in a bucket that is not there, from the beginning."""
    another_backend_and_no_data(checkout)
    checkout.state.unlink()


DAMAGE = (cut(0.3), cut(0.99), newer, no_state, another_backend, another_backend_and_no_data)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_state_that_cannot_be_read(
    checkout: Checkout, damage: Callable[[Checkout], None]
) -> None:
    """One sentence says so; the exit code is not 0, all is up and every file there."""
    damage(checkout)
    before = checkout.files(), checkout.state.read_bytes()
    code, said = checkout.down()
    assert code == 78, said
    assert said.splitlines()[-1].startswith(CANNOT_BE_READ), said
    assert "no reason" not in said
    assert "Traceback" not in said
    assert "gone" not in said.lower()
    assert (checkout.files(), checkout.state.read_bytes()) == before
    assert len(checkout.keys()) == 1


@pytest.mark.parametrize("tenth", range(1, LENGTHS))
def test_a_state_cut_off_anywhere(
    checkout: Checkout, tenth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left of a state is never read as a state in which nothing was made."""
    from carscribe import provision, state  # noqa: PLC0415 # patched below

    cut(tenth / LENGTHS)(checkout)
    monkeypatch.setattr(provision, "CONFIGURATION", checkout.root / "terraform")
    deployment = provision.Deployment("aws", checkout.state.parent)
    with pytest.raises(state.StateError, match=CANNOT_BE_READ):
        provision.Terraform(deployment).known()


def test_a_backend_that_is_not_there(checkout: Checkout) -> None:
    """A state in a bucket that cannot be read is not an empty one."""
    remote_backend_out_of_reach(checkout)
    before = checkout.files()
    code, said = checkout.down()
    assert code == 78, said
    assert "my-terraform-states" in said
    assert "gone" not in said.lower()
    assert checkout.files() == before


@pytest.mark.parametrize("damage", [cut(0), lambda checkout: checkout.state.unlink()])
def test_a_state_that_is_lost(checkout: Checkout, damage: Callable[[Checkout], None]) -> None:
    """AWS is asked where nothing is known: what is up is named, and nothing forgotten."""
    damage(checkout)
    code, said = checkout.down()
    assert code == 1, said
    assert f"key pair {checkout.keys()[0]}" in said
    assert "Gone" not in said
    assert "target" in checkout.files()


@pytest.mark.parametrize("damage", [lambda _: None, cut(0)])
@pytest.mark.parametrize("environment", [NO_SUCH_PROFILE, ENDED, {"AWS_ENDPOINT_URL": CLOSED}])
def test_nobody_to_ask(
    checkout: Checkout, damage: Callable[[Checkout], None], environment: dict[str, str]
) -> None:
    """Without credentials or network nothing is called gone, and nothing forgotten."""
    damage(checkout)
    before = checkout.files()
    code, said = checkout.down(**environment)
    assert code not in {0, 1}, said
    assert "Traceback" not in said
    assert "gone" not in said.lower()
    assert before <= checkout.files() | {"aws/destroy.log"}


@pytest.mark.parametrize("command", ["down", "up", "plan", "terraform destroy"])
def test_credentials_of_another_account(
    checkout: Checkout, another_account: Emulator, command: str
) -> None:
    """What is not there is not gone: both accounts are named, all is up and every file there."""
    before = checkout.files(), checkout.state.read_bytes()
    networks = {"TF_VAR_ssh_ingress_cidrs": '["203.0.113.7/32"]'}
    given = {**another_account.env, **networks}
    code, said = checkout.python("carscribe", *command.split(), **given)
    assert code == 78, said
    assert (
        "This deployment is in account 123456789012, and your credentials are those of account "
        "999988887777: nothing was done."
    ) in said
    assert "Gone" not in said
    assert before[0] <= checkout.files()
    assert checkout.state.read_bytes() == before[1]
    assert len(checkout.keys()) == 1


@pytest.mark.parametrize("command", ["doctor", "up", "record", "down", "status"])
def test_a_file_of_credentials_that_is_wrong(
    checkout: Checkout, command: str, tmp_path: Path
) -> None:
    """Pasted without its section: each command names the file and the line, and nothing is done."""
    file = tmp_path / "credentials"
    file.write_text("aws_access_key_id = x\naws_secret_access_key = y\n")
    given = {**NO_SUCH_PROFILE, "AWS_SHARED_CREDENTIALS_FILE": str(file)}
    if command == "status":  # where nothing was made, AWS is asked
        shutil.rmtree(checkout.root / "build")
    code, said = checkout.python("carscribe", command, **given)
    assert f"{file}, line 1: no section stands above it" in said
    assert "Traceback" not in said
    assert code != 0
    assert len(checkout.keys()) == 1


def test_a_fresh_clone_finds_what_another_checkout_made(checkout: Checkout) -> None:
    """`down` and `status` name each resource with its account, region, and what removes it."""
    shutil.rmtree(checkout.root / "build")
    code, said = checkout.down()
    assert code == 1, said
    lines = said.splitlines()
    assert "In account 123456789012, us-east-1, AWS has of the deployment carscribe:" in lines
    [key] = checkout.keys()
    assert f"  key pair {key}  aws ec2 delete-key-pair --key-name {key}" in lines
    assert "`make down` in the checkout that made them removes them" in lines[-1]
    status, told = checkout.python("carscribe", "status")
    assert (status, lines[-3:]) == (1, told.splitlines()[-3:])
    elsewhere, said = checkout.down(TF_VAR_region="eu-west-1")
    assert (elsewhere, "eu-west-1, is nothing" in said) == (0, True), said


def test_no_region_anywhere(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has set no region gets that of the deployment, also after an `up` that failed halfway."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delitem(checkout.emulator.env, name)
    (checkout.root / "build" / "aws" / "inputs.json").unlink()
    (checkout.root / "photos").mkdir()
    shutil.copy(checkout.root / "images" / "1.jpg", checkout.root / "photos")
    code, said = checkout.python("carscribe", "record", "--images", "photos", "--yes")
    assert "Traceback" not in said, said
    assert (checkout.root / "photos" / "answers" / "1.jpg.json").exists(), said
    code, said = checkout.down()
    assert code == 0, said
    assert "Traceback" not in said
    assert "Removed: 1 key pair." in said


def test_a_plan_shows_changes_and_cost_and_makes_nothing(checkout: Checkout) -> None:
    """`make plan` is what Terraform would do, with the price of it."""
    networks = '["203.0.113.7/32"]'
    code, said = checkout.python("carscribe", "plan", TF_VAR_ssh_ingress_cidrs=networks)
    assert code == 0, said
    assert "An hour costs about $0.033" in said
    assert "aws_instance.worker" in said
    assert " to add, 0 to change, 0 to destroy." in said
    assert checkout.emulator.client("ec2").describe_instances()["Reservations"] == []


def test_a_fresh_clone_of_somebody_without_credentials(checkout: Checkout) -> None:
    """Nothing was made here, and that AWS was not asked is said."""
    shutil.rmtree(checkout.root / "build")
    code, said = checkout.down(**NO_SUCH_PROFILE)
    assert code == 0, said
    assert "Nothing was made here, and AWS was not asked what is there. There are no AWS" in said


def test_a_look_up_that_is_refused_is_told(checkout: Checkout) -> None:
    """Nothing known and nothing to be seen: that is not the same as nothing there."""
    checkout.state.unlink()
    iam = checkout.emulator.client("iam")
    iam.create_user(UserName="operator")
    policy = all_but("ec2:DescribeKeyPairs")
    iam.put_user_policy(UserName="operator", PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    checkout.emulator.enforce_iam()
    try:
        code, said = checkout.down(
            AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"]
        )
    finally:
        checkout.emulator.enforce_iam(enforced=False)
    assert code == 77, said
    assert "AWS does not say whether these are there in us-east-1: key pair (AccessDenied)" in said
    assert "target" in checkout.files()


def test_terraform_s_own_folder_is_gone(checkout: Checkout) -> None:
    """The state is still there, so that is made again, and all is removed."""
    shutil.rmtree(checkout.state.parent / "terraform-data")
    code, said = checkout.down()
    assert code == 0, said
    assert checkout.keys() == []
    assert "Removed: 1 key pair." in said
    assert checkout.files() <= {"ssh/id_ed25519", "ssh/id_ed25519.pub"}
    digest = hashlib.sha256(os.fsencode(checkout.root)).hexdigest()[:12]
    left = SYSTEM_TEMPORARY / f"carscribe-{os.getuid()}-{digest}"  # for a path as long as this
    assert not left.exists()
