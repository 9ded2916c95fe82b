"""Record a terminal session as an SVG: `make recording` makes docs/demo.svg.

    python -m tests.recording SVG COMMAND...

The command runs on a pseudo-terminal of its own. What a screen would show at
the end is drawn, with the bars where they came to rest. Ansible's tasks
and Terraform's resources are left out.
"""

# ruff: noqa: T201 # a program for the command line
from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

COLUMNS, ROWS = 100, 60
_STEP = re.compile(
    r"\x1b\[(?P<count>\d*)(?P<what>[AK])|\x1b\[\?\d+[hl]|(?P<line>\r?\n)|(?P<back>\r)"
)
_TASK = re.compile(r"(TASK|PLAY) \[")
_RESOURCE = re.compile(r"   \S+: (Creation|Destruction|Modifications) complete")
MANY = "   ..."
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def run(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command on a terminal; return its exit code and all it wrote."""
    main, end = pty.openpty()
    size = {"COLUMNS": str(COLUMNS), "LINES": str(ROWS), "TERM": "xterm-256color"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, **size},
        stdin=subprocess.DEVNULL,
        stdout=end,
        stderr=end,
    ) as process:
        os.close(end)
        written = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # Linux's word for: nobody has it open any more
                break
            if not part:
                break
            written += part
        os.close(main)
    return process.returncode, written.decode(errors="replace")


def screen(written: str) -> list[str]:
    """Return the lines that stand at the end, each with its colours."""
    lines, row, at = [""], 0, 0
    for step in _STEP.finditer(written):
        lines[row] += written[at : step.start()]
        at = step.end()
        if step["line"]:
            row += 1
            if row == len(lines):
                lines.append("")
        elif step["what"] == "A":
            row = max(0, row - int(step["count"] or 1))
        elif step["what"] == "K" or step["back"]:
            lines[row] = ""
    lines[row] += written[at:]
    return lines


def without_tasks(lines: list[str]) -> list[str]:
    """Leave out Ansible's tasks and Terraform's resources, and blank lines in a row."""
    kept: list[str] = []
    inside = False
    for line in lines:
        plain = _COLOUR.sub("", line)
        if not plain.strip():
            line = ""  # noqa: PLW2901 # whatever blanks and colours it has
        if _TASK.match(plain):
            inside = True
        elif plain.startswith(("PLAY RECAP", "== ")):
            inside = False
        if _RESOURCE.match(plain):
            line = MANY  # noqa: PLW2901 # one for all of them
        is_repeated = kept[-1:] == [line] and line in {"", MANY}
        if not inside and not is_repeated:
            kept.append(line)
    return kept


def svg(lines: list[str], title: str) -> str:
    """Draw lines as an SVG."""
    from rich.console import Console  # noqa: PLC0415 # this is a program's and a test's
    from rich.text import Text  # noqa: PLC0415 # see above

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=False)
    # The drawing fetches nothing: the reader's own font will do.
    return _FONT.sub("", console.export_svg(title=title))


def main() -> int:
    """Record one command."""
    target, *command = sys.argv[1:]
    print(f"Recording `{' '.join(command)}` ...", flush=True)
    code, written = run(command, Path.cwd(), dict(os.environ))
    if code:
        print(_COLOUR.sub("", "\n".join(screen(written)[-40:])), file=sys.stderr)
        print(f"It ended with {code}: nothing was recorded.", file=sys.stderr)
        return code
    written = written.replace(f"{Path.cwd()}/", "")
    Path(target).write_text(svg(without_tasks(screen(written)), f"$ {' '.join(command)}"))
    print(f"Recorded in {target}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
