"""Hosts that are stopped are started where they are needed, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from carscribe import deploy, look, provision, remains, runs, targets, waking
from carscribe.deployment import DeploymentError, Host
from carscribe.runs import SilentError
from carscribe_common import prices

if TYPE_CHECKING:
    from collections.abc import Callable

IDS = {"a": "i-0a", "b": "i-0b"}
HOSTS = {
    worker: Host(
        worker,
        {
            "ansible_host": f"198.51.100.{number}",
            "ansible_ssh_common_args": f"-F none -o HostKeyAlias={IDS[worker]}",
            "ansible_ssh_private_key_file": "/key",
            "ansible_user": "admin",
            "carscribe_region": "us-east-1",
        },
    )
    for number, worker in enumerate("ab")
}


class Ec2:
    """An EC2 whose instances take one look for each change of state."""

    def __init__(self, a: str, b: str, *, error: str = "") -> None:
        self.states, self.error = {"i-0a": a, "i-0b": b}, error
        self.started: list[str] = []

    def describe_instances(self, **asked: Any) -> dict[str, Any]:
        """Tell the states, then let each go on."""
        wanted = asked["Filters"][0]["Values"]
        told = [
            {"InstanceId": one, "State": {"Name": self.states[one]}}
            for one in wanted
            if self.states[one] != "forgotten"
        ]
        onward = {"stopping": "stopped", "pending": "running"}
        self.states = {one: onward.get(state, state) for one, state in self.states.items()}
        return {"Reservations": [{"Instances": [one]} for one in told]}

    def start_instances(self, *, InstanceIds: list[str]) -> None:  # noqa: N803 # as in boto3
        """Start those that are stopped, as EC2 does, or refuse."""
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, "StartInstances")
        for one in InstanceIds:
            assert self.states[one] == "stopped", "EC2 answers IncorrectInstanceState"
            self.states[one] = "pending"
        self.started += InstanceIds


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return what puts an EC2 and hosts in place; its result is who was knocked at."""

    def put(ec2: Any, silent: str = "") -> list[str]:
        knocked: list[str] = []

        def read(remote: Any, script: str, _: float = 0) -> str:
            assert "try-restart carscribe-idle" in script
            knocked.append(remote.worker)
            if remote.worker in silent:
                raise SilentError("no route")
            return ""

        monkeypatch.setattr(waking, "hosts", lambda: HOSTS)
        monkeypatch.setattr(waking, "_client", lambda *_: ec2)
        monkeypatch.setattr(waking, "POLL_SECONDS", 0)
        monkeypatch.setattr("carscribe.runs.Remote.read", read)
        return knocked

    return put


AWS = targets.Aws()


class Caller(targets.Aws):
    """AWS, asked with the credentials of an account."""

    def __init__(self, account: str) -> None:
        self.account = account

    def session(self, region: str | None = None) -> Any:
        """Return session and client in one."""
        del region
        return self

    def client(self, name: str) -> Any:
        """Return what tells who is asking."""
        assert name == "sts"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        """Tell it."""
        return {"Account": self.account}


