"""What needs neither AWS nor the emulator: Terraform's own tests, and lists that must agree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import boto3

from tests.terraform.deployments import ROOT

if TYPE_CHECKING:
    import subprocess

CONFIGURATION = ROOT / "terraform"
VARIABLES = set(
    re.findall(r'^variable "(\w+)"', (CONFIGURATION / "variables.tf").read_text(), re.MULTILINE)
)


def test_formatting_validity_and_terraform_s_own_tests(
    offline_check: subprocess.Popen[str],
) -> None:
    """`fmt -check`, `validate` and `terraform test` pass with nobody to ask."""
    said = offline_check.communicate()[0]
    assert offline_check.returncode == 0, said
    passed = re.search(r"Success! (\d+) passed, 0 failed\.", said)
    assert passed is not None, said
    assert int(passed[1]) == len(
        [
            run
            for file in (CONFIGURATION / "tests").glob("*.tftest.hcl")
            for run in re.findall(r'^run "', file.read_text(), re.MULTILINE)
        ]
    )


def test_regions_are_those_where_botocore_knows_rekognition() -> None:
    """The regions that the variable takes are the ones with Rekognition."""
    found = re.search(r"rekognition_regions = \[(.*?)\]", _read("locals.tf"), re.DOTALL)
    assert found is not None
    assert re.findall(r'"([^"]+)"', found[1]) == boto3.Session().get_available_regions(
        "rekognition"
    )


def test_the_lock_file_serves_all_platforms() -> None:
    """The lock file has the configuration's constraint, and a hash for each of 14 platforms."""
    lock = _read(".terraform.lock.hcl")
    constraint = re.search(r'version = "(~> [^"]+)"', _read("terraform.tf"))
    assert constraint is not None
    assert f'constraints = "{constraint[1]}"' in lock
    assert len(re.findall(r'"h1:', lock)) == 14
    assert len(re.findall(r'"zh:', lock)) >= 14


def test_every_file_of_variables_names_variables_that_exist() -> None:
    """No ready file sets a variable that is not there, nor do its comments."""
    files = [*CONFIGURATION.glob("*.tfvars"), CONFIGURATION / "aws.tfvars.example"]
    assert len(files) >= 3
    for file in files:
        named = set(re.findall(r"^(?:# )?([a-z_]+)\s*=", file.read_text(), re.MULTILINE))
        assert named, file
        assert named <= VARIABLES, file


def test_every_variable_and_output_is_described() -> None:
    """Each variable has a type and a description, each output a description."""
    for name in ("variables.tf", "outputs.tf"):
        blocks = re.split(r'^(?=variable "|output ")', _read(name), flags=re.MULTILINE)[1:]
        assert blocks
        for block in blocks:
            assert re.search(r'^  description = ".+[.]"$', block, re.MULTILINE), block
            assert name == "outputs.tf" or re.search(r"^  type +=", block, re.MULTILINE), block


def _read(name: str) -> str:
    return (CONFIGURATION / name).read_text()
