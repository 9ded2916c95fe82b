"""Where the provider comes from: a named folder, the registry, or what a search finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe import provider, provision

if TYPE_CHECKING:
    from pathlib import Path

VERSION, PLATFORM = "5.100.0", "linux_amd64"


def make_mirror(folder: Path, *, packed: bool = False) -> Path:
    """Make a folder that looks like a filesystem mirror."""
    aws = folder / provider.PROVIDER
    if packed:
        aws.mkdir(parents=True)
        (aws / f"terraform-provider-aws_{VERSION}_{PLATFORM}.zip").touch()
    else:
        (aws / VERSION / PLATFORM).mkdir(parents=True)
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, no mirror anywhere, and no registry."""
    for name in ("TERRAFORM_PLUGIN_DIR", "TF_CLI_CONFIG_FILE", "XDG_DATA_HOME", "XDG_DATA_DIRS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(provider, "SEARCHED", ())
    monkeypatch.setattr(provider, "registry_answers", lambda: False)
    return tmp_path


@pytest.mark.parametrize("packed", [False, True])
def test_a_named_folder_is_taken(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    """TERRAFORM_PLUGIN_DIR goes before everything, unpacked or packed."""
    named = make_mirror(home / "named", packed=packed)
    monkeypatch.setenv("TERRAFORM_PLUGIN_DIR", str(named))
    monkeypatch.setattr(provider, "registry_answers", lambda: True)
    assert provider.mirror(VERSION, PLATFORM) == named


def test_the_registry_is_taken_if_it_answers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With internet Terraform works as usual, whatever else is on the machine."""
    make_mirror(home / "somewhere")
    monkeypatch.setattr(provider, "registry_answers", lambda: True)
    assert provider.mirror(VERSION, PLATFORM) is None


@pytest.mark.parametrize(
    "place", [".terraform.d/plugins", ".local/share/terraform/plugins", "a/b/c", "tools"]
)
def test_a_search_finds_it_without_the_registry(home: Path, place: str) -> None:
    """A mirror at one of Terraform's own places, or not too deep elsewhere, is found."""
    mirror = make_mirror(home / place)
    assert provider.mirror(VERSION, PLATFORM) == mirror


def test_a_mirror_with_another_version_or_platform_is_none(home: Path) -> None:
    """What is found must be the locked version for this machine."""
    make_mirror(home / "tools")
    for version, platform in (("5.99.0", PLATFORM), (VERSION, "darwin_arm64")):
        with pytest.raises(provider.NoProviderError, match=f"{version} for {platform}: connect"):
            provider.mirror(version, platform)


def test_a_search_has_an_end(home: Path) -> None:
    """Deeper than five folders nobody looks, nor into environments of Python."""
    make_mirror(home / "1/2/3/4/5/6")
    make_mirror(home / "x" / "site-packages")
    with pytest.raises(provider.NoProviderError):
        provider.mirror(VERSION, PLATFORM)


def test_a_mirror_of_the_user_s_own_configuration_is_left_alone(home: Path) -> None:
    """A ~/.terraformrc that says where providers come from decides."""
    make_mirror(home / "tools")
    (home / ".terraformrc").write_text("provider_installation {\n  direct {}\n}\n")
    assert provider.mirror(VERSION, PLATFORM) is None


def test_the_configuration_takes_this_provider_alone_from_the_folder(home: Path) -> None:
    """Any other provider would still come from the registry."""
    file = home / "made" / "terraform.tfrc"
    provider.write_configuration(file, home / 'odd "name"')
    text = file.read_text()
    assert f'path    = "{home}/odd \\"name\\""' in text
    assert text.count(provider.PROVIDER) == 2
    assert [path.name for path in file.parent.iterdir()] == ["terraform.tfrc"]


@pytest.mark.parametrize("folder", [None, 'odd "name"'])
def test_a_configuration_that_is_another_is_known(home: Path, folder: str | None) -> None:
    """It is written anew then; Terraform's word about it would not say how."""
    file = home / "terraform.tfrc"
    assert not provider.is_written(file)
    provider.write_configuration(file, home / folder if folder else None)
    assert provider.is_written(file)
    for raw in (b"\x00\xff", b"    path    = [\n", file.read_bytes() + b"junk\n"):
        file.write_bytes(raw)
        assert not provider.is_written(file)


def test_a_configuration_of_ours_is_kept_or_written_anew(home: Path) -> None:
    """What a command finds that is no configuration of ours is put right without a word."""
    deployment = provision.Deployment("aws", home / "aws")
    file = deployment.cli_configuration
    provider.write_configuration(file, home / "mirror")
    provision.Terraform(deployment, {})
    assert str(home / "mirror") in file.read_text()
    file.write_text("\x00junk")
    provision.Terraform(deployment, {})
    assert provider.is_written(file)
