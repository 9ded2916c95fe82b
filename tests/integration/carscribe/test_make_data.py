"""What the caller names reaches the program as it was typed, and nothing of it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deployment.checkout import HOSTILE

ROOT = Path(__file__).resolve().parents[3]
PYTHON = """#!/bin/sh
[ "$1" = -IS ] && exit 0
echo "words $*"
env | grep -aE '^(CARSCRIBE_|HOST=|IMAGES=|OUT=|TARGET=|YES=|RUN_ID=)' | sort
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose environment's Python says what it was given."""
    return make_checkout(tmp_path / "checkout")


def make_checkout(folder: Path) -> Path:
    """Make one there."""
    (folder / "carscribe").mkdir(parents=True)
    (folder / "requirements").mkdir()
    for name in ("Makefile", "deploy.mk", "carscribe/prerequisites.py", "carscribe/launcher.sh"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("try", "deploy", "dev"):
        (folder / "requirements" / f"{name}.txt").touch()
    bin_folder = folder / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    python = bin_folder / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    for name in ("pyvenv.cfg", ".try", ".deploy", ".dev"):
        (folder / ".venv" / name).touch()
    return folder


def make(checkout: Path, *words: str, **environment: str) -> tuple[int, list[str]]:
    """Call make there; return its exit code and the lines that were said."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MAKE") and name != "LINES"  # of a terminal, and one of our names
    }
    done = subprocess.run(
        ["make", *words],
        cwd=checkout,
        env={**kept, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    "value",
    [
        "$(shell touch ran)",
        "$$(touch ran)",
        "`touch ran`",
        "'; touch ran; '",
        '"; touch ran; "',
        "{{ lookup('pipe', 'touch ran') }}",
        "a b#c d",
        "$(error no)",
        "Ärger & Söhne",
    ],
)
def test_a_value_is_run_by_nobody(checkout: Path, value: str) -> None:
    """Neither make nor a shell nor Ansible acts on what a value holds."""
    code, said = make(checkout, "results", f"RUN_ID={value}")
    assert code == 0, said
    assert said == ["words -m carscribe results", f"CARSCRIBE_RUN_ID={value}"]
    assert not (checkout / "ran").exists()


def test_a_value_reaches_jobs_of_make_the_same(checkout: Path) -> None:
    """Where make calls itself, it passes values on: they are no more than data there."""
    code, said = make(checkout, "-j4", "up", "EYES=1", "IMAGES=$(shell touch ran)")
    assert code in {0, 2}, said  # the recognizer's layer is none of this checkout
    assert not (checkout / "ran").exists()


@pytest.mark.parametrize(
    ("value", "is_yes"), [("1", True), ("TRUE", True), ("Yes", True), ("no", False), ("", False)]
)
def test_eyes_get_their_recognizer(checkout: Path, value: str, *, is_yes: bool) -> None:
    """Whatever the program takes for a yes, what it needs is installed first."""
    code, said = make(checkout, "--dry-run", "try", f"EYES={value}")
    assert code == 0, said
    assert any("recognizer" in line for line in said) == is_yes


def test_the_user_s_environment_is_not_the_caller(checkout: Path) -> None:
    """What is called like ours comes under a name of its own, and never as ours."""
    environment = {"HOST": "mybox.example.org", "OUT": "/mnt", "TARGET": "local"}
    code, said = make(checkout, "logs", "IMAGES=x", **environment)
    assert code == 0
    assert said[1:] == [
        "CARSCRIBE_AMBIENT_HOST=mybox.example.org",
        "CARSCRIBE_AMBIENT_OUT=/mnt",
        "CARSCRIBE_AMBIENT_TARGET=local",
        "CARSCRIBE_IMAGES=x",
    ]


def test_the_caller_goes_before_the_environment(checkout: Path) -> None:
    """A name on the command line is the caller's, whatever the environment says."""
    said = make(checkout, "logs", "HOST=a", HOST="mybox", CARSCRIBE_TARGET="local")[1]
    assert said[1:] == ["CARSCRIBE_HOST=a"]


@pytest.mark.parametrize(
    "name", ["my projects/car scribe", "it's mine", "Überfahrt", "x" * 200, 'say "so"', "$HOME"]
)
def test_a_checkout_anywhere(tmp_path: Path, name: str) -> None:
    """Blanks, quotes, letters of other alphabets and a long name are no obstacle, nor is -C."""
    checkout = make_checkout(tmp_path / name)
    code, said = make(tmp_path, "-C", str(checkout), "try")
    assert (code, said[1:-1]) == (0, ["words -m carscribe try"])


def test_a_path_with_a_colon_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Lists of paths are split at colons, so nothing would be found."""
    code, said = make(make_checkout(tmp_path / "a:b"), "try")
    assert code == 2
    assert len(said) == 1
    assert "a path with a colon cannot be used: move it" in said[0]


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Path) -> None:
    """A checkout that was moved has an environment that does not work; it is not called ready."""
    (checkout / ".venv" / "bin" / "python").write_text("#!/nowhere/python3\n")
    code, said = make(checkout, "try", "PYTHON=false")
    assert code == 2
    assert "The environment in .venv does not work" in said[0]
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("command", ["try", "up", "demo"])
def test_a_python_that_is_none_is_named(checkout: Path, command: str) -> None:
    """PYTHON may be set for another program: node-gyp, say."""
    shutil.rmtree(checkout / ".venv")
    code, said = make(checkout, command, PYTHON="/nowhere/python2")
    assert code == 2
    assert said[0].startswith("PYTHON is /nowhere/python2, and that is no Python 3 here: say 'make")
    assert len(said) == 2, said


def test_packages_that_pip_put_elsewhere_are_told(checkout: Path) -> None:
    """An environment is ready when what was installed can be imported from it."""
    python = checkout / ".venv" / "bin" / "python"
    python.write_text(PYTHON.replace("echo", '[ "$1" = -c ] && exit 1\necho', 1))
    (checkout / ".venv" / ".try").unlink()
    code, said = make(checkout, "try")
    assert code == 2
    assert any("pip has put the packages elsewhere than into .venv" in line for line in said)
    assert not (checkout / ".venv" / ".try").exists()


def test_settings_for_other_environments_are_kept_out(checkout: Path) -> None:
    """PIP_USER and its like would put the packages elsewhere, PYTHON... break what we run."""
    python = checkout / ".venv" / "bin" / "python"
    python.write_text(
        '#!/bin/sh\n[ "$1" = -IS ] && exit 0\nenv | grep -E "^(PIP_|PYTHON)"; exit 0\n'
    )
    (checkout / ".venv" / ".try").unlink()
    hostile = {
        name: value for name, value in HOSTILE.items() if name.startswith(("PIP_", "PYTHON"))
    }
    code, said = make(checkout, "try", "PYTHON=true", PYTHONDONTWRITEBYTECODE="1", **hostile)
    assert code == 0, said
    assert set(hostile) & {line.partition("=")[0] for line in said} == {"PIP_USER"}
    assert {"PIP_USER=0", "PYTHONDONTWRITEBYTECODE=1"} <= set(said)


DEVELOPERS = ("mypy", "selenium", "hypothesis", "pytest", "ruff", "ansible-lint", "moto-stubs")
DEPLOYS = ("doctor", "plan", "up", "run", "results", "status", "logs", "ssh", "down", "demo")


def test_who_deploys_gets_no_developer_s_tools(checkout: Path) -> None:
    """The layer of a deployment has Ansible, and neither type checker, fuzzer nor browser driver."""
    names = {line.split("==")[0] for line in (ROOT / "requirements/deploy.txt").read_text().split()}
    assert {"ansible-core", "boto3", "flit-core"} <= names
    assert names.isdisjoint(DEVELOPERS)
    (checkout / ".venv" / ".dev").unlink()
    for command in DEPLOYS:
        assert make(checkout, command)[0] == 0
    assert not (checkout / ".venv" / ".dev").exists()


def test_the_script_finds_its_checkout(checkout: Path, tmp_path: Path) -> None:
    """`.venv/bin/carscribe` works from any folder, and through a link to the environment."""
    shutil.copy(checkout / "carscribe" / "launcher.sh", checkout / ".venv" / "bin" / "carscribe")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".venv").symlink_to(checkout / ".venv")
    (checkout / ".venv" / "bin" / "python").write_text(
        '#!/bin/sh\necho "$PIP_PYTHON$PYTHONHOME$PYTHONOPTIMIZE$PYTHON_GIL$PYTHONPATH $*"\n'
    )
    for folder, script, root in (
        ("/", checkout / ".venv/bin/carscribe", checkout),
        ("/", tmp_path / "other/.venv/bin/carscribe", tmp_path / "other"),
        (checkout, ".venv/bin/carscribe", checkout),
    ):
        said = subprocess.run(
            ["sh", script, "status"],
            cwd=folder,
            env={**os.environ, **HOSTILE, "CDPATH": str(tmp_path / "other"), "PYTHON_GIL": "0"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert said.startswith(f"{root}:{root}/common:")
        assert said.endswith(" -m carscribe status\n")
