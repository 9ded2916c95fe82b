"""The bucket that is made before Terraform is asked, in a Learner Lab: which, when, and how it goes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from carscribe import bucket, leftovers, provision
from carscribe.deployment import DeploymentError
from carscribe.inputs import UsageError
from carscribe.state import State

NAME = "cars-images-20261128164500123400000001"
FOUND = {"name": "cars", "region": "us-east-1", "existing_bucket": None}
LAB = provision.Deployment("aws", Path("build/aws"), lab=True)


def state(*kinds: str) -> State:
    """Return a state with these resources of one bucket."""
    resources = [
        {"mode": "managed", "type": kind, "instances": [{"attributes": {"id": NAME}}]}
        for kind in kinds
    ]
    return State({"resources": resources})


def test_a_new_name_is_found_as_terraform_s_own_are() -> None:
    """What was made by this checkout shows in another, where nobody knows the deployment's name."""
    first, second = bucket.new_name("a" * 20), bucket.new_name("a" * 20)
    assert first != second
    assert len(first) <= 63
    found = leftovers._ANY.fullmatch(first)
    assert found is not None
    assert found["deployment"] == "a" * 20
    declared = (provision.CONFIGURATION / "variables.tf").read_text()
    taken = re.search(r'regex\("(.*)", var\.lab_bucket\)', declared)
    assert taken is not None
    assert re.search(taken[1], first)


@pytest.mark.parametrize(
    ("known", "before", "name"),
    [
        (state("aws_s3_bucket_policy", "aws_s3_object"), {"bucket": "another"}, NAME),
        (state(), {"bucket": NAME}, NAME),
        (state("aws_s3_bucket", "aws_s3_bucket_policy"), {}, None),  # of an earlier release
    ],
)
def test_the_bucket_that_is_there_is_kept(
    known: State, before: dict[str, str], name: str | None
) -> None:
    """The state's goes first, then the one remembered; one that Terraform has made stays."""
    assert provision.lab_bucket(LAB, known, before, FOUND) == name


def test_none_is_made_where_one_exists_or_outside_of_a_lab() -> None:
    """The first `up` in a lab alone chooses a name."""
    chosen = provision.lab_bucket(LAB, state(), {}, FOUND)
    assert chosen is not None
    assert chosen.startswith("cars-images-")
    own = {**FOUND, "existing_bucket": "my-photos"}
    assert provision.lab_bucket(LAB, state(), {"bucket": NAME}, own) is None
    elsewhere = provision.Deployment("aws", Path("build/aws"))
    assert provision.lab_bucket(elsewhere, state(), {}, FOUND) is None


def test_another_region_is_refused_while_the_bucket_is_there() -> None:
    """Terraform may know nothing yet, and would not find it in another region."""
    before = {"bucket": NAME, "region": "us-east-1"}
    provision.refuse_another_region(state(), before, FOUND)
    with pytest.raises(UsageError, match="in us-east-1, and region is us-west-2 now"):
        provision.refuse_another_region(state(), before, {**FOUND, "region": "us-west-2"})
    provision.refuse_another_region(state(), {"region": "us-east-1"}, {"region": "us-west-2"})


class Session:
    """A session whose S3 gives these answers."""

    def __init__(self, *answers: tuple[str, dict[str, Any] | str]) -> None:
        session = boto3.session.Session("x", "x", region_name="us-west-2")
        self.s3 = session.resource("s3")
        self.stub = Stubber(self.s3.meta.client)
        for operation, said in answers:
            if isinstance(said, str):
                self.stub.add_client_error(operation, said)
            else:
                self.stub.add_response(operation, said)
        self.stub.activate()

    def client(self, *_: str, **__: str) -> Any:
        """Return its client."""
        return self.s3.meta.client

    def resource(self, *_: str) -> Any:
        """Return its resource."""
        return self.s3


ONE = {"Versions": [{"Key": "1.jpg", "VersionId": "null"}]}


def remove(*answers: tuple[str, dict[str, Any] | str]) -> bool:
    """Remove a bucket; all that it is asked for has been."""
    session = Session(*answers)
    try:
        return bucket.remove(session, NAME)  # type: ignore[arg-type]
    finally:
        session.stub.assert_no_pending_responses()


def test_a_bucket_goes_with_all_its_versions() -> None:
    """It is emptied first."""
    assert remove(("list_object_versions", ONE), ("delete_objects", {}), ("delete_bucket", {}))


def test_a_bucket_that_is_gone_is_no_error() -> None:
    """Also where it goes between two questions: `down` may have been killed, or called twice."""
    assert not remove(("list_object_versions", "NoSuchBucket"))
    assert not remove(("list_object_versions", {}), ("delete_bucket", "NoSuchBucket"))


def test_a_refusal_is_no_removal() -> None:
    """What AWS says, with what to do about it."""
    for answers in (
        [("list_object_versions", "AccessDenied")],
        [("list_object_versions", {}), ("delete_bucket", "AccessDenied")],
    ):
        with pytest.raises(
            DeploymentError, match=rf"^The bucket {NAME} cannot be removed: .*You may"
        ):
            remove(*answers)


def test_an_object_that_stays_is_named() -> None:
    """S3 refuses single objects in an answer that is no error."""
    kept = {"Errors": [{"Key": "1.jpg", "Code": "AccessDenied", "Message": "a lock"}]}
    with pytest.raises(
        DeploymentError, match=r"1 of its objects stay, 1\.jpg the first \(AccessDenied: a lock\)\."
    ):
        remove(("list_object_versions", ONE), ("delete_objects", kept))


def test_a_bucket_that_cannot_be_made_is_named() -> None:
    """Nothing else is made then: Terraform is not asked."""
    session: Any = Session(("head_bucket", "404"), ("create_bucket", "TooManyBuckets"))
    with pytest.raises(
        DeploymentError, match=rf"^The bucket {NAME} for the images cannot be made: .*quota"
    ):
        bucket.make_for_images(session, NAME, "us-west-2", {"Deployment": "cars"})


def test_a_bucket_has_the_tags_of_all_that_is_made() -> None:
    """An organization may demand its own; a bucket that is there gets them, too."""
    session: Any = Session(("head_bucket", {}))
    pairs = {"CostCenter": "4711", "Deployment": "cars", "Name": "cars-images"}
    tags = [{"Key": key, "Value": value} for key, value in pairs.items()]
    asked = {"Bucket": NAME, "Tagging": {"TagSet": tags}}
    session.stub.add_response("put_bucket_tagging", {}, asked)
    given = {"CostCenter": "4711", "Deployment": "cars"}
    bucket.make_for_images(session, NAME, "us-east-1", given)
    session.stub.assert_no_pending_responses()
