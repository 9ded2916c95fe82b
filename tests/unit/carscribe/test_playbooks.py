"""What is said of a playbook that was run for somebody."""

from __future__ import annotations

from pathlib import Path

import pytest

from carscribe import playbooks
from carscribe.deployment import DeploymentError, StepError

PLUGINS = Path(__file__).resolve().parents[3] / "ansible" / "plugins" / "callback"

PLAYBOOK = """
- name: Fail
  hosts: one:two
  connection: local
  gather_facts: false
  tasks:
    - name: Say who is asked
      ansible.builtin.debug:
        msg: "{{ word }}"
    - name: Fail and go on
      ansible.builtin.command: {argv: ["false"]}
      ignore_errors: true
    - name: Fail where it matters
      ansible.builtin.assert:
        that: word == 'well'
        fail_msg: "{{ said | default('Not well.') }}"
"""


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a playbook for two hosts."""
    build, ansible = tmp_path / "build", tmp_path / "ansible"
    build.mkdir()
    ansible.mkdir()
    (build / "inventory.yml").write_text("all: {hosts: {one: {}, two: {}}}\n")
    (ansible / "ansible.cfg").write_text(
        f"[defaults]\ninventory = ../build/inventory.yml\ncallback_plugins = {PLUGINS}\n"
    )
    (ansible / "play.yml").write_text(PLAYBOOK)
    monkeypatch.setattr(playbooks, "BUILD", build)
    monkeypatch.setattr(playbooks, "ANSIBLE", ansible)
    return tmp_path


def test_a_playbook_that_went_well_says_nothing(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """All that Ansible says is in the log, and no temporary file is left."""
    playbooks.play("play", {"word": "well"}, log=checkout / "log")
    assert capfd.readouterr() == ("", "")
    assert "TASK [Fail where it matters]" in (checkout / "log").read_text()
    assert list((checkout / "build/tmp").glob("ansible-*")) == []


def test_a_failure_is_its_sentence_and_then_the_log(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What two hosts say in the same words is said once; what was ignored is not said."""
    with pytest.raises(StepError) as end:
        playbooks.play("play", {"word": "ill"}, log=checkout / "log")
    assert end.value.code == 2
    assert capfd.readouterr().err == (
        f"one: Not well.\nAll that Ansible said: {checkout / 'log'}\n"
    )


def test_a_failure_that_names_its_host_is_said_of_each(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A sentence with the host's own name needs no other."""
    said = "{{ inventory_hostname }} is not well."
    with pytest.raises(StepError):
        playbooks.play("play", {"word": "ill", "said": said}, log=checkout / "log")
    first, second, _ = capfd.readouterr().err.splitlines()
    assert {first, second} == {"one is not well.", "two is not well."}


def test_a_failure_in_other_words_is_shown_as_it_is(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where no task has failed, the end of what Ansible said is shown."""
    (checkout / "ansible/play.yml").write_text("- hosts: one\n  tasks: 7\n")
    with pytest.raises(StepError):
        playbooks.play("play", {}, log=checkout / "log")
    assert "A malformed block" in capfd.readouterr().err


def test_another_s_configuration_does_not_count(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ANSIBLE_ variables say, it is our inventory and our output."""
    (checkout / "other.cfg").write_text("[defaults]\ninventory = /nowhere\n")
    for name, value in {
        "ANSIBLE_CONFIG": str(checkout / "other.cfg"),
        "ANSIBLE_INVENTORY": "/nowhere",
        "ANSIBLE_STDOUT_CALLBACK": "minimal",
        "ANSIBLE_STRATEGY": "nonsense",
        "ANSIBLE_VAULT_PASSWORD_FILE": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    playbooks.play("play", {"word": "well"}, log=checkout / "log")
    assert "TASK [Fail where it matters]" in (checkout / "log").read_text()


def test_no_socket_has_too_long_a_path(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a deep checkout, or with a long HOME, no connection is kept; else in build/tmp."""
    monkeypatch.setattr(playbooks, "BUILD", Path("/short/build"))
    kept = playbooks.environment(checkout, checkout / "told")
    assert kept["ANSIBLE_SSH_CONTROL_PATH_DIR"] == "/short/build/tmp/ssh"
    monkeypatch.setattr(playbooks, "BUILD", Path(f"/{'long' * 20}/build"))
    assert "ControlMaster=no" in playbooks.environment(checkout, checkout)["ANSIBLE_SSH_ARGS"]


def test_nothing_is_up(checkout: Path) -> None:
    """Without an inventory one sentence says how to bring something up."""
    (checkout / "build/inventory.yml").unlink()
    with pytest.raises(DeploymentError, match="Nothing is up here"):
        playbooks.play("play", {}, log=checkout / "log")
