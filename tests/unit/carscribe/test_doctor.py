"""Each tick and each cross that the doctor can show."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from carscribe import doctor
from carscribe.credentials import CredentialsError
from carscribe.doctor import Aws, Finding
from carscribe.inputs import UsageError
from tests.operator_policy import FILE as OPERATOR_POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

USER = "arn:aws:iam::123456789012:user/me"
SIMULATED = (
    "iam:CreateInstanceProfile",
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "s3:CreateBucket",
    "s3:PutObject",
    "sqs:CreateQueue",
    "ssm:GetParameter",
)
ASK = "ask who manages the account for this permission"
READS = {"Filters", "InstanceTypes"}
AMIS = {"arm64": "/aws/service/ami/arm64", "x86_64": "/aws/service/ami/x86_64"}
LAB = "arn:aws:sts::123456789012:assumed-role/voclabs/user123=me"


class Answers:
    """A client whose every call is answered with an error of the test's choice."""

    def __init__(self, codes: dict[str, str]) -> None:
        self.codes = codes
        self.asked: list[dict[str, Any]] = []
        self.zones: list[str] = []
        self.architectures: list[str] = []
        self.message = ""

    def describe_availability_zones(self, **arguments: Any) -> dict[str, Any]:
        """Return the zones of the test's choice."""
        self.asked.append(arguments)
        return {"AvailabilityZones": [{"ZoneName": zone} for zone in self.zones]}

    def describe_instance_types(self, **arguments: Any) -> dict[str, Any]:
        """Return the architectures of the test's choice, as of a type that there is not none."""
        self.asked.append(arguments)
        kinds = [{"ProcessorInfo": {"SupportedArchitectures": self.architectures}}]
        return {"InstanceTypes": kinds if self.architectures else []}

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(*_: Any, **arguments: Any) -> Any:
            self.asked.append(arguments)
            code = self.codes.get(operation, "DryRunOperation")
            if code == "success":
                return {}
            raise ClientError({"Error": {"Code": code, "Message": self.message}}, operation)

        return call


class Policies(Answers):
    """An IAM that denies what it is told to, or evaluates the policy that it is given."""

    def __init__(self, denied: str, codes: dict[str, str]) -> None:
        super().__init__(codes)
        self.denied = denied
        self.unknown: list[str] = []
        self.policy: list[dict[str, Any]] = []

    def simulate_principal_policy(self, **arguments: Any) -> dict[str, Any]:
        """Evaluate; without a resource all of them are meant (IAM API Reference)."""
        self.asked.append(arguments)
        resources = arguments.get("ResourceArns", ["*"])
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": name,
                    "EvalDecision": "allowed" if self._allows(name, one) else "implicitDeny",
                    "MissingContextValues": self.unknown,
                }
                for name in arguments["ActionNames"]
                for one in resources
            ]
        }

    def _allows(self, action: str, resource: str) -> bool:
        if not self.policy:
            return action != self.denied
        return any(
            any(fnmatchcase(action, known) for known in several(one["Action"]))
            and any(fnmatchcase(resource, known) for known in several(one["Resource"]))
            for one in self.policy
        )


def several(one_or_more: str | list[str]) -> list[str]:
    """Return a list, as which a policy may give one word alone."""
    return [one_or_more] if isinstance(one_or_more, str) else one_or_more


class Session:
    """What the doctor asks of a boto3 session."""

    def __init__(self, region: str = "us-east-1", *, denied: str = "", **codes: str) -> None:
        allowed = dict.fromkeys(("detect_labels", "detect_text"), "InvalidImageFormatException")
        self.region_name = region
        self.clients: dict[str, Any] = {
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

    def client(self, service: str, **_: Any) -> Any:
        """Return a client."""
        return self.clients[service]


class Credentials:
    """Credentials with or without an end."""

    token: str | None = None
    _expiry_time: datetime | None = None


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "check_credentials", lambda: USER)


def look(session: Session, *, lab: bool = False, **given: Any) -> Iterator[Finding]:
    """Ask with the parameters of the default operating system's AMIs."""
    return Aws(session, lab=lab, ami_parameters=AMIS, **given).findings()  # type: ignore[arg-type]


def crosses(session: Session, *, lab: bool = False) -> list[str]:
    """Return the lines with a cross."""
    found = look(session, lab=lab)
    return [str(finding) for finding in found if not finding.well]


def lines(session: Session, *, lab: bool = False) -> str:
    """Return all lines."""
    return "\n".join(map(str, look(session, lab=lab)))


def test_all_is_well() -> None:
    """With everything in order there is no cross, and nothing was made."""
    session = Session()
    assert crosses(session) == []
    asked = [call for call in session.clients["ec2"].asked if not READS & call.keys()]
    assert asked
    assert all(call.get("DryRun") for call in asked)


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


@pytest.mark.parametrize("action", SIMULATED)
def test_other_permissions_denied(action: str) -> None:
    """What the policy simulator denies is a cross."""
    (cross,) = crosses(Session(denied=action))
    assert cross == f"✗ {action}: {USER} may not do it; {ASK}"


