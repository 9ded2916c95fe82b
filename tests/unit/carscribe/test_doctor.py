"""Each tick and each cross that the doctor can show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from carscribe import doctor
from carscribe.credentials import CredentialsError
from carscribe.doctor import Aws, Finding
from carscribe.inputs import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

USER = "arn:aws:iam::123456789012:user/me"
ASK = "ask who manages the account for this permission"
LAB = "arn:aws:sts::123456789012:assumed-role/voclabs/user123=me"


class Answers:
    """A client whose every call is answered with an error of the test's choice."""

    def __init__(self, codes: dict[str, str]) -> None:
        self.codes = codes
        self.asked: list[dict[str, Any]] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(*_: Any, **arguments: Any) -> Any:
            self.asked.append(arguments)
            code = self.codes.get(operation, "DryRunOperation")
            if code == "success":
                return {}
            raise ClientError({"Error": {"Code": code, "Message": ""}}, operation)

        return call


class Policies(Answers):
    """An IAM that denies what it is told to."""

    def __init__(self, denied: str, codes: dict[str, str]) -> None:
        super().__init__(codes)
        self.denied = denied

    def simulate_principal_policy(self, **arguments: Any) -> dict[str, Any]:
        """Evaluate."""
        self.asked.append(arguments)
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": name,
                    "EvalDecision": "implicitDeny" if name == self.denied else "allowed",
                }
                for name in arguments["ActionNames"]
            ]
        }


class Session:
    """What the doctor asks of a boto3 session."""

    def __init__(self, region: str = "us-east-1", *, denied: str = "", **codes: str) -> None:
        allowed = dict.fromkeys(("detect_labels", "detect_text"), "InvalidImageFormatException")
        self.region_name = region
        self.clients = {
            "rekognition": Answers(allowed | codes),
            "ec2": Answers(codes),
            "iam": Policies(denied, codes),
            "service-quotas": Answers({"get_paginator": "AccessDenied"}),
        }
        self.credentials = Credentials()

    def get_available_regions(self, service: str) -> list[str]:
        """Return some regions."""
        assert service == "rekognition"
        return ["us-east-1", "us-west-2", "eu-central-1"]

    def get_credentials(self) -> Credentials:
        """Return credentials."""
        return self.credentials

    def client(self, service: str, **_: Any) -> Answers:
        """Return a client."""
        return self.clients[service]


class Credentials:
    """Credentials with or without an end."""

    token: str | None = None
    _expiry_time: datetime | None = None


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "check_credentials", lambda: USER)


def crosses(session: Session, *, lab: bool = False) -> list[str]:
    """Return the lines with a cross."""
    found = Aws(session, lab=lab).findings()  # type: ignore[arg-type]
    return [str(finding) for finding in found if not finding.well]


def lines(session: Session, *, lab: bool = False) -> str:
    """Return all lines."""
    return "\n".join(map(str, Aws(session, lab=lab).findings()))  # type: ignore[arg-type]


def test_all_is_well() -> None:
    """With everything in order there is no cross, and nothing was made."""
    session = Session()
    assert crosses(session) == []
    assert all(call.get("DryRun") for call in session.clients["ec2"].asked)


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials nothing else is asked."""

    def none() -> str:
        raise CredentialsError("There are no AWS credentials: run 'aws configure'.")

    monkeypatch.setattr(doctor, "check_credentials", none)
    assert crosses(Session()) == [
        "✗ AWS credentials: There are no AWS credentials: run 'aws configure'."
    ]


def test_end_of_credentials_is_shown() -> None:
    """Whose credentials these are, and when they end."""
    session = Session()
    assert lines(session).startswith(f"✓ AWS credentials of {USER}\n")
    session.credentials.token = "t"
    assert "temporary: they end with your session" in lines(session)
    session.credentials._expiry_time = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    assert "until 2026-11-23 12:30 UTC" in lines(session)


def test_region_without_rekognition() -> None:
    """A region without Rekognition is named with those that have it."""
    (cross,) = crosses(Session("eu-north-1"))
    assert cross.startswith("✗ region eu-north-1: it has no Rekognition; use one of us-east-1")


@pytest.mark.parametrize(
    ("operation", "name"), [("detect_labels", "DetectLabels"), ("detect_text", "DetectText")]
)
def test_rekognition_denied(operation: str, name: str) -> None:
    """A denied call of Rekognition is a cross that names it."""
    (cross,) = crosses(Session(**{operation: "AccessDeniedException"}))
    assert cross == f"✗ rekognition:{name}: {USER} may not do it; {ASK}"


def test_an_answer_that_nobody_expects() -> None:
    """Another answer than yes or no is a cross with AWS's own word for it."""
    (cross,) = crosses(Session(allocate_address="Unheard"))
    assert cross.startswith("✗ ec2:AllocateAddress: AWS answers Unheard; try again")
    (cross,) = crosses(Session(allocate_address="AddressLimitExceeded"))
    assert "The region's Elastic IPs are used up (5 by default; two are needed)" in cross


