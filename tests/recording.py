"""Record a terminal session as an SVG that moves: `make recording` makes docs/demo.svg.

    python -m tests.recording SVG PICTURE COMMAND...

The command runs on a pseudo-terminal of its own. Waits are cut short, and what
is then still longer than a minute is played faster, as the last line says. At
the end stands a picture: the page that came out. termtosvg, in an environment
of its own, draws the frames.
"""

# ruff: noqa: T201 # a program for the command line
from __future__ import annotations

import base64
import codecs
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

COLUMNS, ROWS = 100, 32
RENDERER = Path(".venv-recording/bin/termtosvg")
WAIT_SECONDS = 1.0
"""No pause of the session is played longer than that."""
PLAY_SECONDS = 45.0
TYPING_SECONDS = 1.5
READING_SECONDS = 6.0
"""So long the last screen stands, and the picture behind it."""
FRAME_MILLISECONDS = 250
"""What changes faster than that is one frame: else the file grows and nobody sees more."""

_STEP = re.compile(
    r"\x1b\[(?P<count>\d*)(?P<what>[AK])|\x1b\[\?\d+[hl]|(?P<line>\r?\n)|(?P<back>\r)"
)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_LAST_FRAME = re.compile(r"100\.000%{transform:translateY\(-(?P<y>\d+)px\)}")


class Written(NamedTuple):
    """What a command wrote, and when: seconds since its start."""

    at: float
    text: str


def run(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, list[Written]]:
    """Run a command on a terminal; return its exit code and what it wrote."""
    main, end = pty.openpty()
    size = {"COLUMNS": str(COLUMNS), "LINES": str(ROWS), "TERM": "xterm-256color"}
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    written: list[Written] = []
    began = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, **size},
        stdin=subprocess.DEVNULL,
        stdout=end,
        stderr=end,
    ) as process:
        os.close(end)
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # Linux's word for: nobody has it open any more
                break
            if not part:
                break
            written.append(Written(time.monotonic() - began, decoder.decode(part)))
        os.close(main)
    return process.returncode, written


def screen(written: list[Written]) -> list[str]:
    """Return the lines that stand at the end, each with its colours."""
    text = "".join(each.text for each in written)
    lines, row, at = [""], 0, 0
    for step in _STEP.finditer(text):
        lines[row] += text[at : step.start()]
        at = step.end()
        if step["line"]:
            row += 1
            if row == len(lines):
                lines.append("")
        elif step["what"] == "A":
            row = max(0, row - int(step["count"] or 1))
        elif step["what"] == "K" or step["back"]:
            lines[row] = ""
    lines[row] += text[at:]
    return lines


def shortened(written: list[Written]) -> tuple[float, list[Written]]:
    """Cut the waits short; return how many times as fast the rest is played, and the session."""
    at, cut = 0.0, []
    for before, each in pairwise([Written(0, ""), *written]):
        at += min(each.at - before.at, WAIT_SECONDS)
        cut.append(Written(at, each.text))
    times = max(1.0, at / PLAY_SECONDS)
    return times, [Written(each.at / times, each.text) for each in cut]


def cast(command: str, written: list[Written]) -> str:
    """Return the session in the format of asciinema (asciicast v2), and the picture's time behind it."""
    times, played = shortened(written)
    said = "waits cut short" + (f", the rest {times:.1f} times as fast" if times > 1 else "")
    typed = [
        Written(0.3 + i * TYPING_SECONDS / len(command), c) for i, c in enumerate(f"$ {command}")
    ]
    begin = typed[-1].at + WAIT_SECONDS / 2
    end = begin + played[-1].at
    events = [
        *typed,
        Written(begin, "\r\n"),
        *(Written(begin + each.at, each.text) for each in played),
        Written(end + 0.1, f"\r\n\x1b[2m({said})\x1b[0m"),
        Written(end + READING_SECONDS, "\r\n"),  # the frame that the picture lies on
    ]
    header = {"version": 2, "width": COLUMNS, "height": ROWS}
    lines = [json.dumps(header), *(json.dumps([e.at, "o", e.text]) for e in events)]
    return "\n".join(lines) + "\n"


def drawn(session: str) -> str:
    """Let the renderer draw a session of asciicast."""
    with tempfile.TemporaryDirectory() as folder:
        recorded, moving = Path(folder) / "session.cast", Path(folder) / "session.svg"
        recorded.write_text(session)
        subprocess.run(
            [
                RENDERER,
                "render",
                recorded,
                moving,
                "--template=window_frame",
                f"--min-frame-duration={FRAME_MILLISECONDS}",
                f"--loop-delay={READING_SECONDS * 1000:.0f}",  # the time of the last frame
            ],
            check=True,
            capture_output=True,
        )
        return moving.read_text()


def with_picture(svg: str, picture: Path) -> str:
    """Lay a picture over the last frame.

    The renderer puts the frames below each other, and moves them up one by one.
    """
    last = _LAST_FRAME.search(svg)
    if last is None:
        raise ValueError("The drawing has no frames as they were: the renderer is another one.")
    data = base64.b64encode(picture.read_bytes()).decode()
    image = (
        f'<image y="{last["y"]}" width="{8 * COLUMNS}" height="{18 * ROWS}" '
        'preserveAspectRatio="xMidYMin slice" '
        f'href="data:image/{picture.suffix.removeprefix(".")};base64,{data}"/>'
    )
    before, end, after = svg.rpartition("</g></svg>")
    return before + image + end + after


def main() -> int:
    """Record one command."""
    target, picture, *command = sys.argv[1:]
    words = " ".join(command)
    print(f"Recording `{words}` ...", flush=True)
    code, written = run(command, Path.cwd(), dict(os.environ))
    if code:
        print(_COLOUR.sub("", "\n".join(screen(written)[-40:])), file=sys.stderr)
        print(f"It ended with {code}: nothing was recorded.", file=sys.stderr)
        return code
    here = f"{Path.cwd()}/"
    written = [Written(each.at, each.text.replace(here, "")) for each in written]
    Path(target).write_text(with_picture(drawn(cast(words, written)), Path(picture)))
    print(f"Recorded in {target}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
