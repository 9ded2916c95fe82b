"""The rules of carscribe as functions over data: no clock, no network, no file.

Which response is a car, which lines of text count, how keys are ordered and
how a line of the result is written.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png")
"""Of the formats that Rekognition reads: JPEG under each of its names, and PNG
(Rekognition developer guide, "Images")."""
IMAGE_ENDINGS = f"{', '.join(IMAGE_SUFFIXES[:-1])} or {IMAGE_SUFFIXES[-1]}"
"""The same, for a sentence."""

CAR_LABEL = "Car"

_DIGITS = re.compile(r"[0-9]+")

# C0 and C1 controls, the bidirectional controls of UAX #9, and the two line
# separators: each could forge a line, or make a line read as another one.
_UNSAFE = re.compile(
    "[\x00-\x1f\x80-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\\\\]"
)

# What SQS accepts in a message body: the characters of XML 1.0
# (SQS API reference, SendMessage, MessageBody).
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_image_key(key: str) -> bool:
    """Tell whether an object is one of the images, by the ending of its key in any case."""
    return key.lower().endswith(IMAGE_SUFFIXES)


def can_be_queued(key: str) -> bool:
    """Tell whether SQS carries a key: only the characters that XML 1.0 allows."""
    return _NOT_IN_XML.search(key) is None


_SIDES = {"Left", "Top", "Width", "Height"}


def pair_of(key: str, pairs: int) -> int:
    """Return which of so many pairs of workers an image is for, from 1 on, by its key's CRC-32."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % pairs + 1


def find_car(response: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the label named exactly ``Car`` of a DetectLabels response, or None.

    Not ``Cardboard``, not ``Cart``, and no label that has Car among its
    Parents or Aliases only.
    """
    cars = [label for label in response.get("Labels", ()) if label.get("Name") == CAR_LABEL]
    return max(cars, key=confidence_of, default=None)


def confidence_of(item: Mapping[str, Any]) -> float:
    """Return the confidence of a label or a text in percent, 0 where the service gives none."""
    return float(item.get("Confidence") or 0.0)


def box_of(item: Mapping[str, Any]) -> dict[str, float]:
    """Return where an instance or a text is, in parts of the image; nothing without all four sides."""
    box = (item.get("Geometry") or item).get("BoundingBox") or {}
    if not box.keys() >= _SIDES:
        return {}
    return {name.lower(): value for name, value in box.items()}


def is_car(confidence: float, threshold: float) -> bool:
    """Tell whether a confidence is above the threshold. Both in percent.

    *Strictly* above: Rekognition's own MinConfidence is inclusive, which is
    why the worker compares again.
    """
    return confidence > threshold


def counting_lines(detections: Iterable[Mapping[str, Any]], threshold: float) -> list[str]:
    """Return the texts that count, in the order of their Ids.

    A text counts if it is a LINE (each WORD stands in a LINE already) that is
    not blank, of a confidence, in percent, at or above the threshold.
    """
    lines = [
        detection
        for detection in detections
        if detection.get("Type") == "LINE"
        and detection.get("Confidence") is not None
        and confidence_of(detection) >= threshold
        and detection.get("DetectedText", "").strip()
    ]
    return [line["DetectedText"] for line in sorted(lines, key=lambda line: line.get("Id", 0))]


def natural_key(key: str) -> tuple[str, str]:
    """Return what keys are sorted by, so that ``2.jpg`` comes before ``10.jpg``.

    Runs of ASCII digits compare as integers; all else, and ties such as
    ``01.jpg`` and ``1.jpg``, by code point.
    """
    # The more digits behind the leading zeros, the greater the integer; so their
    # number goes before them. Any digit compares with a character that is none
    # as "0" does. A text is smaller and quicker than a list of parts.
    return _DIGITS.sub(_with_length, key), key


def _with_length(match: re.Match[str]) -> str:
    digits = match[0].lstrip("0")
    return f"0{chr(len(digits))}{digits}"


def escape(text: str) -> str:
    r"""Return text that stays on its line and reads as what it is.

    A backslash becomes two; C0 and C1 controls, bidirectional controls and
    line separators become ``\uXXXX``. So the original can be had back.
    """
    return _UNSAFE.sub(
        lambda match: r"\\" if match[0] == "\\" else f"\\u{ord(match[0]):04x}",
        text,
    )


def visible(text: str) -> str:
    r"""Return text for a log, where what is escaped already stays as it is."""
    return _UNSAFE.sub(
        lambda match: match[0] if match[0] == "\\" else f"\\u{ord(match[0]):04x}", text
    )


def result_text(lines: Iterable[str]) -> str:
    r"""Return the texts of one image as they stand behind its index.

    A bar within a text becomes ``\u007c``: a bar that is seen separates.
    """
    return " | ".join(escape(line).replace("|", r"\u007c") for line in lines)


def result_line(key: str, text: str) -> str:
    r"""Return one line of ``output.txt`` without its end. ``text`` is from result_text.

    A colon before a blank becomes ``\u003a`` in the key: the first that is seen ends it.
    """
    index = escape(key).replace(": ", r"\u003a ")
    return f"{index}: {text}"