def test_rekognition_denied_in_a_lab_is_the_hosts_matter() -> None:
    """In a lab the hosts have another role: its permission is checked on them."""
    session = Session(detect_labels="AccessDeniedException")
    assert crosses(session, lab=True) == []
    assert "LabRole's is checked on up" in lines(session, lab=True)


@pytest.mark.parametrize(("region", "quota"), [("us-east-1", 50), ("eu-central-1", 5)])
def test_quota_as_documented(region: str, quota: int) -> None:
    """Where the quota may not be asked for, the documented one is shown."""
    assert f"quota here: {quota} calls a second, as documented" in lines(Session(region))


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("allocate_address", "ec2:AllocateAddress"),
        ("create_volume", "ec2:CreateVolume"),
        ("describe_instances", "ec2:DescribeInstances"),
    ],
)
def test_ec2_denied(operation: str, action: str) -> None:
    """What EC2 would refuse is a cross that names who may not do it."""
    (cross,) = crosses(Session(**{operation: "UnauthorizedOperation"}))
    assert cross == f"✗ {action}: {USER} may not do it; {ASK}"


@pytest.mark.parametrize("action", [*doctor.SIMULATED, *doctor.SIMULATED_ROLES])
def test_other_permissions_denied(action: str) -> None:
    """What the policy simulator denies is a cross."""
    (cross,) = crosses(Session(denied=action))
    assert cross == f"✗ {action}: {USER} may not do it; {ASK}"


def with_profile(session: Session) -> list[str]:
    """Return all lines for somebody who names an existing instance profile."""
    return [str(one) for one in Aws(session, lab=False, profile="mine").findings()]  # type: ignore[arg-type]


def test_an_existing_profile_needs_no_rights_of_iam() -> None:
    """EC2 itself is asked about the profile, and nobody about roles that are not made."""
    session = Session(denied="iam:CreateRole")
    said = with_profile(session)
    assert [line for line in said if line.startswith("✗")] == []
    assert "✓ ec2:RunInstances with mine" in said
    assert session.clients["ec2"].asked[-1]["IamInstanceProfile"] == {"Name": "mine"}
    simulated = session.clients["iam"].asked[0]["ActionNames"]
    assert [action for action in simulated if action.startswith("iam:")] == []


def test_a_profile_that_may_not_be_passed() -> None:
    """A refused dry run names the right that is needed beside it."""
    [cross] = [
        line
        for line in with_profile(Session(run_instances="UnauthorizedOperation"))
        if line.startswith("✗")
    ]
    assert cross.startswith(f"✗ ec2:RunInstances with mine: {USER} may not do it; {ASK}")
    assert "iam:PassRole" in cross


def test_a_quota_that_is_used_up_is_told_before_anything_is_made() -> None:
    """EC2's dry run answers for the account's quotas, too."""
    (cross,) = crosses(Session(run_instances="VcpuLimitExceeded"))
    assert "vCPU quota is used up" in cross


def test_what_could_not_be_checked_is_said() -> None:
    """An answer that says neither yes nor no is no reason to stop."""
    session = Session(run_instances="Unexpected")
    assert crosses(session) == []
    assert "ec2:RunInstances could not be checked (Unexpected); up will tell" in lines(session)


def test_learner_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab is recognized; without LAB=1, or in a region it does not allow, it is a cross."""
    monkeypatch.setattr(doctor, "check_credentials", lambda: LAB)
    assert crosses(Session(), lab=True) == []
    assert "✗ AWS Academy Learner Lab: use LAB=1: it allows no IAM role to be made" in crosses(
        Session()
    )
    (cross,) = crosses(Session("eu-central-1"), lab=True)
    assert "us-east-1 and us-west-2 only" in cross
    # Nobody may ask the policy simulator there.
    assert Policies("", {}).asked == []


def test_role_behind_the_session_is_asked_for() -> None:
    """The policy simulator is asked about the role, not about its session."""
    assert doctor._principal(LAB) == "arn:aws:iam::123456789012:role/voclabs"
    assert doctor._principal(USER) == USER


def test_machine_without_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terraform, ssh and ssh-keygen that are not there are a cross each."""

    def none() -> tuple[str, str]:
        raise UsageError("There is no terraform on this machine: install 1.11 or later")

    monkeypatch.setattr(doctor, "find_terraform", none)
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert [str(f) for f in doctor.machine() if not f.well] == [
        "✗ Terraform: There is no terraform on this machine: install 1.11 or later",
        "✗ ssh: install OpenSSH's client (Debian: openssh-client)",
        "✗ ssh-keygen: install OpenSSH's client (Debian: openssh-client)",
    ]


def test_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python before 3.11 is a cross."""
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (9, 9))
    assert next(doctor.machine()).advice == "install Python 3.11 or later"


def test_private_key(tmp_path: Path) -> None:
    """A missing key and one that others may read are crosses; a good one is a tick."""
    key = tmp_path / "labsuser.pem"
    assert "Download PEM" in doctor.private_key(key).advice
    key.write_text("key")
    key.chmod(0o644)
    assert f"chmod 600 {key}" in doctor.private_key(key).advice
    key.chmod(0o400)
    assert doctor.private_key(key) == Finding(f"private key {key}")
