"""What is said of a playbook that was run for somebody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carscribe import playbooks
from carscribe.deployment import StepError
from carscribe.steps import Steps

PLUGINS = Path(__file__).resolve().parents[3] / "ansible" / "callback_plugins"

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
      ignore_errors: true  # what goes on is no failure that a person is told of
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
    monkeypatch.setattr(playbooks, "ANSIBLE", ansible)
    (build / "tmp").mkdir()
    monkeypatch.setattr(playbooks, "temporary_folder", lambda: build / "tmp")
    return tmp_path


def play(checkout: Path, **variables: str) -> None:
    """Play it as a step of a command whose log is in the folder."""
    steps = Steps("run", verbose=False, folder=checkout)
    playbooks.play(steps, "play", variables, {**os.environ, "ANSIBLE_NOCOLOR": "1"})


def test_a_playbook_that_went_well_says_nothing(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """All that Ansible says is in the log, and no temporary file is left."""
    play(checkout, word="well")
    assert capfd.readouterr() == ("", "")
    assert "TASK [Fail where it matters]" in (checkout / "run.log").read_text()
    assert list((checkout / "build/tmp").glob("*")) == []


def test_a_failure_is_its_sentence_and_then_the_log(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What two hosts say in the same words is said once; what was ignored is not said."""
    with pytest.raises(StepError) as end:
        play(checkout, word="ill")
    assert end.value.code == 2
    assert capfd.readouterr().err == (
        f"one: Not well.\nAll that was said: {checkout / 'run.log'}\n"
    )


def test_a_failure_that_names_its_host_is_said_of_each(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A sentence with the host's own name needs no other."""
    said = "{{ inventory_hostname }} is not well."
    with pytest.raises(StepError):
        play(checkout, word="ill", said=said)
    first, second, _ = capfd.readouterr().err.splitlines()
    assert {first, second} == {"one is not well.", "two is not well."}


def test_a_failure_in_other_words_is_shown_as_it_is(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where no task has failed, the end of what Ansible said is shown."""
    (checkout / "ansible/play.yml").write_text("- hosts: one\n  tasks: 7\n")
    with pytest.raises(StepError):
        play(checkout)
    assert "A malformed block" in capfd.readouterr().err
