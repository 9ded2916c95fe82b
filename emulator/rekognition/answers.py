"""The answers of a folder of images, found by the SHA-256 of the image's bytes.

For `2.jpg` in a folder, `answers/2.jpg.json` in that folder holds
`{"DetectLabels": {...}, "DetectText": {...}}` exactly as the API returns them.
For an image in a folder below, its answer may lie in `answers/` beside it or,
under the same path, in `answers/` at the top.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

from emulator.shapes import output_problems

log = logging.getLogger(__name__)

ANSWERS_FOLDER = "answers"
ANSWER_SUFFIX = ".json"
OPERATIONS = ("DetectLabels", "DetectText")
RESCAN_SECONDS = 1.0
MAX_PROBLEMS_NAMED = 3

Answer = dict[str, dict[str, Any]]


class AnswersError(Exception):
    """A file of answers cannot be used; the message names it."""


def read(path: Path) -> Answer:
    """Read one file of answers, and check it against the model of the service."""
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise AnswersError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise AnswersError(f"{path}: is no JSON ({error}).") from error
    if not isinstance(value, dict) or not set(value) <= set(OPERATIONS):
        raise AnswersError(
            f'{path}: expected {{"DetectLabels": {{...}}, "DetectText": {{...}}}} and no other part.'
        )
    for operation, response in value.items():
        if isinstance(response, dict):
            response.pop("ResponseMetadata", None)  # what boto3 adds to what the API returns
        found = output_problems(operation, response)
        if found:
            raise AnswersError(
                f"{path}: is not as the API returns it: {'; '.join(found[:MAX_PROBLEMS_NAMED])}."
            )
    return value


def answer_files(folder: Path) -> list[tuple[Path, Path]]:
    """List the files of answers below a folder, each with its image."""
    found = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        below = Path(place).relative_to(folder).parts
        if ANSWERS_FOLDER not in below:
            continue
        cut = len(below) - 1 - below[::-1].index(ANSWERS_FOLDER)
        home = folder.joinpath(*below[:cut], *below[cut + 1 :])
        found += [
            (Path(place) / name, home / name.removesuffix(ANSWER_SUFFIX))
            for name in sorted(names)
            if name.endswith(ANSWER_SUFFIX)
        ]
    return found


class Answers:
    """All answers of a folder; files that come later are noticed too."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._by_sha256: dict[str, Answer] = {}
        self._seen: dict[Path, tuple[int, int, int, int]] = {}
        self._missed: set[str] = set()
        self._scanned_at = 0.0
        self._scan(strict=True)

    def find(self, sha256: str, name: str, *, missed: str = "no labels, no text") -> Answer:
        """Return the answer for an image, or nothing; the log says what happens then."""
        with self._lock:
            if sha256 not in self._by_sha256:
                self._rescan_now_and_then()
            answer = self._by_sha256.get(sha256)
            if answer is None and sha256 not in self._missed:
                self._missed.add(sha256)
                log.warning("no answer for %s (SHA-256 %s): %s", name, sha256, missed)
        return answer or {}

    @property
    def missed(self) -> int:
        """For how many images an answer was looked for in vain."""
        return len(self._missed)

    def rescan(self) -> None:
        """Look for new files now."""
        with self._lock:
            self._scan(strict=False)

    def _rescan_now_and_then(self) -> None:
        if time.monotonic() - self._scanned_at >= RESCAN_SECONDS:
            self._scan(strict=False)

    def _scan(self, *, strict: bool) -> None:
        if self._folder is None:
            return
        for path, image in answer_files(self._folder):
            try:
                stamp = (*_stamp(path), *_stamp(image))
            except OSError:
                log.debug("%s has no image yet", path)
                continue
            if self._seen.get(path) == stamp:
                continue
            try:
                answer = read(path)
            except AnswersError as error:
                if strict:
                    raise
                log.error("%s", error)  # noqa: TRY400 # the sentence says it all
                continue
            sha256 = hashlib.sha256(image.read_bytes()).hexdigest()
            other = self._by_sha256.get(sha256)
            if other is not None and other != answer and path not in self._seen:
                log.warning("%s: other images have the same bytes but other answers", path)
            self._by_sha256[sha256] = answer
            self._seen[path] = stamp
        self._scanned_at = time.monotonic()


def _stamp(path: Path) -> tuple[int, int]:
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "no file, and to read from a named pipe waits for ever")
    return state.st_mtime_ns, state.st_size
