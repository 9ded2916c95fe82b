"""What is no bucket for Terraform's state, and what stands in the file that names it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from carscribe import backend, provision, targets
from carscribe.deployment import DeploymentError


@pytest.mark.parametrize("bucket", ["", "My-States", "s3://states", "a" * 64, "ab", "-ab", "a\nb"])
def test_what_is_no_bucket_is_refused(bucket: str) -> None:
    """One sentence says what a name is, before anything is looked at."""
    with pytest.raises(
        DeploymentError, match=r"^BUCKET is .*: name a bucket for Terraform's state"
    ):
        backend.keep_in(targets.Aws(), bucket)


class Bucket:
    """An S3 with one bucket, or none yet."""

    def __init__(self, *, there: bool = True, status: str | None = None, code: str = "") -> None:
        self.there, self.status, self.code = there, status, code
        self.enabled: list[dict[str, object]] = []

    def client(self, _: str) -> Bucket:
        """Return itself: a session makes a client."""
        return self

    def _ask(self, operation: str) -> None:
        if code := "NoSuchBucket" if not self.there else self.code:
            raise ClientError({"Error": {"Code": code}}, operation)

    def head_bucket(self, **_: str) -> dict[str, str]:
        """Say whether it is there."""
        if not self.there:
            self._ask("HeadBucket")
        return {"BucketRegion": "us-east-1"}

    def get_bucket_versioning(self, **_: str) -> dict[str, str]:
        """Answer without a status where versioning was never switched on (S3 API Reference)."""
        self._ask("GetBucketVersioning")
        return {"Status": self.status} if self.status else {}

    def create_bucket(self, **_: object) -> None:
        """Make it."""
        self.there = True

    def put_public_access_block(self, **_: object) -> None:
        """Close it."""

    def put_bucket_versioning(self, **asked: object) -> None:
        """Keep what is asked for."""
        self.enabled.append(asked)


def made_or_taken(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the bucket or take the one that is there."""
    target = targets.Aws()
    monkeypatch.setattr(target, "session", lambda _: bucket)
    backend._bucket(target, "states", "us-east-1")


def test_a_bucket_that_is_made_keeps_versions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A state that is overwritten by mistake can be had back."""
    made_or_taken(bucket := Bucket(there=False), monkeypatch)
    assert [one["VersioningConfiguration"] for one in bucket.enabled] == [{"Status": "Enabled"}]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("status", "code", "is_told"),
    [
        (None, "", True),
        ("Suspended", "", True),
        ("Enabled", "", False),
        (None, "AccessDenied", False),
    ],
)
def test_a_bucket_that_is_there_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: str | None,
    code: str,
    *,
    is_told: bool,
) -> None:
    """Whose bucket it is decides whether it keeps versions, and what that costs; it is advised."""
    made_or_taken(bucket := Bucket(status=status, code=code), monkeypatch)
    assert bucket.enabled == []
    said = capsys.readouterr().out
    assert said.startswith("The bucket states keeps no versions, so a state that") is is_told
    assert bool(said) is is_told


def test_the_file_is_the_example_with_other_names() -> None:
    """All else, the lock above all, stays as the example has it."""
    example = backend.EXAMPLE.read_text()
    same = backend.text_of("my-terraform-states", "carscribe/terraform.tfstate", "us-east-1")
    assert same == example
    text = backend.text_of("ours", "team/terraform.tfstate", "eu-west-1")
    changed = [line.split() for line in text.splitlines() if line not in example.splitlines()]
    assert changed == [
        ["bucket", "=", '"ours"'],
        ["key", "=", '"team/terraform.tfstate"'],
        ["region", "=", '"eu-west-1"'],
    ]
    assert provision.BACKEND_OVERRIDE.name == "backend_override.tf"
