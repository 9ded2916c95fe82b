"""A checkout of its own, whose AWS is an emulator."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tests.emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
OWN = {"terraform-data", "logs", "command.lock"}


class Checkout:
    """A checkout, and what its commands say.

    Args:
        root: its folder.
        emulator: AWS.
    """

    def __init__(self, root: Path, emulator: Emulator) -> None:
        self.root, self.emulator = root, emulator
        self.state = root / "build" / "aws" / "terraform.tfstate"

    @classmethod
    def copied(cls, root: Path, emulator: Emulator) -> Self:
        """Copy what belongs to the project, without anything that was made or set here."""
        for part in ("ansible", "carscribe", "common", "emulator", "images", "terraform"):
            skip = shutil.ignore_patterns("*.tfvars", "backend_override.tf")
            shutil.copytree(ROOT / part, root / part, ignore=skip)
        return cls(root, emulator)

    def python(self, module: str, *words: str, **environment: str) -> tuple[int, str]:
        """Run one of its modules; return the exit code and all that it said."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "TF_"))}
        paths = os.pathsep.join(str(self.root / part) for part in ("", "common"))
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=self.root,
            env={**kept, **self.emulator.env, "PYTHONPATH": paths, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def down(self, **environment: str) -> tuple[int, str]:
        """Call `make down`'s program."""
        return self.python("carscribe", "down", **environment)

    def keys(self) -> list[str]:
        """Return the names of the key pairs that are up."""
        pairs = self.emulator.client("ec2").describe_key_pairs()["KeyPairs"]
        return [str(pair["KeyName"]) for pair in pairs]

    def files(self) -> set[str]:
        """Return what lies in build/, without Terraform's own folder, logs and the lock."""
        build = self.root / "build"
        found = (path.relative_to(build) for path in build.rglob("*") if path.is_file())
        return {str(path) for path in found if not OWN & set(path.parts)}
