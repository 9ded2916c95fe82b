"""What the page knows of an image: short names, since there may be thousands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from carscribe_common.rules import escape, result_text

if TYPE_CHECKING:
    from collections.abc import Mapping

# Within a script element only these could end or open anything.
_HARMLESS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def embedded(data: Any) -> str:
    """Return data as JSON that can stand in an HTML script element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_HARMLESS)


def row(record: Mapping[str, Any], base: float) -> dict[str, Any]:
    """Return what the page shows of a merged record.

    Texts come out as they stand in ``output.txt``: no control and no
    bidirectional character is left that could make them read otherwise.

    Args:
        record: a line of the merged results.jsonl.
        base: epoch seconds from which the page counts.
    """
    car, failure = record["car"], record["failure"]
    return {
        "key": escape(record["key"]),
        "pair": record["pair"],
        "n": record["n"],
        "car": _percent(car["confidence"]) if car else None,
        "cars": [[_percent(i["confidence"]), *_box(i["box"])] for i in car["instances"]]
        if car
        else [],
        "lines": _lines(record["text"] or (), record["line"]),
        "text": record["line"] is not None,
        "read": record["text"] is not None,
        "failure": [failure["worker"], escape(failure["reason"]), escape(failure["detail"] or "")]
        if failure
        else None,
        "a": _span(record["a"], base),
        "b": _span(record["b"], base),
    }


def _lines(detections: Any, line: str | None) -> list[list[Any]]:
    """Return the lines of text, each with whether it counts.

    The threshold is the worker's own setting. Lines count by confidence, so
    those that count are the first few by confidence, and it is known what
    they give when they are joined.
    """
    lines = sorted(
        (d for d in detections if d["type"] == "LINE" and d["text"].strip()), key=lambda d: d["id"]
    )
    surest = sorted(lines, key=lambda d: -d["confidence"])
    least = next(
        (
            d["confidence"]
            for d in surest
            if line is not None
            and result_text(o["text"] for o in lines if o["confidence"] >= d["confidence"]) == line
        ),
        None,
    )
    return [
        [
            escape(d["text"]),
            _percent(d["confidence"]),
            least is not None and d["confidence"] >= least,
            *_box(d["box"]),
        ]
        for d in lines
    ]


def _percent(confidence: float) -> float:
    """Round down, so that what is below a threshold never reads as if it had reached it."""
    return int(confidence * 100 + 1e-6) / 100


def _box(box: Mapping[str, float] | None) -> list[float]:
    if not box:
        return []
    return [round(box[side], 4) for side in ("left", "top", "width", "height")]


def _span(call: Mapping[str, float] | None, base: float) -> list[float] | None:
    if call is None:
        return None
    seconds = max(call["seconds"] or 0.0, 0.0)
    return [round(call["at"] - seconds - base, 3), round(seconds, 3)]
