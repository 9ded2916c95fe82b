"""What is installed on the hosts: reproducible, complete, and each worker's own."""

from __future__ import annotations

import hashlib
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING

from carscribe import releases

if TYPE_CHECKING:
    from pathlib import Path


def wheel(folder: Path, name: str, content: bytes = b"x") -> Path:
    """Write something that is named like a wheel."""
    path = folder / name
    path.write_bytes(content)
    return path


def test_the_same_contents_give_the_same_archive() -> None:
    """An archive depends on names and contents alone, not on their order or the time."""
    one = releases.pack({"a": b"1", "b": b"2"})
    assert one == releases.pack({"b": b"2", "a": b"1"})
    assert one != releases.pack({"a": b"1", "b": b"3"})


def test_every_file_is_named_by_its_hash() -> None:
    """The requirements allow exactly the wheels in the archive."""
    digest = hashlib.sha256(b"content").hexdigest()
    assert releases.requirements({"boto3-1.2.3-py3-none-any.whl": b"content"}) == (
        f"boto3==1.2.3 --hash=sha256:{digest}\n"
    )


def test_the_installer_is_not_installed(tmp_path: Path) -> None:
    """Pip travels along, but is not among the requirements."""
    contents = releases.archive_contents(
        [wheel(tmp_path, "carscribe_common-0.1.0-py3-none-any.whl")],
        [wheel(tmp_path, "boto3-1.2.3-py3-none-any.whl")],
        [wheel(tmp_path, "pip-26.0-py3-none-any.whl")],
    )
    assert "pip.whl" in contents
    text = contents[releases.REQUIREMENTS].decode()
    assert "pip" not in text
    assert text.count("--hash=") == 2


def test_an_index_that_is_not_reached_is_no_missing_package() -> None:
    """Pip warns at length of the connection, and then says that there is no such version."""
    said = (
        "WARNING: Retrying (Retry(total=4)) after connection broken by 'ProxyError('Cannot connect "
        "to proxy.', NewConnectionError(...))': /simple/boto3/\n"
        "ERROR: Could not find a version that satisfies the requirement boto3==1.42.0\n"
        "ERROR: No matching distribution found for boto3==1.42.0\n"
    )
    told = "the package index cannot be reached (ProxyError): look at the network, HTTPS_PROXY and"
    assert releases.why(said).startswith(told)
    [_, *errors] = said.splitlines(keepends=True)
    assert (
        releases.why("".join(["note: x\n", *errors])) == "".join(errors).replace("\n", " ").strip()
    )
    assert releases.why("Killed\n") == "Killed"


def test_entries_are_files_of_root_without_a_time() -> None:
    """Nothing of the machine that packed it is in the archive."""
    with tarfile.open(fileobj=BytesIO(releases.pack({"a": b"1"}))) as archive:
        [entry] = archive.getmembers()
    assert (entry.uid, entry.gid, entry.uname, entry.mode) == (0, 0, "", 0o644)
    assert entry.mtime == releases.EPOCH
