"""Fetching a run's files from hosts that break off, go on writing, or lie."""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING

import pytest

from carscribe import fetch
from carscribe.fetch import FetchError
from tests.faked_host import RUN, Host

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "".join(f'{{"n": {n}, "x": {random.Random(n).random()}}}\n' for n in range(20_000)).encode()


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Host, Host]:
    """Both hosts, with a run that is complete."""
    monkeypatch.setattr(fetch, "PAUSE_SECONDS", 0.01)
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        host = Host(tmp_path / name, name)
        host.complete()
        write(host, "store.sqlite3", b"")
        write(host, "results.jsonl", TEXT)
        found.append(host)
    write(found[1], "output.txt", b"1.jpg: A\n")
    return found[0], found[1]


def write(host: Host, name: str, content: bytes, run_id: str = RUN) -> None:
    """Let a worker write a file as it does: beside, and then in its place."""
    folder = host.state / "runs" / run_id
    folder.mkdir(exist_ok=True)
    (folder / "new").write_bytes(content)
    (folder / "new").replace(folder / name)


class Fetched:
    """A fetch into a folder, and what was shown of it."""

    def __init__(self, hosts: tuple[Host, ...], folder: Path, run_id: str = RUN) -> None:
        self.folder = folder
        self.shown: list[tuple[int, int]] = []
        self.silent = fetch.fetch([host.remote for host in hosts], run_id, folder, self.show)

    def show(self, done: int, total: int) -> None:
        """Take note."""
        self.shown.append((done, total))

    @property
    def files(self) -> dict[str, bytes]:
        """What is there."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }


def test_all_files_come_as_they_are(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """Byte for byte, nothing beside them, and the bytes are counted up to the whole."""
    fetched = Fetched(hosts, tmp_path / "run")
    assert fetched.silent == {}
    assert fetched.files.keys() == {
        *(f"{worker}/{name}" for worker in "ab" for name in ("results.jsonl", "summary.json")),
        "b/output.txt",
    }
    assert fetched.files["a/results.jsonl"] == fetched.files["b/results.jsonl"] == TEXT
    assert fetched.files["b/output.txt"] == b"1.jpg: A\n"
    assert fetched.shown[0][0] == 0
    done, total = fetched.shown[-1]
    assert done == total == sum(map(len, fetched.files.values()))


def test_a_file_system_may_keep_no_nanoseconds(
    hosts: tuple[Host, Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of NTFS below WSL's /mnt/c, FAT and some shares a file's time comes back rounded."""
    utime = os.utime

    def rounded(path: Path, ns: tuple[int, int]) -> None:
        utime(path, ns=(ns[0] // 10**9 * 10**9,) * 2)

    monkeypatch.setattr(os, "utime", rounded)
    for _ in range(2):
        fetched = Fetched(hosts, tmp_path / "run")
        assert fetched.files["a/results.jsonl"] == fetched.files["b/results.jsonl"] == TEXT
        assert not [name for name in fetched.files if name.endswith(".part")]


def test_a_second_time_nothing_is_sent(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """What is here already stays; only what has changed comes again."""
    Fetched(hosts, tmp_path / "run")
    write(hosts[1], "output.txt", b"2.jpg: B\n")
    again = Fetched(hosts, tmp_path / "run")
    assert again.shown[0][0] == again.shown[0][1] - len(b"2.jpg: B\n")
    assert again.files["b/output.txt"] == b"2.jpg: B\n"


def test_a_connection_that_breaks_is_gone_on_with(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """However often it breaks, each byte that came is kept, and the whole is right."""
    (hosts[0].folder / "cut").write_text("60000")
    fetched = Fetched(hosts, tmp_path / "run")
    assert fetched.files["a/results.jsonl"] == TEXT
    assert [done for done, _ in fetched.shown] == sorted(done for done, _ in fetched.shown)


def test_what_breaks_for_good_goes_on_the_next_time(
    hosts: tuple[Host, Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence says how far it came, and the same command goes on from there."""
    monkeypatch.setattr(fetch, "ATTEMPTS", 1)
    (hosts[0].folder / "cut").write_text("60000")
    with pytest.raises(FetchError, match=r"came to (\d+) of \d+ bytes.*goes on from there") as end:
        Fetched(hosts, tmp_path / "run")
    came = int(str(end.value).split("came to ")[1].split(" ")[0])
    assert came > 60000
    (hosts[0].folder / "cut").unlink()
    fetched = Fetched(hosts, tmp_path / "run")
    assert fetched.shown[0][0] == came
    assert fetched.files["a/results.jsonl"] == TEXT


def test_a_file_that_changed_in_between_is_begun_anew(
    hosts: tuple[Host, Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is made of two: what is here of an older one goes, even of the same length."""
    monkeypatch.setattr(fetch, "ATTEMPTS", 1)
    (hosts[0].folder / "cut").write_text("60000")
    with pytest.raises(FetchError):
        Fetched(hosts, tmp_path / "run")
    other = TEXT.replace(b"n", b"m")
    write(hosts[0], "results.jsonl", other)
    (hosts[0].folder / "cut").unlink()
    assert Fetched(hosts, tmp_path / "run").files["a/results.jsonl"] == other


def test_a_file_that_changes_while_it_is_asked_for(
    hosts: tuple[Host, Host], tmp_path: Path
) -> None:
    """The host says which file it sends, so a summary that is written each second comes whole."""
    copy = fetch.Copy(hosts[0].remote, RUN, tmp_path / "a" / "results.jsonl")
    copy.begin(fetch.stamps(hosts[0].remote, RUN)["results.jsonl"])
    write(hosts[0], "results.jsonl", b"short\n")
    copy.finish(lambda: None)
    assert (tmp_path / "a" / "results.jsonl").read_bytes() == b"short\n"


def test_a_file_that_changes_before_it_is_gone_on_with(
    hosts: tuple[Host, Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The beginning of one file and the end of another make none."""
    monkeypatch.setattr(fetch, "ATTEMPTS", 1)
    (hosts[0].folder / "cut").write_text("60000")
    copy = fetch.Copy(hosts[0].remote, RUN, tmp_path / "a" / "results.jsonl")
    copy.begin(fetch.stamps(hosts[0].remote, RUN)["results.jsonl"])
    with pytest.raises(FetchError):
        copy.finish(lambda: None)
    assert copy.have > 0
    other = TEXT.replace(b"n", b"m")
    write(hosts[0], "results.jsonl", other)
    (hosts[0].folder / "cut").unlink()
    copy.finish(lambda: None)
    assert (tmp_path / "a" / "results.jsonl").read_bytes() == other


def test_what_a_host_has_no_more_goes(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """A run that goes on has no results yet, and old ones are not shown as its own."""
    Fetched(hosts, tmp_path / "run")
    (hosts[1].state / "runs" / RUN / "output.txt").unlink()
    assert "b/output.txt" not in Fetched(hosts, tmp_path / "run").files


def test_a_host_that_knows_nothing_of_the_run_takes_nothing_away(
    hosts: tuple[Host, Host], tmp_path: Path
) -> None:
    """A pair that was removed and made again has empty volumes; what was fetched before stays."""
    before = Fetched(hosts, tmp_path / "run").files
    shutil.rmtree(hosts[1].state / "runs" / RUN)
    assert Fetched(hosts, tmp_path / "run").files == before


def test_a_host_that_is_lost_keeps_nothing_back(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """With A out of reach, B's files come, A's that are here stay, and it is said."""
    Fetched(hosts, tmp_path / "run")
    (hosts[0].folder / "off").touch()
    fetched = Fetched(hosts, tmp_path / "run")
    assert fetched.silent.keys() == {"a"}
    assert fetched.files["a/results.jsonl"] == TEXT
    assert fetched.files["b/results.jsonl"] == TEXT


def test_a_host_that_sends_too_much_is_not_believed(
    hosts: tuple[Host, Host], tmp_path: Path
) -> None:
    """A file ends where the host has said, and what goes on is refused."""
    tail = hosts[0].folder / "bin" / "tail"
    tail.write_text("#!/bin/sh\ncat; cat /dev/zero\n")
    tail.chmod(0o755)
    with pytest.raises(FetchError, match="sends more than the file has"):
        Fetched(hosts, tmp_path / "run")
    sizes = [path.stat().st_size for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert max(sizes) <= len(TEXT)


def chosen(hosts: tuple[Host, Host], run_id: str = "") -> str:
    """Return the run that is fetched."""
    name, _ = fetch.choose([host.remote for host in hosts], run_id)
    return name


def test_the_latest_run_is_that_of_either_host(hosts: tuple[Host, Host]) -> None:
    """A run is found wherever it is known, the latest by its last change."""
    write(hosts[1], "results.jsonl", b"", "only-b")
    times = {RUN: 2_000_000_000, "only-b": 2_000_000_100}
    for host in hosts:
        for run_id, at in times.items():
            for path in (host.state / "runs" / run_id).glob("*"):
                os.utime(path, (at, at))
    assert chosen(hosts) == "only-b"
    (hosts[0].folder / "off").touch()
    assert chosen(hosts, RUN) == RUN
    (hosts[1].folder / "off").touch()
    with pytest.raises(FetchError, match="No host answers SSH"):
        chosen(hosts)


def test_a_folder_without_a_store_is_no_run(hosts: tuple[Host, Host]) -> None:
    """What never began is not fetched."""
    (hosts[0].state / "runs" / "9-empty").mkdir()
    assert chosen(hosts) == RUN
    with pytest.raises(FetchError, match=f"There is no run 9-empty .there: {RUN}"):
        chosen(hosts, "9-empty")


@pytest.mark.parametrize("at", ["9" * 5000, "-1", "²", ""])
def test_a_time_from_a_host_may_be_none(hosts: tuple[Host, Host], at: str) -> None:
    """What no clock says is no time of a run."""
    stat = hosts[0].folder / "bin" / "stat"
    stat.write_text(f"#!/bin/sh\nprintf '%s\\n' '{at} x'\n")
    stat.chmod(0o755)
    assert chosen(hosts) == RUN


@pytest.mark.parametrize("name", ["..", "-rf", "a b", "x\ny", "$(touch pwned)", "*"])
def test_a_name_from_a_host_is_no_path(hosts: tuple[Host, Host], name: str) -> None:
    """A host that was taken over names runs as it likes; what is no run id is not there."""
    stat = hosts[0].folder / "bin" / "stat"
    stat.write_text(f"#!/bin/sh\nprintf '%s\\n' '9999999999 {name}'\n")
    stat.chmod(0o755)
    assert chosen(hosts) in {RUN, "x"}
    with pytest.raises(ValueError, match="is no run id"):
        fetch.fetch([hosts[0].remote], name, hosts[0].folder, lambda *_: None)
