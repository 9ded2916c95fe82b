"""What is drawn of a terminal session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests import recording

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_overwritten_is_gone() -> None:
    """Bars that move up and clear their lines stand there once, as they came to rest."""
    moved = "one\r\nbar 1\r\nfacts 1\r\x1b[2K\x1b[1A\x1b[2Kbar 2\r\nfacts 2\r\nend\r\n"
    assert recording.screen(moved) == ["one", "bar 2", "facts 2", "end", ""]


def test_ansible_s_tasks_are_left_out() -> None:
    """Of a playbook its recap stays; what is not Ansible's stays as it is."""
    lines = [
        "== Ansible",
        "   $ ansible-playbook site.yml",
        "",
        "PLAY [Workers] ****",
        "",
        "TASK [Install] ****",
        "changed: [worker-a]",
        "  detail: yes",
        "",
        "PLAY RECAP ****",
        "worker-a : ok=3",
        "",
        "== A run",
    ]
    assert recording.without_tasks(lines) == [
        "== Ansible",
        "   $ ansible-playbook site.yml",
        "",
        "PLAY RECAP ****",
        "worker-a : ok=3",
        "",
        "== A run",
    ]


def test_terraform_s_resources_are_one_line() -> None:
    """However many are made, three dots stand for them."""
    made = [f'   aws_s3_object.image["{n}.jpg"]: Creation complete after 0s' for n in range(9)]
    assert recording.without_tasks(["   Plan: 9 to add", *made, "   Apply complete!"]) == [
        "   Plan: 9 to add",
        "   ...",
        "   Apply complete!",
    ]


def test_a_terminal_is_there(tmp_path: Path) -> None:
    """A command finds a terminal of a hundred columns, and its exit code comes back."""
    code, written = recording.run(["sh", "-c", "test -t 1 && echo $COLUMNS; exit 3"], tmp_path, {})
    assert (code, written.strip()) == (3, "100")


def test_it_is_an_svg() -> None:
    """Words and title are in the drawing."""
    drawn = recording.svg(["\x1b[31mred\x1b[0m"], "make demo")
    assert drawn.startswith("<svg")
    assert "red" in drawn
    assert "url(http" not in drawn
