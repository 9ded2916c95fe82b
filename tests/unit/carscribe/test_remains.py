"""What on the hosts and in the bucket is the user's."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import boto3
import pytest
from botocore.stub import Stubber

from carscribe import deploy, preflight, provision, remains, targets
from carscribe.deployment import DeploymentError, StepError
from carscribe.deployment import Host as Named
from carscribe.options import Options
from carscribe.state import State
from carscribe.steps import Steps
from tests.faked_host import RUN, Host

if TYPE_CHECKING:
    from carscribe.runs import Remote


class World:
    """Two hosts that are idle and hold no run, as the operator's commands reach them."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.hosts: dict[str, Host] = {}
        for name in ("a", "b"):
            self.add(name)
        for module in (remains, deploy):
            patch.setattr(module, "reached", lambda: [host.remote for host in self.hosts.values()])

    def add(self, name: str) -> None:
        """Add a host."""
        (self.folder / name).mkdir()
        host = self.hosts[name] = Host(self.folder / name, name)
        host.finish()
        (host.state / "runs" / RUN).rmdir()

    def holds(self, worker: str, *runs: str) -> None:
        """Give a host runs, the oldest first."""
        for age, run in enumerate(reversed(runs)):
            folder = self.hosts[worker].state / "runs" / run
            folder.mkdir()
            os.utime(folder, (1000 - age,) * 2)

    def silence(self, worker: str) -> None:
        """Let a host answer no more."""
        (self.hosts[worker].folder / "off").touch()

    def starts(self, worker: str, run: str = RUN) -> None:
        """Let a worker be at work."""
        self.hosts[worker].unit("active", "running")
        self.hosts[worker].current(run)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two such hosts."""
    (tmp_path / "world").mkdir()
    return World(tmp_path / "world", monkeypatch)


def fetched(results: Path, run: str, state: str) -> None:
    """Leave a run in the folder of results."""
    (results / run).mkdir()
    (results / run / "summary.json").write_text(json.dumps({"state": state}))


@pytest.mark.parametrize("state", ["active", "activating", "deactivating", "reloading"])
def test_a_host_at_work_is_busy(world: World, state: str) -> None:
    """A unit that is not at rest has a run in progress, also between two starts."""
    world.hosts["b"].unit(state, "x")
    assert remains.running() == ["worker-b"]


def test_a_host_at_rest_is_not(world: World) -> None:
    """A unit that has ended or failed has none, and a host that cannot be asked says nothing."""
    world.hosts["a"].unit("failed", "failed")
    world.silence("b")
    assert remains.running() == []


def test_runs_of_either_host_that_were_not_fetched(world: World, tmp_path: Path) -> None:
    """Oldest first, each once; one that was fetched before its end counts as not fetched."""
    world.holds("a", "1", "2", "3")
    world.holds("b", "2", "3", "4", "-rf", "a b")
    fetched(tmp_path, "1", "complete")
    fetched(tmp_path, "2", "incomplete")
    assert remains.unfetched(tmp_path) == (["2", "3", "4"], [])


def test_a_silent_host_may_have_runs(world: World, tmp_path: Path) -> None:
    """Who cannot be asked is not taken for empty, and the other is asked all the same."""
    world.holds("a", "1")
    world.silence("b")
    assert remains.unfetched(tmp_path) == (["1"], ["worker-b"])


def test_no_hosts_no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an apply made no inventory yet, nothing can have run."""

    def none() -> list[Remote]:
        raise DeploymentError("Nothing is up here")

    monkeypatch.setattr(remains, "reached", none)
    assert remains.unfetched(tmp_path) == ([], [])
    assert remains.running() == []


class Session:
    """A session with one S3 client."""

    def __init__(self, *keys: str, code: str = "") -> None:
        self.s3 = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        stub = Stubber(self.s3)
        if code:
            stub.add_client_error("list_objects_v2", code)
        else:
            stub.add_response("list_objects_v2", {"Contents": [{"Key": key} for key in keys]})
        stub.activate()

    def client(self, _: str) -> object:
        """Return it."""
        return self.s3


def test_objects_that_are_meant() -> None:
    """And no others, of those that the bucket lists."""
    is_mine = "mine.jpg".__eq__
    assert remains.objects(Session("1.jpg", "mine.jpg"), "b", is_mine) == {"mine.jpg"}


def test_a_bucket_that_is_gone_holds_nothing() -> None:
    """An empty answer is one that AWS gave."""
    assert remains.objects(Session(code="NoSuchBucket"), "b", bool) == set()


def test_a_bucket_that_may_not_be_listed_may_hold_something() -> None:
    """A refusal is not an empty answer."""
    with pytest.raises(DeploymentError, match="may hold what `make up` did not upload"):
        remains.objects(Session(code="AccessDenied"), "b", bool)


