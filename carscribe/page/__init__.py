"""The page of a run: one file that opens from disk and asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from carscribe.page.rows import embedded, row
from carscribe.thumbnails import IMAGES_MAX
from carscribe_common.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from carscribe.thumbnails import Thumbnails

HERE = Path(__file__).parent
SCRIPTS = ("data", "boxes", "gallery", "timeline", "dialog", "summary", "page")
THUMBNAILS_A_BLOCK = 48
"""The page decodes a block when one of its images comes into view."""


def write_page(run_dir: Path, summary: Mapping[str, Any], thumbnails: Thumbnails) -> Path:
    """Write report.html from the merged results.jsonl beside it.

    Args:
        run_dir: of the run.
        summary: the merged summary.
        thumbnails: makes the pictures.

    Returns:
        The page.
    """
    path = run_dir / "report.html"
    results = run_dir / "results.jsonl"
    shown = min(summary["totals"]["images"], IMAGES_MAX)
    with replacing(path) as page:
        head, body, tail = _template(summary).split("<!--data-->")
        page.write(head)
        _block(page, "run", embedded(dict(summary) | {"shown": shown}))
        page.write('<script type="application/json" id="rows">[')
        base = None
        for number, record in enumerate(_records(results)):
            if base is None:
                base = (record["a"] or record["b"] or {"at": 0.0})["at"]
            page.write((",\n" if number else "") + embedded(row(record, base)))
        page.write("]</script>\n")
        page.write(body)
        # The pictures come last: the page is drawn before they are read.
        pictures = thumbnails.of(_records(results), shown)
        number = 0
        while block := list(islice(pictures, THUMBNAILS_A_BLOCK)):
            encoded = [base64.b64encode(p).decode("ascii") if p else None for p in block]
            _block(page, f"thumbnails-{number}", embedded(encoded))
            number += 1
        page.write(tail)
    return path


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in islice(file, IMAGES_MAX):
            yield json.loads(line)


def _block(page: IO[str], name: str, text: str) -> None:
    page.write(f'<script type="application/json" id="{name}">{text}</script>\n')


def _template(summary: Mapping[str, Any]) -> str:
    """Return the page around the data, which has its place at ``<!--data-->``."""
    style = (HERE / "style.css").read_text(encoding="utf-8")
    parts = [(HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    script = '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"
    page = (HERE / "template.html").read_text(encoding="utf-8")
    for name, text in (
        ("style-hash", _hash(style)),
        ("script-hash", _hash(script)),
        ("style", style),
        ("script", script),
        # Last: nothing in it is taken for a place to put something.
        ("title", html.escape(f"{summary['run_id']} · carscribe")),
    ):
        page = page.replace(f"{{{{{name}}}}}", text)
    return page


def _hash(text: str) -> str:
    """Return what a content security policy names an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
