"""The state in S3: one file away, and locked by S3 itself."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from carscribe import provision
from tests.terraform.deployments import ROOT, environment

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.terraform.conftest import World

BUCKET, KEY = "my-terraform-states", "carscribe/terraform.tfstate"  # as in the example


def test_backend_override_moves_the_state_to_s3(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the example in place the state is an object in S3, and who comes second has to wait."""
    copy = tmp_path / "terraform"
    shutil.copytree(ROOT / "terraform", copy, ignore=shutil.ignore_patterns("tests", "*.tfvars"))
    (copy / "backend_override.tf.example").rename(copy / "backend_override.tf")
    monkeypatch.setattr(provision, "CONFIGURATION", copy)
    monkeypatch.setattr(provision, "BACKEND_OVERRIDE", copy / "backend_override.tf")
    for name, value in environment(world.emulator).items():
        monkeypatch.setenv(name, value)
    s3 = world.emulator.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    here = provision.Terraform(provision.Deployment("aws", tmp_path / "state"))
    here.initialize()
    files = ROOT / "terraform" / "tests" / "files"
    apply = [
        "-auto-approve",
        "-no-color",
        f"-var=images_dir={ROOT / 'images'}",
        f"-var=inventory_file={tmp_path / 'inventory.yml'}",
        "-var=bucket_force_destroy=true",
        '-var=ssh_ingress_cidrs=["203.0.113.7/32"]',
        f"-var=ssh_public_key_file={files}/key.pub",
        f"-var=ssh_private_key_file={files}/key",
    ]
    try:
        code, said = here.run("apply", *apply, capture=True)
        assert code == 0, said
        state = json.loads(s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read())
        made = {one["type"] for one in state["resources"] if one["mode"] == "managed"}
        assert {"aws_instance", "aws_s3_bucket", "aws_sqs_queue"} <= made
        assert len(here.known().of_type("aws_key_pair")) == 1
        plan = [word for word in apply if word != "-auto-approve"]
        code, said = here.run("plan", "-detailed-exitcode", *plan, capture=True)
        assert code == 0, said
        s3.put_object(Bucket=BUCKET, Key=f"{KEY}.tflock", Body=json.dumps({"ID": "somebody"}))
        code, said = here.run("apply", *apply, capture=True)
        assert (code, "Error acquiring the state lock" in said) == (1, True), said
        s3.delete_object(Bucket=BUCKET, Key=f"{KEY}.tflock")
        code, said = here.run("destroy", *apply, capture=True)
        assert code == 0, said
    finally:
        for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            s3.delete_object(Bucket=BUCKET, Key=found["Key"])
        s3.delete_bucket(Bucket=BUCKET)