class Target:
    """What `down` asks of a target here."""

    name = "aws"

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def session(self) -> Session:
        """Return a session with a bucket of these objects."""
        return Session(*self.keys)


STATE = State(
    {
        "resources": [
            {
                "mode": "managed",
                "type": kind,
                "instances": [{"attributes": {"id": name, "key": name}}],
            }
            for kind, name in (("aws_s3_bucket", "images"), ("aws_s3_object", "1.jpg"))
        ]
    }
)


def save(tmp_path: Path, *keys: str, yes: bool = False) -> None:
    """Call what `down` does before anything is removed."""
    steps = Steps("down", verbose=False, folder=tmp_path)
    deploy.save_what_is_the_users(steps, Target(*keys), STATE, Options(yes=yes))  # type: ignore[arg-type]


def fetch_as(patch: pytest.MonkeyPatch, code: int) -> list[str]:
    """Let each run be fetched as complete (0) or not (65); return where they are noted."""
    taken: list[str] = []

    def fetch(_: Steps, run: str, *, last: bool) -> tuple[Path, int]:
        assert last
        taken.append(run)
        return Path(run), code

    patch.setattr(deploy, "fetch", fetch)
    return taken


def test_down_fetches_what_was_not_fetched(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each run is fetched before its host is removed; with YES=1 nothing is."""
    world.holds("a", "1")
    world.holds("b", "2")
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    taken = fetch_as(monkeypatch, 0)
    save(tmp_path, "1.jpg")
    assert taken == ["1", "2"]
    save(tmp_path, "1.jpg", yes=True)
    assert taken == ["1", "2"]


def test_down_asks_about_a_run_that_could_be_gone_on_with(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What there is of an unfinished run is fetched, and what is to come is not given up unasked."""
    world.holds("a", "1", "2")
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    taken = fetch_as(monkeypatch, 65)
    with pytest.raises(DeploymentError, match=r"^What there is of 1, 2 is fetched.*Nothing was do"):
        save(tmp_path)
    assert taken == ["1", "2"]


def test_down_does_not_go_on_where_a_run_would_be_lost(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What cannot be fetched is asked about, after all else is; with nobody to ask, nothing is done."""
    world.holds("a", "1", "2")
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    tried = []

    def fails(_: object, run: str, **__: bool) -> None:
        tried.append(run)
        raise StepError(2)

    monkeypatch.setattr(deploy, "fetch", fails)
    said = r"Runs 1 and 2 could not be fetched whole.*Nothing was done: YES"
    with pytest.raises(DeploymentError, match=said):
        save(tmp_path, "1.jpg")
    assert tried == ["1", "2"]


def test_down_fetches_what_answers_before_it_asks_about_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A host that is silent keeps nobody from what the other has."""
    world.holds("a", "1")
    world.silence("b")
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    taken = fetch_as(monkeypatch, 0)
    with pytest.raises(DeploymentError, match=r"^worker-b cannot be asked for runs.*Nothing was d"):
        save(tmp_path, "1.jpg")
    assert taken == ["1"]


class Ended(targets.Local):
    """This machine, on which the emulator has ended."""

    def answers(self) -> bool:
        """Tell that it does not run."""
        return False

    def after_destroy(self, steps: Steps) -> None:
        """Remove nothing: the hosts are none."""


@pytest.mark.parametrize(
    ("said", "made", "removed"),
    [
        ("local", ("local",), ["local"]),
        ("local", ("aws", "local"), ["local", "aws"]),
        ("local", ("aws",), ["local", "aws"]),
        ("aws", ("aws",), ["aws"]),
    ],
)
def test_down_removes_what_was_made_whatever_is_said_to_be_up(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    said: str,
    made: tuple[str, ...],
    removed: list[str],
) -> None:
    """Where build/target was edited, the hosts of the other target are not left to cost money."""
    seen: list[str] = []
    (tmp_path / "tmp").mkdir()
    for name, stub in {
        "BUILD": tmp_path,
        "Steps": lambda *_, **__: None,
        "remember_target": lambda _: None,
        "remove": lambda _, target, __: seen.append(target.name),
        "target_that_is_up": lambda: said,
        "temporary_folder": lambda: tmp_path / "tmp",
        "was_made": lambda name: name in made,
    }.items():
        monkeypatch.setattr(deploy, name, stub)
    assert deploy.down(Options()) == 0
    assert seen == removed


def test_down_fetches_from_hosts_that_outlive_their_emulator(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The runs of the hosts that answer are fetched or asked about; of a silent one nothing can be."""
    monkeypatch.setattr(deploy, "BUILD", tmp_path / "build")
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    world.holds("a", "1")
    world.silence("b")
    steps = Steps("down", verbose=False, folder=tmp_path)
    fetch_as(monkeypatch, 65)
    with pytest.raises(DeploymentError, match=r"^What there is of 1 is fetched"):
        deploy.remove(steps, Ended(), Options())
    taken = fetch_as(monkeypatch, 0)
    deploy.remove(steps, Ended(), Options())
    assert taken == ["1"]
    deploy.remove(steps, Ended(), Options(yes=True))
    assert taken == ["1"]


class Planned:
    """A plan that removes instances with their volumes, or makes a volume anew."""

    def __init__(self, *instances: str) -> None:
        self.instances = set(instances)

    def removed(self, kind: str, _: str) -> set[str]:
        """Return what would be removed."""
        return self.instances if kind == "aws_instance" else {"vol-1"}

    def broken_off(self, _: str) -> set[str]:
        """Return what is half made."""
        return set()


@pytest.fixture
def pairs(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two pairs, of which the second is to go, with runs on both."""
    for name in ("a-2", "b-2"):
        world.add(name)
    world.holds("a", "1", "2")
    world.holds("b-2", "2", "3")
    instances = {
        name: Named(name, {"ansible_ssh_common_args": f"-o HostKeyAlias=i-{name}"})
        for name in world.hosts
    }
    monkeypatch.setattr(deploy, "hosts", lambda: instances)
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    return world


def fewer(tmp_path: Path, *instances: str, yes: bool = False) -> None:
    """Call what `up` does once it knows what it would remove."""
    steps = Steps("up", verbose=False, folder=tmp_path)
    deploy._save_what_goes(steps, Planned(*instances), Options(yes=yes))  # type: ignore[arg-type]


@pytest.mark.usefixtures("pairs")
def test_fewer_pairs_first_fetch_what_the_others_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on the hosts that go, and was not fetched; what the others hold is not in danger."""
    taken = fetch_as(monkeypatch, 0)
    fewer(tmp_path, "i-a-2", "i-b-2", yes=True)
    assert taken == ["2", "3"]
    fetched(tmp_path, "2", "complete")
    fewer(tmp_path, "i-a-2", "i-b-2")
    assert taken == ["2", "3", "3"]


def test_a_volume_alone_or_no_host_is_no_reason_to_fetch(
    pairs: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is fetched where no host goes."""
    taken = fetch_as(monkeypatch, 0)
    fewer(tmp_path)
    assert taken == []
    assert not any(host.stopped for host in pairs.hosts.values())


def test_fewer_pairs_ask_where_a_run_would_be_lost(
    pairs: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An unfinished run and a host that is silent are no secret; YES=1 says them and goes on."""
    taken = fetch_as(monkeypatch, 65)
    with pytest.raises(DeploymentError, match=r"^What there is of 2, 3 is fetched, and nobody"):
        fewer(tmp_path, "i-b-2")
    pairs.silence("b-2")
    with pytest.raises(DeploymentError, match=r"^worker-b-2 cannot be asked for runs"):
        fewer(tmp_path, "i-b-2")
    pairs.holds("a-2", "4")
    del taken[:]
    fewer(tmp_path, "i-a-2", "i-b-2", yes=True)
    assert taken == ["4"]
    assert capsys.readouterr().err == (
        "worker-b-2 cannot be asked for runs that were not fetched, which would be lost (`make up` "
        "may mend it).\n"
    )


def test_down_asks_about_a_run_in_progress(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With nobody to ask, a run in progress goes on."""
    world.starts("a")
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    with pytest.raises(DeploymentError, match=r"^A run is in progress on worker-a, and would be l"):
        save(tmp_path, "1.jpg")


@pytest.mark.usefixtures("world")
def test_down_asks_where_another_checkout_made_the_hosts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a shared state and no inventory, nobody here knows which runs are on the hosts."""
    monkeypatch.setattr(deploy, "BUILD", tmp_path)
    monkeypatch.setattr(provision, "BACKEND_OVERRIDE", tmp_path / "backend_override.tf")
    (tmp_path / "backend_override.tf").touch()
    state = State(
        {
            "resources": [
                {
                    "mode": "managed",
                    "type": "aws_instance",
                    "name": "worker",
                    "instances": [{"attributes": {"id": "i-1"}}],
                }
            ]
        }
    )
    steps = Steps("down", verbose=False, folder=tmp_path)
    with pytest.raises(DeploymentError, match=r"^The hosts were made from another checkout"):
        deploy.save_what_is_the_users(steps, targets.Aws(), state, Options())
    deploy.save_what_is_the_users(steps, targets.Aws(), state, Options(yes=True))
    (tmp_path / "aws").mkdir()
    (tmp_path / "aws" / "inputs.json").write_text('{"arguments": [], "environment": {}}')
    deploy.save_what_is_the_users(steps, targets.Aws(), state, Options())


@pytest.mark.parametrize("names", [("worker",), ("worker", "inventory")])
def test_down_asks_where_the_inventory_is_damaged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Hosts that cannot be asked may hold runs; an `up` that came to no inventory made none."""

    def damaged() -> NoReturn:
        raise DeploymentError("It is damaged")

    monkeypatch.setattr(deploy, "hosts", damaged)
    for module in (remains, deploy):
        monkeypatch.setattr(module, "reached", damaged)
    state = State(
        {
            "resources": [
                {
                    "mode": "managed",
                    "type": "aws_instance" if name == "worker" else "terraform_data",
                    "name": name,
                    "instances": [{"attributes": {"id": "1"}}],
                }
                for name in names
            ]
        }
    )
    steps = Steps("down", verbose=False, folder=tmp_path)
    asks = pytest.raises(DeploymentError, match=r"is lost or damaged, so the hosts cannot be asked")
    with asks if len(names) > 1 else nullcontext():
        deploy.save_what_is_the_users(steps, targets.Aws(), state, Options())
    deploy.save_what_is_the_users(steps, targets.Aws(), state, Options(yes=True))


@pytest.mark.usefixtures("world")
def test_down_asks_about_objects_of_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Objects that the user uploaded by other means are named, and deleted with YES=1 alone."""
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    with pytest.raises(DeploymentError, match=r"did not upload \(mine\.jpg\)"):
        save(tmp_path, "1.jpg", "mine.jpg")
    save(tmp_path, "1.jpg", "mine.jpg", yes=True)


@pytest.mark.usefixtures("world")
def test_down_names_results_as_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the workers put there is asked about, and so is, apart from it, what is the user's."""
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    monkeypatch.setitem(STATE.outputs, "results_prefix", "r/")
    asked: list[str] = []
    monkeypatch.setattr(deploy, "ask", lambda question, _: asked.append(question))
    save(tmp_path, "1.jpg", "r/1/a/summary.json", "mine.jpg")
    assert asked == [
        f"The bucket images holds {what}, and they would be deleted."
        for what in (
            "results that the workers put there (r/1/a/summary.json)",
            "objects that `make up` did not upload (mine.jpg)",
        )
    ]
    asked.clear()
    save(tmp_path, "1.jpg")
    assert asked == []


def test_up_is_refused_before_terraform_acts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a run is in progress nothing of `make up` is begun."""
    monkeypatch.setattr(deploy, "choose_target", lambda _: "local")
    monkeypatch.setattr(preflight, "Wanted", lambda *_: None)
    monkeypatch.setattr(preflight, "look", lambda *_, **__: None)
    monkeypatch.setattr(deploy, "provision", None)
    world.starts("a")
    with pytest.raises(DeploymentError, match=r"^A run is in progress on worker-a, and `make up`"):
        deploy.up(Options())
    assert not world.hosts["a"].stopped


def test_up_mends_a_host_that_is_lost_in_the_middle_of_a_run(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The worker that would wait for it in vain is stopped, and how its run goes on is said."""
    world.starts("b")
    world.silence("a")
    deploy.stop_for_a_lost_host(Steps("up", verbose=False, folder=tmp_path))
    assert world.hosts["b"].stopped
    assert capsys.readouterr().out == (
        "worker-a does not answer, so worker-b was stopped in the middle of its run: "
        f"`make run RUN_ID={RUN}` goes on with it.\n"
    )


def test_up_disturbs_no_other_pair_that_is_at_work(world: World, tmp_path: Path) -> None:
    """It waits for the pairs that have lost nobody, and then stops who has lost its partner alone."""
    for name in ("a-2", "b-2"):
        world.add(name)
    for name in ("a", "b", "b-2"):
        world.starts(name)
    world.silence("a-2")
    steps = Steps("up", verbose=False, folder=tmp_path)
    with pytest.raises(DeploymentError, match=r"^A run is in progress on worker-a and worker-b, a"):
        deploy.stop_for_a_lost_host(steps)
    assert not any(host.stopped for host in world.hosts.values())
    for name in ("a", "b"):
        world.hosts[name].finish()
    deploy.stop_for_a_lost_host(steps)
    assert [name for name, host in world.hosts.items() if host.stopped] == ["b-2"]


def test_up_stops_nobody_where_no_run_is_in_progress(world: World, tmp_path: Path) -> None:
    """A host that is lost while the other rests is no more than that."""
    world.silence("a")
    deploy.stop_for_a_lost_host(Steps("up", verbose=False, folder=tmp_path))
    assert not world.hosts["b"].stopped
