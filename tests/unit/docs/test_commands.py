"""Every command in the documentation is run by a test, or listed as run only on AWS."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CONSOLE = re.compile(r"^( *)```console\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(
    r"`(?:sudo )?make ([a-z][a-z-]*)|^ *\$ (?:sudo )?make ([a-z][a-z-]*)", re.MULTILINE
)
TARGET = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)

# By the beginning of a command: the test that runs it, and words by which that
# test does so. A longer beginning goes before a shorter one.
RUN_BY: dict[str, tuple[str, str]] = {
    "make try": ("tests/integration/carscribe/test_make.py", '"try"'),
    "make emulator": ("tests/integration/emulator/test_own_program.py", '"open"'),
    "make doctor": ("tests/integration/carscribe/test_make.py", '"doctor"'),
    "make record": ("tests/integration/carscribe/test_make.py", '"record"'),
    "make demo": ("tests/deployment/test_demo.py", '"demo"'),
    "make up": ("tests/deployment/conftest.py", 'make_target("up"'),
    "make run": ("tests/deployment/test_runs.py", 'playbook("run"'),
    "make results": ("tests/deployment/checkout.py", 'make_target("results"'),
    "make verify": ("tests/deployment/test_runs.py", 'make_target("verify"'),
    "make down": ("tests/deployment/test_kills.py", 'make_target("down"'),
    "cd ansible && ansible-playbook run.yml": (
        "tests/deployment/test_runs.py",
        'playbook("run"',
    ),
    "cd ansible && ansible-playbook site.yml": (
        "tests/deployment/test_provisioning.py",
        'playbook("site"',
    ),
    "make check": (".ci/run", "make test"),  # a part of it
    "make test": (".ci/run", "make test"),
}
ONLY_ON_AWS = {
    "make doctor LAB=1",
    "make up LAB=1",
    "mv ~/Downloads/labsuser.pem ~/.ssh/ && chmod 600 ~/.ssh/labsuser.pem",
}


def documents() -> list[Path]:
    """Return the Markdown files that tell people what to type."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines()]


def commands(text: str) -> list[str]:
    """Return the commands of the console and shell blocks, without remarks."""
    lines = [line for _, block in CONSOLE.findall(text) for line in block.splitlines()]
    typed = [line.strip().removeprefix("$ ") for line in lines if line.strip().startswith("$ ")]
    in_shell = [line for block in SHELL.findall(text) for line in block.splitlines()]
    typed += [line for line in in_shell if not line.startswith("export ")]  # what was printed
    return [re.sub(r"\s+#.*", "", line).strip() for line in typed]


ALL = sorted({command for document in documents() for command in commands(document.read_text())})


@pytest.mark.parametrize("command", ALL)
def test_a_command_is_run_by_a_test(command: str) -> None:
    """A command is in the table, or only for AWS."""
    if command in ONLY_ON_AWS:
        return
    assert any(command.startswith(beginning) for beginning in RUN_BY), command


@pytest.mark.parametrize("beginning", sorted(RUN_BY))
def test_the_test_does_run_it(beginning: str) -> None:
    """The file that the table names is there and has the words by which it runs the command."""
    file, words = RUN_BY[beginning]
    assert words in (ROOT / file).read_text()


@pytest.mark.parametrize("command", sorted(ONLY_ON_AWS))
def test_what_is_only_for_aws_is_in_the_documentation(command: str) -> None:
    """The list has no command that nobody is told any more."""
    assert command in ALL


def targets() -> set[str]:
    """Return the targets that `make help` lists."""
    makefiles = [ROOT / "Makefile", ROOT / "deploy.mk"]
    return {name for file in makefiles for name in TARGET.findall(file.read_text())}


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_targets_that_are_named_exist(document: Path) -> None:
    """Every `make TARGET` in a document is one of the targets."""
    named = {name for pair in NAMED.findall(document.read_text()) for name in pair if name}
    assert named <= targets()


def test_help_lists_the_targets() -> None:
    """`make` alone lists every target that documents itself."""
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in said.splitlines()} == targets()


def test_there_are_commands() -> None:
    """The checks above have something to check."""
    assert len(ALL) > 8
