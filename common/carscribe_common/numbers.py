"""Sets and tables over n = 1, 2, 3, ... that cost a few bytes for each n."""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 4096


class Numbers:
    """A set of positive integers, one byte each, in chunks so that a stray 10**11 is cheap.

    Attributes:
        highest: the greatest one, 0 if there is none.
    """

    def __init__(self) -> None:
        self._chunks: dict[int, bytearray] = {}
        self._count = 0
        self.highest = 0

    def add(self, n: int) -> None:
        """Put n into the set."""
        chunk = self._chunks.setdefault(n // _CHUNK, bytearray(_CHUNK))
        if not chunk[n % _CHUNK]:
            chunk[n % _CHUNK] = 1
            self._count += 1
            self.highest = max(self.highest, n)

    def __contains__(self, n: int) -> bool:
        chunk = self._chunks.get(n // _CHUNK)
        return chunk is not None and bool(chunk[n % _CHUNK])

    def __len__(self) -> int:
        return self._count

    def missing(self, last: int) -> Iterator[int]:
        """Yield each n from 1 to last that is not in the set, in order."""
        return (n for n in range(1, last + 1) if n not in self)

    def covers(self, last: int) -> bool:
        """Tell whether each n from 1 to last is in the set."""
        return self._count >= last and next(self.missing(last), None) is None


class KeyOfNumber:
    """Which key holds an n, as eight bytes of a digest: enough to tell two keys apart."""

    def __init__(self) -> None:
        self._chunks: dict[int, array[int]] = {}

    def __setitem__(self, n: int, key: str) -> None:
        chunk = self._chunks.get(n // _CHUNK)
        if chunk is None:
            chunk = self._chunks[n // _CHUNK] = array("Q", bytes(8 * _CHUNK))
        chunk[n % _CHUNK] = _digest(key)

    def is_other(self, n: int, key: str) -> bool:
        """Tell whether n is held by another key than this one."""
        chunk = self._chunks.get(n // _CHUNK)
        held = chunk[n % _CHUNK] if chunk is not None else 0
        return held not in {0, _digest(key)}


def _digest(key: str) -> int:
    data = key.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big") or 1
