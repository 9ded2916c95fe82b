"""The journal reader on files that any power loss, or anybody, may leave."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.journal import Journal

RUN = {"worker": "a", "run_id": "r1"}
VALUES = st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=3)
RECORDS = st.lists(
    st.dictionaries(st.text().filter(lambda name: name != "type"), VALUES, max_size=4).map(
        lambda record: {"type": "looked", **record}
    ),
    max_size=6,
)


def written(folder: str, records: list[dict[str, object]]) -> Path:
    """Write a journal with these records; return its path."""
    path = Path(folder) / "journal.jsonl"
    with Journal(path, RUN, "then") as journal:
        for record in records:
            journal.append(record)
        journal.commit()
    return path


def opened(path: Path) -> WorkerExit | None:
    """Open a journal and read all of it; return why that is refused."""
    try:
        with Journal(path, RUN, "now") as journal:
            assert next(iter(list(journal.read())))["type"] == "run"
    except WorkerExit as end:
        return end
    return None


@given(RECORDS)
def test_what_is_written_is_what_is_read(records: list[dict[str, object]]) -> None:
    """Whatever a key or a text holds, lone surrogates too, comes back as it was."""
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, records)
        with Journal(path, RUN, "now") as journal:
            assert list(journal.read())[1:] == records
            assert journal.started_at == "then"


@given(RECORDS, st.data())
def test_a_journal_cut_off_anywhere_is_read_up_to_there(
    records: list[dict[str, object]], data: st.DataObject
) -> None:
    """After a cut at any byte what is whole is read, the rest is gone, and it can be gone on."""
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, records)
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])
        lines = whole[:cut].count(b"\n")
        with Journal(path, RUN, "now") as journal:
            assert list(journal.read())[1:] == records[: max(0, lines - 1)]
            journal.append({"type": "more"})
            journal.commit()
            assert list(journal.read())[-1] == {"type": "more"}


@given(RECORDS, st.binary(min_size=1, max_size=200).filter(lambda torn: b"\n" not in torn))
def test_a_torn_last_line_of_any_bytes_is_cut_away(
    records: list[dict[str, object]], torn: bytes
) -> None:
    """Half a record, zeros or noise behind the last whole line: none of it is believed."""
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, records)
        whole = path.read_bytes()
        with path.open("ab") as file:
            file.write(torn)
        with Journal(path, RUN, "now") as journal:
            assert list(journal.read())[1:] == records
        assert path.read_bytes() == whole


@given(st.binary(max_size=300))
def test_any_file_is_read_refused_or_begun_anew(content: bytes) -> None:
    """A file of any bytes is a journal, is refused with a sentence, or held nothing to lose."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        path.write_bytes(content)
        refused = opened(path)
        if refused is not None:
            assert refused.code in {Exit.CONFIG, Exit.DISK}
            assert str(path) in refused.sentence
            assert path.read_bytes() == content[: path.stat().st_size]
