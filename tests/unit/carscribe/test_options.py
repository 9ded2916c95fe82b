"""What the caller named: checked for its letters, and taken from nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe import options
from carscribe.deployment import DeploymentError

if TYPE_CHECKING:
    from pathlib import Path

ALL = (
    "TARGET",
    "LAB",
    "YES",
    "EYES",
    "VERBOSE",
    "IMAGES",
    "HOST",
    "LINES",
    "RUN_ID",
    "CMD",
    "TERRAFORM_ARGUMENTS",
    "THUMBNAILS",
)


def collect(goal: str = "up", **environ: str) -> options.Options:
    """Return what the Makefile's values come to."""
    return options.collect(goal, ALL, {}, environ)[0]


@pytest.mark.parametrize("value", ["1", "true", "yes", "YES", "True"])
def test_a_yes(value: str) -> None:
    """1, true and yes are the same."""
    assert collect(CARSCRIBE_YES=value).yes


@pytest.mark.parametrize("value", ["", "0", "false", "no", "No"])
def test_a_no(value: str) -> None:
    """0, false, no and nothing are the same: YES=0 pays nothing."""
    assert not collect(CARSCRIBE_YES=value).yes


@pytest.mark.parametrize("name", ["LAB", "YES", "EYES", "VERBOSE"])
def test_neither_yes_nor_no_is_refused(name: str) -> None:
    """Anything else is refused by its name and value."""
    with pytest.raises(DeploymentError, match=f"^{name} is 'maybe': it must be 1, true or yes"):
        collect(**{f"CARSCRIBE_{name}": "maybe"})


@pytest.mark.parametrize("name", ["TARGET", "LAB", "YES"])
def test_what_could_pay_is_not_taken_from_the_environment(name: str) -> None:
    """TARGET, LAB and YES there are refused, with the lines to type for either meaning."""
    with pytest.raises(DeploymentError) as told:
        collect(**{f"CARSCRIBE_AMBIENT_{name}": "a b"})
    assert f"`make up {name}='a b'` if you mean it, else `env -u {name} make up`" in str(told.value)


def test_what_could_pay_and_is_named_again_is_taken() -> None:
    """Who names it on the command line has decided."""
    given = {"TARGET": "local"}
    chosen, said = options.collect("up", ALL, given, {"CARSCRIBE_AMBIENT_TARGET": "aws"})
    assert (chosen.target, said) == ("local", [])


def test_other_names_of_the_environment_are_named_and_not_used() -> None:
    """HOST is the machine's name on some systems: one line says that it is not used."""
    environ = {"CARSCRIBE_AMBIENT_HOST": "mybox", "CARSCRIBE_AMBIENT_IMAGES": "x"}
    chosen, said = options.collect("logs", ("HOST", "LINES"), {}, environ)
    assert chosen.host == ""
    assert said == ["Not used: HOST of your environment. Say `make logs HOST=...` to name it."]


@pytest.mark.parametrize(
    "value", ["..", ".hidden", "a/b", "{{ x }}", "$(x)", "a b", "x" * 65, "-e"]
)
def test_what_is_no_run_id_is_refused(value: str) -> None:
    """A run's id is a name of letters, digits, dots, dashes and underscores, and no folder's."""
    with pytest.raises(DeploymentError, match="is no run id: 1 to 64"):
        collect(CARSCRIBE_RUN_ID=value)


def test_a_run_id() -> None:
    """The ids that the playbook makes are taken."""
    assert collect(CARSCRIBE_RUN_ID="20251231T235959Z").run_id == "20251231T235959Z"


@pytest.mark.parametrize("value", ["0", "-1", "ten", "1.5", "²", "1000001", "9" * 5000])
def test_lines_are_a_number(value: str) -> None:
    """LINES is a whole number from 1 to a million."""
    with pytest.raises(DeploymentError, match=r"^LINES is .* number from 1 to 1000000\.$"):
        collect(CARSCRIBE_LINES=value)


@pytest.mark.parametrize(
    ("value", "wanted"), [("", 200), ("all", 10_000), ("0", 0), ("500", 500), ("99999", 10_000)]
)
def test_thumbnails_are_all_or_a_number(value: str, wanted: int) -> None:
    """Without a word 200, for each costs a whole picture over the caller's line."""
    assert collect("results", CARSCRIBE_THUMBNAILS=value).thumbnails == wanted


@pytest.mark.parametrize("value", ["-1", "some", "1.5", "²"])
def test_what_is_no_number_of_thumbnails_is_refused(value: str) -> None:
    """One sentence says what it may be."""
    with pytest.raises(DeploymentError, match=r"^THUMBNAILS is .* it must be all, or a whole"):
        collect("results", CARSCRIBE_THUMBNAILS=value)


def test_a_tilde_is_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some shells leave the tilde in IMAGES=~/x as it is."""
    monkeypatch.setenv("HOME", "/home/me")
    assert str(collect(CARSCRIBE_IMAGES="~/x y").images) == "/home/me/x y"


@pytest.mark.parametrize("value", ["pairs=2", "-var=pairs=2 x"])
def test_what_is_no_option_of_terraform_is_refused(value: str) -> None:
    """A variable without its -var is not passed over until Terraform stumbles over it."""
    with pytest.raises(DeploymentError, match=r"is no option of Terraform: a variable is given as"):
        collect("up", CARSCRIBE_TERRAFORM_ARGUMENTS=value)


def test_options_of_terraform() -> None:
    """A value stands behind its option, with or without a sign between them."""
    given = "-var pairs=2 -var=name=x -target aws_vpc.main -refresh=false"
    words = ["-var=pairs=2", "-var=name=x", "-target", "aws_vpc.main", "-refresh=false"]
    assert collect("up", CARSCRIBE_TERRAFORM_ARGUMENTS=given).terraform == words


def test_an_unknown_target_is_refused() -> None:
    """A misspelt target is no default."""
    with pytest.raises(DeploymentError, match="it must be aws or local"):
        collect(CARSCRIBE_TARGET="azure")


def test_a_path_is_seen_from_where_the_caller_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not from the checkout, of which the script in .venv/bin may be called from anywhere."""
    monkeypatch.chdir(tmp_path)
    assert collect(CARSCRIBE_IMAGES="photos").images == tmp_path / "photos"
