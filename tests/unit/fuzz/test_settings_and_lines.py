"""Settings and the line format on anything at all."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.rules import escape, natural_key, result_line, result_text, visible
from carscribe_worker_a.settings import SettingsA
from carscribe_worker_b.settings import SettingsB

if TYPE_CHECKING:
    from carscribe_common.settings import Settings

NAMES = sorted(
    {f"CARSCRIBE_{field.name.upper()}" for kind in (SettingsA, SettingsB) for field in fields(kind)}
)
KINDS: list[type[SettingsA | SettingsB]] = [SettingsA, SettingsB]
WORDS = st.sampled_from(
    ["", "0", "-1", "1", "5.5", "nan", "inf", "-inf", "1e9", "1_0", "true", "True", "..", "/x", "a",
     "https://x/1/q", "INFO", "us-east-1", " ", "\x1b[2J", "٣"]
)  # fmt: skip
GOOD = {
    "CARSCRIBE_RUN_ID": "r1",
    "CARSCRIBE_BUCKET": "photos",
    "CARSCRIBE_QUEUE_URL": "https://sqs.example/1/q",
    "CARSCRIBE_REGION": "us-east-1",
    "CARSCRIBE_STATE_DIR": "/var/lib/x",
}
KEYS = st.text(min_size=1, max_size=50)
LINES = st.lists(st.text(max_size=40), min_size=1, max_size=4)
UNSAFE = re.compile("[\x00-\x1f\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def read(kind: type[SettingsA | SettingsB], environ: dict[str, str]) -> Settings | WorkerExit:
    """Return the settings, or why they are refused."""
    try:
        return kind.from_environment(environ)
    except WorkerExit as end:
        return end


@given(
    st.dictionaries(st.sampled_from(NAMES), WORDS | st.text().filter(lambda t: "\0" not in t)),
    st.sampled_from(KINDS),
)
@example({"CARSCRIBE_PAIR": "2"}, SettingsA)
@example({"CARSCRIBE_PAIRS": "2", "CARSCRIBE_PAIRS_AT_WORK": "3"}, SettingsB)
def test_settings_are_within_their_ranges_or_refused(
    given_settings: dict[str, str], kind: type[SettingsA | SettingsB]
) -> None:
    """Any environment gives settings within their ranges, or one sentence with every error."""
    settings = read(kind, GOOD | given_settings)
    if isinstance(settings, WorkerExit):
        assert settings.code == Exit.CONFIG
        assert [name for name in NAMES if name in settings.sentence], "it says which"
        assert not UNSAFE.search(visible(settings.sentence))
        return
    assert 0.1 <= settings.rekognition_rate_per_second <= 1000
    assert 1 <= settings.concurrency_max <= 256
    assert 1 <= settings.pair <= settings.pairs <= 16
    assert 1 <= (settings.pairs_at_work or 1) <= settings.pairs
    assert 1 <= settings.give_up_seconds <= 86_400
    assert settings.run_dir.parent == settings.state_dir / "runs"
    assert ".." not in settings.run_id.split("/")
    assert settings.state_dir.is_absolute()
    match settings:
        case SettingsA():
            assert 0 <= settings.car_confidence_percent <= 100
        case SettingsB():
            assert 2 <= settings.visibility_timeout_seconds <= 43_200


@given(st.text())
@example("\\u0041")
@example("\ud800")
def test_escapes_can_be_undone(text: str) -> None:
    """What is escaped has no control left, and the original can be had back from it."""
    escaped = escape(text)
    assert not UNSAFE.search(escaped)
    assert undone(escaped) == text


def undone(escaped: str) -> str:
    """Return what was escaped."""
    return re.sub(
        r"\\(?:\\|u([0-9a-f]{4}))",
        lambda match: chr(int(match[1], 16)) if match[1] else "\\",
        escaped,
    )


@given(KEYS, LINES)
def test_a_line_stays_one_line(key: str, lines: list[str]) -> None:
    """Whatever key and texts hold, a result is one line of UTF-8, and both can be had back."""
    line = result_line(key, result_text(lines))
    assert len(line.splitlines()) == 1
    assert line.encode().decode() == line
    index, _, text = line.partition(": ")
    assert undone(index) == key
    assert [undone(one) for one in text.split(" | ")] == lines


@given(st.lists(KEYS | st.from_regex(r"[0-9a]{1,12}\.jpg", fullmatch=True), max_size=20))
def test_the_order_of_keys_is_one(keys: list[str]) -> None:
    """The order does not depend on where the keys stood, and equal means the same key."""
    ordered = sorted(keys, key=natural_key)
    keys.reverse()
    assert ordered == sorted(keys, key=natural_key)
    assert len({str(natural_key(key)) for key in keys}) == len(set(keys))


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_in_keys_compare_as_numbers(one: int, other: int) -> None:
    """2.jpg comes before 10.jpg, for any two numbers."""
    first, second = f"{one}.jpg", f"{other}.jpg"
    assert (natural_key(first) < natural_key(second)) == (one < other)