def test_hosts_of_another_account_are_not_called_terminated(
    given: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks with other credentials sees none of them: SSH needs no credentials."""
    knocked = given(Ec2("forgotten", "forgotten"))
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/carscribe-indexes-1"
    for host in HOSTS.values():
        monkeypatch.setitem(host.variables, "carscribe_queue_url", url)
    waking.awake(Caller("999988887777"))
    assert sorted(knocked) == ["a", "b"]
    assert waking.states(Caller("999988887777"), HOSTS) == {}
    with pytest.raises(DeploymentError, match=r"^Terminated: Hosts A and B"):
        waking.awake(Caller("123456789012"))


def test_hosts_that_run_are_only_knocked_at(given: Callable[..., list[str]]) -> None:
    """Nothing is started, and both count their idle minutes anew."""
    ec2 = Ec2("running", "running")
    knocked = given(ec2)
    waking.awake(AWS)
    assert ec2.started == []
    assert sorted(knocked) == ["a", "b"]


@pytest.mark.parametrize(
    ("states", "started", "said"),
    [
        (("stopped", "running"), ["i-0a"], "Host A stopped: starting"),
        (("stopped", "stopped"), ["i-0a", "i-0b"], "Hosts A and B stopped: starting"),
        (("running", "stopping"), ["i-0b"], "Host B stopped: starting"),
        (("pending", "stopped"), ["i-0b"], "Host B stopped: starting"),
    ],
)
def test_hosts_that_are_stopped_are_started(
    given: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
    states: tuple[str, str],
    started: list[str],
    said: str,
) -> None:
    """Each that is stopped, and one that is just stopping when it has stopped."""
    ec2 = Ec2(*states)
    given(ec2)
    waking.awake(AWS)
    assert ec2.started == started
    assert set(ec2.states.values()) == {"running"}
    assert said in capsys.readouterr().err


def test_hosts_as_a_sentence_names_them() -> None:
    """One, two, or those of several pairs."""
    assert waking.named(["a-2"]) == "Host A-2"
    assert waking.named(["a", "b"]) == "Hosts A and B"
    assert waking.named(["a", "b", "a-2"]) == "Hosts A, B and A-2"


def test_a_host_that_was_started_and_does_not_answer(given: Callable[..., list[str]]) -> None:
    """It is named with what may be the matter; one that ran is left to who calls."""
    given(Ec2("stopped", "running"), silent="ab")
    with pytest.raises(
        DeploymentError, match=r"Host A started, but there is no answer over SSH.*`make"
    ):
        waking.awake(AWS, seconds=0)
    given(Ec2("running", "running"), silent="ab")
    waking.awake(AWS, seconds=0)


@pytest.mark.parametrize("state", ["terminated", "forgotten"])
def test_a_host_that_is_gone(given: Callable[..., list[str]], state: str) -> None:
    """EC2 lists a terminated instance for an hour, and then no more: `make up` makes it anew."""
    given(Ec2("running", state))
    with pytest.raises(DeploymentError, match=r"Terminated: Host B\. `make up` makes it anew"):
        waking.awake(AWS)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("InsufficientInstanceCapacity", "AWS has no such instance left there now"),
        ("UnauthorizedOperation", "You may not do it"),
        ("ExpiredToken", "Your AWS credentials have expired"),
    ],
)
def test_a_start_that_aws_refuses(given: Callable[..., list[str]], code: str, advice: str) -> None:
    """What AWS says, and what to do about it."""
    given(Ec2("stopped", "stopped", error=code))
    with pytest.raises(DeploymentError, match=f"Hosts A and B cannot be started: .*{advice}"):
        waking.awake(AWS)


def test_aws_cannot_be_asked(given: Callable[..., list[str]]) -> None:
    """SSH needs no credentials: hosts that are up are used all the same."""

    class Silent:
        def describe_instances(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://ec2.us-east-1.amazonaws.com")

    knocked = given(Silent())
    waking.awake(AWS)
    assert sorted(knocked) == ["a", "b"]
    assert waking.states(AWS, HOSTS) == {}


def test_status_of_a_stopped_host_asks_it_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so with what starts it, and that no run is known."""
    monkeypatch.setattr(look, "target_that_is_up", lambda: "aws")
    monkeypatch.setattr(look, "hosts", lambda: HOSTS)
    monkeypatch.setattr(look, "queue", lambda *_: "")
    monkeypatch.setattr(runs.Remote, "about", lambda host: pytest.fail(f"{host} was asked"))
    for module in (look, remains):
        monkeypatch.setattr(module, "reached", lambda: [runs.Remote("a", []), runs.Remote("b", [])])
    look.status({"a": "stopped", "b": "stopping"})
    said = capsys.readouterr().out
    assert said.count("its host is stopped: any command that needs it starts it") == 2
    assert "run       not known while a host cannot be asked" in said


@pytest.mark.parametrize(
    ("states", "hosts_up", "said"),
    [
        ({"a": "running", "b": "running"}, 2, "about $"),
        ({}, 2, "about $"),
        ({"a": "stopped", "b": "running"}, 1, "at most $"),
        ({"a": "stopped", "b": "stopped"}, 0, "at most $"),
    ],
)
def test_status_says_what_still_costs(
    monkeypatch: pytest.MonkeyPatch, states: dict[str, str], hosts_up: int, said: str
) -> None:
    """Stopped hosts cost nothing, their addresses and volumes do."""
    values = {"instance_type": "t3.micro", "pairs": 1, "result_volume_size_gib": 1}
    monkeypatch.setattr(provision, "made_with", lambda _: {"since": 0})
    monkeypatch.setattr(provision, "Terraform", lambda *_: None)
    monkeypatch.setattr(provision, "values", lambda *_: values)
    told = deploy.spent(AWS, states)
    assert told.startswith(said)
    hour = hosts_up * 0.0104 + 2 * 0.005 + 18 * prices.GP3_USD_PER_GIB_MONTH / 730
    assert f"${hour:.3f} each further hour" in told
    assert ("addresses and volumes cost on" in told) == (hosts_up < 2)
