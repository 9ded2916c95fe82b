"""A run with bars: what is shown while Ansible works, and what after it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Self

import pytest

from carscribe import follow
from carscribe.deployment import StepError

if TYPE_CHECKING:
    from pathlib import Path

    from carscribe.progress import Figures

# As ansible-core 2.19 writes it with callback_result_format = yaml.
SUCCESS = """
PLAY [Run] *********************************************************************

TASK [Say which run it is] *****************************************************
ok: [worker-a] => 
    msg: Run 20261123T020000Z

TASK [Print the images with a car and text] ************************************
ok: [worker-b] => 
    msg:
    - '1.jpg: SBR8167'
    - '7.jpg: Aurelia | LP 610 LB'

PLAY RECAP *********************************************************************
worker-b                   : ok=3    changed=0    unreachable=0    failed=0
"""  # noqa: W291 # Ansible's own blanks

FAILURE = """
TASK [Show its last lines] *****************************************************
ok: [worker-b] => 
    msg:
    - 'no such bucket: carscribe'

TASK [Fail where a worker has not completed its part] **************************
[ERROR]: Task failed: Action failed: Worker B has not completed run 1 (failed): no bucket
Origin: show_run.yml:20:3

20 - name: Fail where a worker has not completed its part
     ^ column 3

fatal: [worker-b]: FAILED! => 
    assertion: false
    changed: false
    msg: 'Worker B has not completed run 1 (failed): no bucket'

PLAY RECAP *********************************************************************
"""  # noqa: W291 # Ansible's own blanks

PLAYBOOK = """
import json, pathlib, sys, time
board = pathlib.Path(sys.argv[1])
for looked in (0, 5, 10):
    images = {"listed": 10, "detected": looked, "cars": looked // 2, "failed": 0}
    a = {"outcome": None, "summary": {"state": "running", "images": images, "listing_done": True}}
    (board / "a.json").write_text(json.dumps(a))
    time.sleep(0.5)
print(SAID)
sys.exit(CODE)
"""


class Seen:
    """A display that remembers."""

    def __init__(self) -> None:
        self.looked: list[int] = []
        self.notes: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def uploaded(self, number: int, total: int) -> None:
        """Nothing is uploaded here."""

    def worked(self, figures: Figures, note: str = "") -> None:
        """Remember."""
        self.looked.append(figures.looked)
        self.notes.append(note)


def playbook(board: Path, said: str, code: int) -> list[str]:
    """Return a program that behaves as ansible-playbook with two followers."""
    script = PLAYBOOK.replace("SAID", repr(said)).replace("CODE", str(code))
    return [sys.executable, "-c", script, str(board)]


def test_the_board_is_shown_while_ansible_works(tmp_path: Path) -> None:
    """Each step that the followers see is shown in turn, the last one too."""
    seen: Any = Seen()
    command = playbook(tmp_path, SUCCESS, 0)
    code = follow.follow(command, cwd=tmp_path, board=tmp_path, log=tmp_path / "log", display=seen)
    assert code == 0
    assert sorted(set(seen.looked)) == [0, 5, 10]
    assert seen.looked == sorted(seen.looked)
    assert seen.notes[0] == "starting the workers"
    assert seen.notes[-1] == ""
    assert (tmp_path / "log").read_text().strip() == SUCCESS.strip()


def test_the_result_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a run that went well there are the lines of output.txt, and nothing of Ansible's."""
    monkeypatch.setattr(follow, "CHECKOUT", tmp_path)
    command = playbook(tmp_path, SUCCESS, 0)
    follow.show(command, cwd=tmp_path, board=tmp_path, log=tmp_path / "log")
    assert capfd.readouterr().out == "1.jpg: SBR8167\n7.jpg: Aurelia | LP 610 LB\n"


def test_what_failed_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure there are the reason, the journal, and where all the rest is kept."""
    monkeypatch.setattr(follow, "CHECKOUT", tmp_path)
    with pytest.raises(StepError) as end:
        follow.show(
            playbook(tmp_path, FAILURE, 2), cwd=tmp_path, board=tmp_path, log=tmp_path / "log"
        )
    assert end.value.code == 2
    told = capfd.readouterr().err
    assert "worker-b: Worker B has not completed run 1 (failed): no bucket" in told
    assert "worker-b's last lines:\n  no such bucket: carscribe" in told
    assert "All that Ansible said: log" in told
    assert "assertion: false" not in told


def test_a_failure_in_other_words_is_shown_as_it_is(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is told as a failure, the end of the output is shown."""
    monkeypatch.setattr(follow, "CHECKOUT", tmp_path)
    with pytest.raises(StepError):
        follow.show(
            playbook(tmp_path, "ERROR! a riddle", 4),
            cwd=tmp_path,
            board=tmp_path,
            log=tmp_path / "log",
        )
    assert "ERROR! a riddle" in capfd.readouterr().err


def test_a_host_out_of_reach_is_said() -> None:
    """While a host reboots the note says which, and that the run goes on."""
    seen = {"a": {"silent": False, "summary": {}}, "b": {"silent": True, "summary": {}}}
    assert follow.note(seen) == "host B out of reach for now; the run goes on there"


def test_a_worker_that_is_started_again_is_said() -> None:
    """While systemd waits to start a worker again the note says so, and where the reason stands."""
    seen: dict[str, dict[str, object]] = {"a": {}, "b": {"restarts_after": "74"}}
    assert follow.note(seen) == (
        "worker B ended with 74 and is started again: `make logs HOST=b` says why"
    )


@pytest.mark.parametrize("content", ["", "[]", '{"summ'])
def test_a_board_that_is_being_written(tmp_path: Path, content: str) -> None:
    """What is no whole answer yet counts as none."""
    (tmp_path / "a.json").write_text(content)
    assert follow.read(tmp_path / "a.json") == {}
    assert follow.read(tmp_path / "none.json") == {}
    (tmp_path / "a.json").write_text(json.dumps({"outcome": None}))
    assert follow.read(tmp_path / "a.json") == {"outcome": None}
