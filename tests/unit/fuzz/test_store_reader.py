"""The store on files that any power loss, or anybody, may leave."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.store import FILE_NAME, Store
from tests.pipeline import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = {"worker": "a", "run_id": "r1", "bucket": "photos"}
WAL = f"{FILE_NAME}-wal"
COMMITS = 6
EXAMPLES = settings(max_examples=60, deadline=None)


class Notes(Store):
    """A store of texts, one in each transaction."""

    TABLES = "CREATE TABLE note (n INTEGER PRIMARY KEY, text TEXT) STRICT;"

    def add(self, n: int, text: str) -> None:
        """Commit a text, and a count of it."""
        with self.transaction():
            self.execute("INSERT INTO note VALUES (?, ?)", n, text)
            self.count(notes=1)

    def all(self) -> list[tuple[int, str]]:
        """Read all that is there."""
        rows = self.pages("SELECT n, text FROM note WHERE n > ? ORDER BY n LIMIT ?", (-1,))
        return [(row[0], row[1]) for row in rows]


@contextmanager
def killed(texts: list[str]) -> Iterator[Path]:
    """Give the folder of a store whose process was killed behind its last commit."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        run, copy = Path(folder) / "run", Path(folder) / "copy"
        run.mkdir()
        with Notes(run, RUN) as store:
            for n, text in enumerate(texts):
                store.add(n, text)
            shutil.copytree(run, copy)
        yield copy


def files(folder: Path) -> dict[str, bytes]:
    """Return the main file and the -wal."""
    return {
        name: (folder / name).read_bytes() for name in (FILE_NAME, WAL) if (folder / name).exists()
    }


def opened(folder: Path) -> list[tuple[int, str]] | WorkerExit:
    """Open a store and read all of it, or return why that is refused."""
    try:
        with Notes(folder, RUN) as store:
            found = store.all()
            assert store.counts().get("notes", 0) == len(found)
            return found
    except WorkerExit as end:
        return end


TEXTS = st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=COMMITS)


@EXAMPLES
@given(TEXTS)
def test_what_is_written_is_what_is_read(texts: list[str]) -> None:
    """Whatever a text holds, NUL too, comes back as it was after a kill."""
    with killed(texts) as folder:
        assert opened(folder) == list(enumerate(texts))


@EXAMPLES
@given(TEXTS, st.data())
def test_a_wal_that_is_cut_off_anywhere_is_read_up_to_a_commit(
    texts: list[str], data: st.DataObject
) -> None:
    """After a cut at any byte the first commits are there, none of the rest, and it can go on."""
    with killed(texts) as folder:
        wal = (folder / WAL).read_bytes()
        cut = data.draw(st.integers(0, len(wal)))
        (folder / WAL).write_bytes(wal[:cut])
        found = opened(folder)
        assert isinstance(found, list), found
        assert found == list(enumerate(texts))[: len(found)]
        assert (len(found) == len(texts)) or cut < len(wal)
        with Notes(folder, RUN) as store:
            store.add(100, "more")
        assert opened(folder) == [*found, (100, "more")]


@EXAMPLES
@given(TEXTS, st.binary(min_size=1, max_size=200))
def test_noise_behind_the_last_commit_is_not_believed(texts: list[str], torn: bytes) -> None:
    """Half a transaction, zeros or noise behind the last commit change nothing."""
    with killed(texts) as folder:
        with (folder / WAL).open("ab") as file:
            file.write(torn)
        assert opened(folder) == list(enumerate(texts))


@settings(EXAMPLES, max_examples=300)
@given(st.data())
def test_noise_in_the_file_is_refused_or_does_not_matter(data: st.DataObject) -> None:
    """Whatever stands in the main file: a sentence, or a store that is consistent in itself."""
    with killed(["a", "b", "c"]) as folder:
        path = folder / data.draw(st.sampled_from([FILE_NAME, WAL]))
        content = path.read_bytes()
        start = data.draw(st.integers(0, len(content) - 1))
        noise = data.draw(st.binary(min_size=1, max_size=120))
        path.write_bytes((content[:start] + noise + content[start + len(noise) :])[: len(content)])
        found = opened(folder)
        if isinstance(found, WorkerExit):
            assert found.code in {Exit.CONFIG, Exit.DISK}
            assert FILE_NAME in found.sentence


@EXAMPLES
@given(st.binary(max_size=300))
def test_a_file_of_any_bytes_is_refused_and_stays(content: bytes) -> None:
    """What is no store is not begun anew in silence, and is still there to be looked at."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        path = Path(folder) / FILE_NAME
        path.write_bytes(content)
        refused = opened(Path(folder))
        assert isinstance(refused, WorkerExit)
        assert refused.code == Exit.DISK
        assert str(path) in refused.sentence
        assert path.read_bytes() == content
