"""What `make doctor` says of an account, against the emulator as if it were AWS."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests import operator_policy
from tests.terraform.deployments import in_a_lab

if TYPE_CHECKING:
    from tests.emulator import Emulator

ROOT = Path(__file__).resolve().parents[3]
PYTHONPATH = os.pathsep.join(str(ROOT / part) for part in ("", "common"))


def look(
    home: Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Call the doctor for TARGET=aws, as somebody with this home."""
    return subprocess.run(
        [sys.executable, "-m", "carscribe", "doctor", "--target", "aws", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment, "HOME": str(home), "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_account_in_which_all_is_well(emulator: Emulator, tmp_path: Path) -> None:
    """Ticks alone, who is asking, what an hour costs and what the ten images cost."""
    told = look(tmp_path, emulator.env)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "✗" not in told.stdout
    assert "✓ rekognition:DetectLabels" in told.stdout
    assert "An hour costs about $0.033" in told.stdout
    assert "A run over 10 images costs $0.010" in told.stdout
    asked = operator_policy.names(emulator.counts())
    assert len(asked) >= 8
    assert operator_policy.refused(asked) == set()


def test_nothing_is_made(emulator: Emulator, tmp_path: Path) -> None:
    """After a look the account is as empty as before."""
    look(tmp_path, emulator.env)
    assert emulator.client("s3").list_buckets()["Buckets"] == []
    assert emulator.client("ec2").describe_addresses()["Addresses"] == []
    assert emulator.client("ec2").describe_volumes()["Volumes"] == []


def test_a_learner_lab_is_found_by_itself(emulator: Emulator, tmp_path: Path) -> None:
    """With a lab's credentials and no LAB=1 it goes on as with it, and asks for the key file."""
    key = tmp_path / ".ssh" / "labsuser.pem"
    environment = emulator.env | in_a_lab(emulator)
    told = look(tmp_path, environment)
    assert told.returncode == 78
    assert "AWS Academy Learner Lab: going on as with LAB=1." in told.stdout
    assert f"✗ private key {key}: it is not there; press 'Download PEM'" in told.stdout
    key.parent.mkdir()
    key.touch(mode=0o600)
    told = look(tmp_path, environment)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "✓ AWS Academy Learner Lab" in told.stdout
    assert "iam:" not in told.stdout.replace("arn:aws:iam:", "")


def test_a_lab_is_in_its_regions_only(emulator: Emulator, tmp_path: Path) -> None:
    """Another region than the lab's is a cross that names the two."""
    told = look(tmp_path, emulator.env | in_a_lab(emulator), "--", "-var=region=eu-west-1")
    assert (
        "✗ AWS Academy Learner Lab in eu-west-1: it allows us-east-1 and us-west-2" in told.stdout
    )


def test_no_credentials(tmp_path: Path) -> None:
    """Without credentials there is one cross, and a last sentence that says that nothing was made."""
    nothing = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    told = look(tmp_path, {**nothing, "AWS_EC2_METADATA_DISABLED": "true"})
    assert told.returncode == 78
    assert told.stdout.count("✗") == 1
    assert "✗ AWS credentials: There are no AWS credentials: run 'aws configure'" in told.stdout
    assert "nothing was made" in told.stderr


def test_own_images_are_counted(emulator: Emulator, tmp_path: Path) -> None:
    """The cost is that of the folder named; a folder that is not there is one sentence."""
    (tmp_path / "1.jpg").touch()
    told = look(tmp_path, emulator.env, "--images", str(tmp_path))
    assert "over 1 image costs $0.001" in told.stdout
    assert "✓ volumes of 1 GiB for 1 image" in told.stdout
    told = look(tmp_path, emulator.env, "--images", str(tmp_path / "none"))
    assert told.returncode == 78
    assert "none. Say `make up IMAGES=DIR` with the folder" in told.stderr


def test_an_existing_bucket_is_counted(emulator: Emulator, tmp_path: Path) -> None:
    """Its images have a price; of one that cannot be listed that of a thousand is said."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="photos")
    for key in ("1.jpg", "2.jpg", "notes.txt"):
        s3.put_object(Bucket="photos", Key=key, Body=b"x")
    told = look(tmp_path, emulator.env, "--", "-var=existing_bucket=photos")
    assert "A run over 2 images costs $0.002" in told.stdout
    told = look(tmp_path, emulator.env, "--", "-var=existing_bucket=somebody-elses")
    assert "$1.00 to $2.00 for each thousand images" in told.stdout


def test_several_pairs_are_looked_at_and_have_their_price(
    emulator: Emulator, tmp_path: Path
) -> None:
    """Room for all of them is looked for, and what does not fit is refused with what does."""
    told = look(tmp_path, emulator.env, "--", "-var=pairs=2")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "✓ 4 Elastic IPs for 2 pairs" in told.stdout
    assert "4 t3.micro, 4 public addresses, 8 volumes" in told.stdout
    assert "✓ volumes of 1 GiB for 10 images on 2 pairs" in told.stdout
    asked = operator_policy.names(emulator.counts())
    assert "ec2.DescribeAccountAttributes" in asked
    assert operator_policy.refused(asked) == set()
    emulator.client("ec2").allocate_address(Domain="vpc")
    told = look(tmp_path, emulator.env, "--", "-var=pairs=3")
    assert told.returncode == 78
    assert (
        "✗ 6 Elastic IPs for 3 pairs: the quota is 5, of which others have 1; set pairs = 2, or"
        in told.stdout
    )


def test_other_regions_are_looked_at_and_have_their_price(
    emulator: Emulator, tmp_path: Path
) -> None:
    """Rekognition is asked in each; what leaves the bucket's region is said before it does."""
    named = "-var=rekognition_regions={us-west-2=null,eu-west-1=100}"
    told = look(tmp_path, emulator.env, "--", named)
    assert told.returncode == 0, told.stdout + told.stderr
    for region in ("us-west-2", "eu-west-1"):
        assert f"✓ rekognition:DetectText in {region}" in told.stdout
    assert "75% of the images leave us-east-1 for eu-west-1, us-west-2" in told.stdout
    emulator.faults({"operations": {"rekognition.*@us-west-2": {"deny_share": 1}}})
    told = look(tmp_path, emulator.env, "--", named)
    assert told.returncode == 78
    assert "✗ rekognition:DetectText in us-west-2: " in told.stdout
