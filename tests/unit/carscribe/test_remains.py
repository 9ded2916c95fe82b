"""What on the hosts and in the bucket is the user's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from carscribe import deploy, preflight, provision, remains, targets
from carscribe.deployment import DeploymentError, StepError
from carscribe.options import Options
from carscribe.state import State
from carscribe.steps import Steps

if TYPE_CHECKING:
    from pathlib import Path


class FakeHost:
    """A host whose SSH prints what it is told to."""

    def __init__(self, worker: str, said: str, code: int = 0) -> None:
        self.worker, self.said, self.code = worker, said, code

    def ssh(self, *_: str) -> list[str]:
        """Return a command that prints it."""
        return ["sh", "-c", f"printf '{self.said}'; exit {self.code}"]


def let_hosts_say(patch: pytest.MonkeyPatch, a: str, b: str, code: int = 0) -> None:
    """Let both hosts answer so; B with this exit code."""
    known = {"a": FakeHost("a", a), "b": FakeHost("b", b, code)}
    patch.setattr(remains, "hosts", lambda: known)


def fetched(results: Path, run: str, state: str) -> None:
    """Leave a run in the folder of results."""
    (results / run).mkdir()
    (results / run / "summary.json").write_text(json.dumps({"state": state}))


@pytest.mark.parametrize("state", ["active", "activating", "deactivating", "reloading"])
def test_a_host_at_work_is_busy(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """A unit that is not at rest has a run in progress, also between two starts."""
    let_hosts_say(monkeypatch, r"state inactive\n", rf"state {state}\n")
    assert remains.running() == ["worker-b"]


def test_a_host_at_rest_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit that has ended or failed has none, and a host that cannot be asked says nothing."""
    let_hosts_say(monkeypatch, r"state failed\n", r"state inactive\n", code=255)
    assert remains.running() == []


def test_runs_of_either_host_that_were_not_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Oldest first, each once; one that was fetched before its end counts as not fetched."""
    let_hosts_say(
        monkeypatch,
        r"state inactive\nrun 1\nrun 2\nrun 3\n",
        r"state inactive\nrun 2\nrun 3\nrun 4\nrun ..\nrun a b\n",
    )
    fetched(tmp_path, "1", "complete")
    fetched(tmp_path, "2", "incomplete")
    assert remains.unfetched(tmp_path) == ["2", "3", "4"]


def test_a_silent_host_may_have_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who cannot be asked is not taken for empty."""
    let_hosts_say(monkeypatch, r"state inactive\n", "", code=255)
    with pytest.raises(DeploymentError, match=r"^worker-b cannot be asked for runs"):
        remains.unfetched(tmp_path)


def test_no_hosts_no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an apply made no inventory yet, nothing can have run."""

    def none() -> dict[str, FakeHost]:
        raise DeploymentError("Nothing is up here")

    monkeypatch.setattr(remains, "hosts", none)
    assert remains.unfetched(tmp_path) == []
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


def test_objects_that_others_uploaded() -> None:
    """What Terraform did not upload is not ours to delete."""
    assert remains.objects(Session("1.jpg", "mine.jpg"), "b", {"1.jpg"}) == {"mine.jpg"}


def test_a_bucket_that_is_gone_holds_nothing() -> None:
    """An empty answer is one that AWS gave."""
    assert remains.objects(Session(code="NoSuchBucket"), "b", set()) == set()


def test_a_bucket_that_may_not_be_listed_may_hold_something() -> None:
    """A refusal is not an empty answer."""
    with pytest.raises(DeploymentError, match="may hold what `make up` did not upload"):
        remains.objects(Session(code="AccessDenied"), "b", set())


class Target:
    """What `down` asks of a target here."""

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


def test_down_fetches_what_was_not_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each run is fetched before its host is removed; with YES=1 nothing is."""
    let_hosts_say(monkeypatch, r"state inactive\nrun 1\n", r"state inactive\nrun 2\n")
    taken: list[str] = []
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    monkeypatch.setattr(deploy, "fetch", lambda _, run, last: taken.append(run) if last else None)
    save(tmp_path, "1.jpg")
    assert taken == ["1", "2"]
    save(tmp_path, "1.jpg", yes=True)
    assert taken == ["1", "2"]


def test_down_does_not_go_on_where_a_run_would_be_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run that cannot be fetched is asked about; with nobody to ask, nothing is done."""
    let_hosts_say(monkeypatch, r"state inactive\nrun 1\n", r"state inactive\n")
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)

    def fails(*_: object, **__: bool) -> None:
        raise StepError(2)

    monkeypatch.setattr(deploy, "fetch", fails)
    with pytest.raises(DeploymentError, match=r"Run 1 could not be fetched.*Nothing was done: YES"):
        save(tmp_path, "1.jpg")


def test_down_asks_about_a_run_in_progress(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With nobody to ask, a run in progress goes on."""
    let_hosts_say(monkeypatch, r"state active\n", r"state inactive\n")
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    with pytest.raises(DeploymentError, match=r"^A run is in progress on worker-a, and would be l"):
        save(tmp_path, "1.jpg")


def test_down_asks_where_another_checkout_made_the_hosts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a shared state and no inventory, nobody here knows which runs are on the hosts."""
    let_hosts_say(monkeypatch, r"state inactive\n", r"state inactive\n")
    monkeypatch.setattr(deploy, "BUILD", tmp_path)
    monkeypatch.setattr(provision, "BACKEND_OVERRIDE", tmp_path / "backend_override.tf")
    (tmp_path / "backend_override.tf").touch()
    state = State(
        {
            "resources": [
                {
                    "mode": "managed",
                    "type": "aws_instance",
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
    (tmp_path / "aws" / "inputs.json").touch()
    deploy.save_what_is_the_users(steps, targets.Aws(), state, Options())


def test_down_asks_about_objects_of_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Objects that the user uploaded by other means are named, and deleted with YES=1 alone."""
    let_hosts_say(monkeypatch, r"state inactive\n", r"state inactive\n")
    monkeypatch.setattr(deploy, "RESULTS", tmp_path)
    with pytest.raises(DeploymentError, match=r"did not upload \(mine\.jpg\)"):
        save(tmp_path, "1.jpg", "mine.jpg")
    save(tmp_path, "1.jpg", "mine.jpg", yes=True)


def test_up_is_refused_before_terraform_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a run is in progress nothing of `make up` is begun."""
    monkeypatch.setattr(deploy, "choose_target", lambda _: "local")
    monkeypatch.setattr(preflight, "Wanted", lambda *_: None)
    monkeypatch.setattr(preflight, "look", lambda *_, **__: None)
    monkeypatch.setattr(deploy, "provision", None)
    let_hosts_say(monkeypatch, r"state active\n", r"state inactive\n")
    with pytest.raises(DeploymentError, match=r"^A run is in progress on worker-a, and `make up`"):
        deploy.up(Options())
