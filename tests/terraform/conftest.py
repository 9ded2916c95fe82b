"""One emulator and its deployments for all tests of this folder, begun before the first test."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import boto3
import pytest

from carscribe import leftovers
from tests import operator_policy
from tests.emulator import Emulator, start
from tests.terraform.deployments import (
    ROOT,
    Deployment,
    everything,
    in_a_lab,
    prepare_account,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class World:
    """The emulator, what was there before, and the deployments by name."""

    def __init__(self, emulator: Emulator, before: dict[str, set[str]]) -> None:
        self.emulator, self.before = emulator, before
        self.deployments: dict[str, Deployment] = {}
        self.exit_codes: dict[str, int] = {}
        self.made: dict[str, set[str]] = {}
        self.found: list[leftovers.Found] = []
        self.called: set[str] = set()

    def finish(self) -> None:
        """Wait for the applies, once."""
        if not self.exit_codes:
            for name, deployment in self.deployments.items():
                self.exit_codes[name] = deployment.wait()
            self.called = operator_policy.names(self.emulator.counts())
            self.made = everything(self.emulator)
            with pytest.MonkeyPatch.context() as patch:
                for name, value in self.emulator.env.items():
                    patch.setenv(name, value)
                self.found = leftovers.ask(boto3.session.Session(), "us-east-1", "own").found

    def __getitem__(self, name: str) -> Deployment:
        self.finish()
        assert self.exit_codes[name] == 0, self.deployments[name].said
        return self.deployments[name]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four deployments side by side: one's own of two pairs, a Learner Lab, an existing bucket, one that fails."""
    folder = tmp_path_factory.mktemp("deployments")
    key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")]
    subprocess.run(key, check=True)
    with start(folder / "emulator", images=ROOT / "images") as emulator:
        subnet, lab = prepare_account(emulator), in_a_lab(emulator)
        emulator.enforce_iam()  # for all but the account's root
        world = World(emulator, everything(emulator))
        emulator.call("POST", "_carscribe/reset")
        amazon = {"operating_system": "al2023"}
        given = {
            "own": Deployment(
                "own", folder / "own", emulator, {"bucket_force_destroy": "false", "pairs": "2"}
            ),
            "lab": Deployment("lab", folder / "lab", emulator, amazon, ("--lab",), lab),
            "given": Deployment(
                "given",
                folder / "given",
                emulator,
                {
                    **amazon,
                    "existing_bucket": "my-photos",
                    "image_prefix": "photos/2024/",
                    "results_prefix": "carscribe-results/",
                    "existing_subnet_id": subnet,
                },
            ),
            "failing": Deployment(
                "failing", folder / "failing", emulator, {"existing_instance_profile": "missing"}
            ),
        }
        for deployment in given.values():
            deployment.folder.mkdir()
            deployment.start("apply")
        world.deployments.update(given)
        yield world
        for deployment in given.values():
            if deployment.process is not None and deployment.process.poll() is None:
                deployment.process.kill()
                deployment.process.wait()


@pytest.fixture(scope="session")
def offline_check() -> Iterator[subprocess.Popen[str]]:
    """Formatting, validity and Terraform's own tests, without anybody to ask."""
    without_anybody = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    kept = {n: v for n, v in os.environ.items() if not n.startswith("AWS_")}
    with subprocess.Popen(
        [sys.executable, "-m", "carscribe", "terraform", "check"],
        cwd=ROOT,
        env={**kept, **without_anybody},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        yield process
        process.kill()


@pytest.fixture(scope="session", autouse=True)
def _begin_early(request: pytest.FixtureRequest) -> None:
    """Begin what takes long while the first tests run, if any test wants it."""
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", [])}
    for name in ("offline_check", "world"):
        if name in wanted:
            request.getfixturevalue(name)
