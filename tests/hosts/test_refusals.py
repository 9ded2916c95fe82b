"""Where hosts cannot be, one sentence says what to do; none of it needs a right or an engine."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from emulator.hosts import cli, engine, image, network, packages, preflight, server, volumes
from emulator.hosts.deployment import STATE_VARIABLE, Deployment
from emulator.hosts.errors import INSTEAD, HostsError
from emulator.hosts.instances import Volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """A deployment that exists on paper."""
    return Deployment(state=tmp_path / "state", cache=tmp_path / "cache")


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A Linux machine with root, all programs and an engine, as far as can be seen."""
    monkeypatch.setattr("emulator.hosts.preflight.sys.platform", "linux")
    monkeypatch.setattr("emulator.hosts.preflight.os.geteuid", lambda: 0)
    monkeypatch.setattr(preflight, "_has_capabilities", lambda: True)
    monkeypatch.setattr("emulator.hosts.preflight.packages.missing", lambda _programs: [])
    monkeypatch.setattr("emulator.hosts.preflight.engine.choose", lambda: "podman")
    return monkeypatch


def _sentence(call: Callable[[], object]) -> str:
    with pytest.raises(HostsError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_an_able_machine_is_accepted(able: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing is missing there is no sentence, and the engine is named."""
    able.setattr(preflight, "LOOP_CONTROL", tmp_path)
    assert preflight.prepare() == "podman"


def test_another_system_than_linux_is_sent_to_make_try(able: pytest.MonkeyPatch) -> None:
    """On a Mac the sentence names Linux and `make try`."""
    able.setattr("emulator.hosts.preflight.sys.platform", "darwin")
    text = _sentence(preflight.prepare)
    assert "Linux" in text
    assert text.endswith(INSTEAD)


def test_without_root_the_sentence_names_sudo(able: pytest.MonkeyPatch) -> None:
    """A plain user is told to use sudo, or `make try`."""
    able.setattr("emulator.hosts.preflight.os.geteuid", lambda: 1000)
    text = _sentence(preflight.prepare)
    assert "sudo" in text
    assert text.endswith(INSTEAD)


def test_root_without_its_rights_is_told_so(able: pytest.MonkeyPatch) -> None:
    """Root of a plain container is told where to run it instead."""
    able.setattr(preflight, "_has_capabilities", lambda: False)
    text = _sentence(preflight.prepare)
    assert "privileged" in text
    assert text.endswith(INSTEAD)


def test_without_loop_devices_the_sentence_names_modprobe(
    able: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A kernel without loop devices is told how to load them."""
    able.setattr(preflight, "LOOP_CONTROL", tmp_path / "none")
    text = _sentence(preflight.prepare)
    assert "modprobe loop" in text
    assert text.endswith(INSTEAD)


def test_without_an_engine_the_sentence_names_both(
    able: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where no engine answers and none can be installed, Podman and Docker are named."""
    able.setattr(preflight, "LOOP_CONTROL", tmp_path)
    able.setattr("emulator.hosts.preflight.engine.choose", lambda: None)
    text = _sentence(preflight.prepare)
    assert "Podman" in text
    assert "Docker" in text
    assert text.endswith(INSTEAD)


def test_an_engine_that_was_asked_for_and_is_away_is_named() -> None:
    """CARSCRIBE_ENGINE with a wrong value, or with an engine that does not answer, is refused."""
    assert "rocket" in _sentence(lambda: engine.choose({"CARSCRIBE_ENGINE": "rocket"}))
    environment = {"CARSCRIBE_ENGINE": "docker"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emulator.hosts.engine.shutil.which", lambda _name: None)
        assert "docker" in _sentence(lambda: engine.choose(environment))


def test_packages_that_cannot_be_installed_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without apt the sentence lists the packages."""
    monkeypatch.setattr("emulator.hosts.packages.shutil.which", lambda _name, **_: None)
    text = _sentence(lambda: packages.install(["nftables", "podman"]))
    assert "nftables podman" in text
    assert text.endswith(INSTEAD)


def test_a_missing_program_stands_for_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each missing package is named once."""
    monkeypatch.setattr("emulator.hosts.packages.shutil.which", lambda _name, **_: None)
    programs = {"ssh": "openssh-client", "ssh-keygen": "openssh-client", "nft": "nftables"}
    assert packages.missing(programs) == ["nftables", "openssh-client"]


def _machine_with(monkeypatch: pytest.MonkeyPatch, alias: str) -> None:
    links = [{"ifname": "eth0"}, {"ifname": "cs-other", "ifalias": alias}]
    routes = [{"dst": "default", "dev": "eth0"}, {"dst": "10.9.0.0/16", "dev": "cs-other"}]
    monkeypatch.setattr(network, "_ip", lambda what, *_: links if what == "link" else routes)


def test_a_subnet_in_use_is_refused_with_its_interface(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    """A subnet that overlaps with one of the machine's is named, with the way out."""
    _machine_with(monkeypatch, "")
    text = _sentence(lambda: network.check_free(deployment, ["10.9.1.0/24"]))
    assert "cs-other" in text
    assert "vpc_cidr" in text
    assert text.endswith(INSTEAD)
    network.check_free(deployment, ["10.10.1.0/24"])


def test_a_subnet_of_another_clone_is_refused_with_its_folder(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    """Another deployment on the same subnet is named by its folder."""
    _machine_with(monkeypatch, "carscribe /home/me/clone/build/local")
    text = _sentence(lambda: network.check_free(deployment, ["10.9.1.0/24"]))
    assert "/home/me/clone/build/local" in text
    assert "make down" in text


def test_a_machine_out_of_loop_devices_is_told_so(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    """A loop device that the kernel does not give is the volume's sentence."""

    def run(command: list[Any], **_: Any) -> subprocess.CompletedProcess[str]:
        if "--find" in command:
            raise HostsError("losetup: cannot find an unused loop device.")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(volumes, "run", run)
    text = _sentence(lambda: volumes.ensure(deployment, Volume("vol-1", "/dev/sdf", 1)))
    assert "modprobe loop" in text
    assert "cannot find an unused loop device" in text


def test_a_base_image_that_cannot_be_had_is_told_so(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    """Without a registry and a mirror the sentence names both."""

    def run(command: list[Any], **_: Any) -> subprocess.CompletedProcess[str]:
        if "mmdebstrap" in command:
            raise HostsError("'mmdebstrap' failed with 25: E: apt-get update failed")
        return subprocess.CompletedProcess(command, 0, "", "")

    class NoRegistry:
        def __init__(self) -> None:
            self.deployment = deployment

        def has_image(self, _image: str) -> bool:
            return False

        def run(self, *_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
            return subprocess.CompletedProcess([], 125, "", "no such host")

    monkeypatch.setattr(image, "run", run)
    monkeypatch.setattr("emulator.hosts.packages.missing", lambda _programs: [])
    text = _sentence(lambda: image.ensure(deployment, NoRegistry()))  # type: ignore[arg-type]
    assert "registry" in text
    assert "mirror" in text
    assert text.endswith(INSTEAD)


def test_commands_before_up_name_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without an emulator every command says how to get one, and ends with 78."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    here = Deployment.here()
    assert "make up TARGET=local" in _sentence(lambda: server.required(here))
    parser = argparse.ArgumentParser()
    cli.add_commands(parser.add_subparsers())
    for words in (["env"], ["status"]):
        options = parser.parse_args(words)
        assert options.command(options) == cli.EXIT_CANNOT


def test_a_port_in_use_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An emulator that was given a port in use does not start, and its sentence is passed on."""
    import socket  # noqa: PLC0415 # of this test alone

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        monkeypatch.setenv("PYTHONPATH", "")
        here = Deployment(state=tmp_path / "state", cache=tmp_path)
        text = _sentence(lambda: server.start(here, ["--port", port]))
    assert port in text
    assert "in use" in text


@pytest.mark.skipif(
    not shutil.which("podman"),
    reason="Docker, which this machine has in its place, does not read the variable",
)
def test_the_engine_is_this_machine_s(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Podman of another machine, which the user may have named, is not asked."""
    monkeypatch.setenv("CONTAINER_HOST", "ssh://nowhere.example.org/run/podman.sock")
    assert engine.Engine(deployment, "podman").containers() == {}


@pytest.mark.parametrize(
    "text", ["{}", "[]", "x", '{"pid": "x", "url": 1}', '{"pid": 1, "url": "http://127.0.0.1:9"}']
)
def test_a_damaged_word_on_the_emulator_is_none(deployment: Deployment, text: str) -> None:
    """Whatever its files hold, one sentence says how the emulator is started."""
    deployment.state.mkdir()
    for file in (deployment.ready_file, server.record(deployment)):
        file.write_text(text)
    assert "run 'make up TARGET=local' first" in _sentence(lambda: server.required(deployment))
