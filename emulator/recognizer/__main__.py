"""`python -m emulator.recognizer [FOLDER]`: what is recognized in a folder's images.

Without a folder the models are loaded and no more, which fetches the detector the first time.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.recognizer.loading import UnavailableError, load

if TYPE_CHECKING:
    from emulator.recognizer.recognizer import Recognizer

SUFFIXES = {".jpg", ".jpeg", ".png"}
EXIT_UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h
# Linux counts kibibytes, macOS bytes.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> int:
    """Recognize what is in each image, several at once if asked to."""
    parser = argparse.ArgumentParser(prog="python -m emulator.recognizer", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--at-once", type=int, default=1, help="(default: %(default)s)")
    options = parser.parse_args()
    try:
        recognizer = load()
    except UnavailableError as unavailable:
        print(unavailable, file=sys.stderr)
        return EXIT_UNAVAILABLE
    if options.folder is None:
        return 0
    found = sorted(p for p in options.folder.iterdir() if p.suffix.lower() in SUFFIXES)
    processor, clock = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(options.at_once) as pool:
        for line in pool.map(lambda path: _recognize(recognizer, path), found):
            print(line, flush=True)
    number = max(1, len(found))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT / 2**20
    print(
        f"{len(found)} images: each {(time.monotonic() - clock) / number:.2f} s, "
        f"{(time.process_time() - processor) / number:.2f} s of a processor; "
        f"at most {peak:.0f} MiB"
    )
    return 0


def _recognize(recognizer: Recognizer, path: Path) -> str:
    data = path.read_bytes()
    labels, text = (_answer(recognizer, name, data) for name in ("DetectLabels", "DetectText"))
    names = [f"{label['Name']} {label['Confidence']:.1f}" for label in labels["Labels"]]
    lines = [
        f"{found['DetectedText']} ({found['Confidence']:.0f})"
        for found in text["TextDetections"]
        if found["Type"] == "LINE"
    ]
    return f"{path.name}: {', '.join(names) or 'no labels'}; text: {' | '.join(lines) or 'none'}"


def _answer(recognizer: Recognizer, operation: str, data: bytes) -> Any:
    """Ask until it is known, however long that takes on a busy machine."""
    while (answer := recognizer.recognize(operation, data)) is None:
        pass
    return answer


if __name__ == "__main__":
    sys.exit(main())
