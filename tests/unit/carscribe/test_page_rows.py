"""What the page is told of an image."""

from __future__ import annotations

import html.parser
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from carscribe.page.rows import embedded, row
from tests.browser import runs

if TYPE_CHECKING:
    from pathlib import Path

PLACE = (0.1, 0.2, 0.3, 0.4)


def merged(**changes: Any) -> dict[str, Any]:
    """Return a merged record of a car with a text."""
    text = [runs.line(0, "A 1", 99.0, PLACE), runs.line(1, "b", 40.0, PLACE)]
    record = {
        "key": "1.jpg", "etag": '"1"', "pair": 1, "n": 1, "car": runs.car(98.7, PLACE), "text": text,
        "line": "A 1", "failure": None, "a": {"at": 10.5, "seconds": 0.5},
        "b": {"at": 12.0, "seconds": 1.0},
    }  # fmt: skip
    return record | changes


def test_spans_are_from_the_start_of_a_call() -> None:
    """A call that was answered at 10.5 after half a second began at 10."""
    found = row(merged(), 10.0)
    assert (found["a"], found["b"]) == ([0.0, 0.5], [1.0, 1.0])


def test_lines_know_whether_they_count() -> None:
    """A line counts if it is part of what stands in the output."""
    assert [line[:3] for line in row(merged(), 0)["lines"]] == [
        ["A 1", 99.0, True],
        ["b", 40.0, False],
    ]


@pytest.mark.parametrize("line", [None, "A 1", "A 1 | B 2", "A 1 | B 2 | C 3"])
def test_lines_that_count_are_told_without_the_threshold(line: str | None) -> None:
    """Whatever threshold the worker had, its line says which texts counted."""
    text = [
        runs.line(0, "A 1", 99.0, PLACE),
        runs.line(1, "B 2", 70.0, PLACE),
        runs.line(2, "C 3", 50.0, PLACE),
    ]
    found = [one[0] for one in row(merged(text=text, line=line), 0)["lines"] if one[2]]
    assert " | ".join(found) == (line or "")


def test_words_are_left_to_their_lines() -> None:
    """Each word stands in a line already and is not shown twice."""
    text = [runs.line(0, "A 1", 99.0, PLACE), runs.line(1, "A", 99.0, PLACE) | {"type": "WORD"}]
    assert len(row(merged(text=text), 0)["lines"]) == 1


def test_confidence_is_never_rounded_up() -> None:
    """89.996 does not read as 90."""
    assert row(merged(car=runs.car(89.996)), 0)["car"] == 89.99
    assert row(merged(car=runs.car(90.0)), 0)["car"] == 90.0


def test_invisible_characters_are_shown() -> None:
    """A key or text with bidirectional controls reads as what it is."""
    text = [runs.line(0, "\u202egpj", 99.0, PLACE)]
    found = row(merged(key="a\u202eb\n.jpg", text=text, line="\\u202egpj"), 0)
    assert found["key"] == "a\\u202eb\\u000a.jpg"
    assert found["lines"][0][:3] == ["\\u202egpj", 99.0, True]


class Scripts(html.parser.HTMLParser):
    """Collects what a browser takes for elements and for the contents of scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.contents: dict[str | None, str] = {}
        self._name: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        self.elements.append(tag)
        if tag == "script":
            self._name = dict(attrs).get("id")

    def handle_data(self, data: str) -> None:
        """Take note of the text of the last script."""
        self.contents[self._name] = self.contents.get(self._name, "") + data


@pytest.mark.parametrize(
    "text", ["</script><b>", "<!--<script>", "]]>", "\u2028", "&lt;", "\\", '"', "</SCRIPT\t>"]
)
def test_embedded_text_ends_no_script(text: str) -> None:
    """Whatever a text holds, the script element ends where it should, and the text comes back."""
    parser = Scripts()
    parser.feed(f'<script type="application/json" id="x">{embedded([text])}</script><i></i>')
    assert parser.elements == ["script", "i"]
    assert json.loads(parser.contents["x"]) == [text]


def test_page_names_no_address(tmp_path: Path) -> None:
    """Nothing in the page could be fetched: the only addresses are data and name spaces."""
    page = runs.write_run(tmp_path / "run", *runs.sample_run(["1.jpg"], 5))
    text = page.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"\b(?:https?|wss?|ftp)://|(?:src|href)=.?//", text) == []
    assert "default-src 'none'" in text
    assert "'unsafe" not in text


def test_page_says_how_many_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of a page the first images are shown, and the page is told so."""
    monkeypatch.setattr("carscribe.page.IMAGES_MAX", 2)
    page = runs.write_run(tmp_path / "run", *runs.sample_run(["1.jpg", "2.jpg", "3.jpg"], 5))
    parser = Scripts()
    parser.feed(page.read_text(encoding="utf-8"))
    assert [item["key"] for item in json.loads(parser.contents["rows"])] == ["1.jpg", "2.jpg"]
    told = json.loads(parser.contents["run"])
    assert (told["shown"], told["totals"]["images"]) == (2, 3)