def test_the_policy_for_operators_is_enough() -> None:
    """It names resources, so the simulator is asked about those that are made."""
    session = Session()
    session.clients["iam"].policy = json.loads(OPERATOR_POLICY.read_text())["Statement"]
    assert crosses(session) == []
    assert {name for one in session.clients["iam"].asked for name in one["ActionNames"]} == set(
        SIMULATED
    )


def test_a_condition_that_the_simulator_does_not_know_is_no_denial() -> None:
    """Where a boundary is demanded, only the call that names it tells."""
    session = Session(denied="iam:CreateRole")
    session.clients["iam"].unknown = ["iam:PermissionsBoundary"]
    assert crosses(session) == []
    assert (
        "iam:CreateRole could not be checked (it depends on iam:PermissionsBoundary); up will tell"
    ) in lines(session)


def test_an_existing_bucket_needs_no_rights_to_make_one() -> None:
    """What is not made is not asked about."""
    session = Session(denied="s3:CreateBucket")
    found = look(session, bucket="mine")
    assert [str(one) for one in found if not one.well] == []


def with_profile(session: Session) -> list[str]:
    """Return all lines for somebody who names an existing instance profile."""
    return [str(one) for one in look(session, profile="mine")]


def test_an_existing_profile_needs_no_rights_of_iam() -> None:
    """EC2 itself is asked about the profile, and nobody about roles that are not made."""
    session = Session(denied="iam:CreateRole")
    said = with_profile(session)
    assert [line for line in said if line.startswith("✗")] == []
    assert "✓ ec2:RunInstances with mine" in said
    assert session.clients["ec2"].asked[-1]["IamInstanceProfile"] == {"Name": "mine"}
    simulated = [name for one in session.clients["iam"].asked for name in one["ActionNames"]]
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


@pytest.mark.parametrize("code", ["VPCIdNotSpecified", "MissingInput"])
def test_an_account_without_a_default_vpc_is_well(code: str) -> None:
    """EC2 looks for one where no subnet is named; `make up` makes a VPC of its own."""
    session = Session(run_instances=code)
    assert crosses(session) == []
    assert f"ec2:RunInstances could not be checked ({code}); up will tell" in lines(session)


def test_ec2_is_asked_for_what_terraform_makes() -> None:
    """An organization may refuse a volume that is not encrypted, IMDSv1, and what has no tags."""
    session = Session()
    tags = {"Project": "carscribe", "CostCenter": "4711"}
    found = look(session, tags=tags)
    assert [str(finding) for finding in found if not finding.well] == []
    asked = [one for one in session.clients["ec2"].asked if one.get("TagSpecifications")]
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    assert [one["TagSpecifications"] for one in asked] == [
        [{"ResourceType": kind, "Tags": pairs}] for kind in ("elastic-ip", "volume", "instance")
    ]
    assert asked[1]["Encrypted"] is True
    assert asked[2]["MetadataOptions"]["HttpTokens"] == "required"


@pytest.mark.parametrize(
    ("architectures", "parameter"),
    [
        (["arm64"], "/aws/service/ami/arm64"),
        (["i386", "x86_64"], "/aws/service/ami/x86_64"),
        ([], "/aws/service/ami/x86_64"),
    ],
)
def test_the_ami_is_of_the_hosts_architecture(architectures: list[str], parameter: str) -> None:
    """EC2 would refuse an AMI of the other one, and somebody may read one parameter alone."""
    session = Session()
    session.clients["ec2"].architectures = architectures
    assert crosses(session) == []
    [image] = [one["ImageId"] for one in session.clients["ec2"].asked if "ImageId" in one]
    assert image == f"resolve:ssm:{parameter}"
    resources = [name for one in session.clients["iam"].asked for name in one["ResourceArns"]]
    assert f"arn:aws:ssm:us-east-1::parameter{parameter}" in resources


def test_an_ami_that_was_not_shared_is_no_matter_of_the_credentials() -> None:
    """EC2 has one word for both; what it says beside tells which."""
    session = Session(run_instances="AuthFailure")
    session.clients["ec2"].message = "Not authorized for images: [ami-12345678]"
    [cross] = [one for one in look(session, ami_id="ami-12345678") if not one.well]
    assert "set ami_id to another" in cross.advice
    assert "credentials" not in cross.advice


def test_an_ami_that_is_named_is_asked_for() -> None:
    """No parameter is read then, so nobody needs the right to."""
    session = Session(denied="ssm:GetParameter")
    found = look(session, ami_id="ami-12345678")
    assert [str(finding) for finding in found if not finding.well] == []
    assert "ami-12345678" in [one.get("ImageId") for one in session.clients["ec2"].asked]


def test_a_volume_is_asked_for_in_a_zone_that_there_is() -> None:
    """An account sees but some zones of us-west-1, and not in each the first."""
    session = Session("us-west-2")
    session.clients["ec2"].zones = ["us-west-2c"]
    assert crosses(session) == []
    [zone] = [one["AvailabilityZone"] for one in session.clients["ec2"].asked if "Size" in one]
    assert zone == "us-west-2c"


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
