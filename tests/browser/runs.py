"""Runs for the page to show, made from the sample images or made up."""

from __future__ import annotations

import io
import json
import random
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from carscribe import results, thumbnails
from carscribe.page import write_page
from carscribe_common import rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IMAGES = Path(__file__).parents[2] / "images"
START = 1_772_532_000.0  # 3 March 2026, 10:00 UTC
Record = dict[str, Any]


def box(frame: Record) -> Record:
    """Return a box of Rekognition's as the workers write it."""
    return {side: frame[side.capitalize()] for side in ("left", "top", "width", "height")}


def image(key: str, at: float, seconds: float, **found: Any) -> Record:
    """Return an image that A looked at; without anything else there is nothing on it."""
    nothing: Record = {"n": None, "car": None, "failure": None}
    return {"key": key, "etag": f'"{key}"', "at": at, "seconds": seconds} | nothing | found


def car(confidence: float, *boxes: tuple[float, float, float, float]) -> Record:
    """Return a car and its boxes (left, top, width, height)."""
    names = ("left", "top", "width", "height")
    instances = [{"confidence": confidence, "box": dict(zip(names, b, strict=True))} for b in boxes]
    return {"confidence": confidence, "instances": instances}


def line(
    number: int, text: str, confidence: float, place: tuple[float, float, float, float]
) -> Record:
    """Return a line of text and its box."""
    names = ("left", "top", "width", "height")
    return {
        "type": "LINE", "id": number, "parent_id": None, "text": text, "confidence": confidence,
        "box": dict(zip(names, place, strict=True)),
    }  # fmt: skip


def reading(a: Record, texts: list[Record], at: float, seconds: float) -> Record:
    """Return what B read on an image of A's."""
    counting = [t["text"] for t in texts if t["type"] == "LINE" and t["confidence"] >= 80]
    return {
        "key": a["key"], "etag": a["etag"], "n": a["n"], "text": texts,
        "line": rules.result_text(counting) if counting else None,
        "failure": None, "at": at, "seconds": seconds,
    }  # fmt: skip


def recorded(name: str) -> tuple[Record | None, list[Record]]:
    """Return the car and the texts of a sample image, as the workers would write them."""
    answers = json.loads((IMAGES / "answers" / f"{name}.json").read_text(encoding="utf-8"))
    label = rules.find_car(answers["DetectLabels"])
    found: Record | None = (
        None
        if label is None
        else {
            "confidence": label["Confidence"],
            "instances": [
                {"confidence": i["Confidence"], "box": box(i["BoundingBox"])}
                for i in label["Instances"]
            ],
        }
    )
    texts = [
        {
            "type": t["Type"], "id": t["Id"], "parent_id": t.get("ParentId"),
            "text": t["DetectedText"], "confidence": t["Confidence"],
            "box": box(t["Geometry"]["BoundingBox"]),
        }
        for t in answers["DetectText"]["TextDetections"]
    ]  # fmt: skip
    return found, texts


def sample_run(
    names: Iterable[str], rate: float, seed: int = 1
) -> tuple[list[Record], list[Record]]:
    """Return a run over images that look like the samples, at so many a second.

    A name such as ``17/4.jpg`` is an image that looks like 4.jpg.
    """
    rng = random.Random(seed)
    a, b = [], []
    numbers = count(1)
    free_at = START
    for position, name in enumerate(names):
        found, texts = recorded(name.rsplit("/", 1)[-1])
        seconds = rng.lognormvariate(-1.25, 0.35)
        asked = START + 0.2 + position / rate
        is_car = found is not None and rules.is_car(found["confidence"], 90)
        a.append(
            image(name, asked + seconds, seconds, car=found, n=next(numbers) if is_car else None)
        )
        if is_car:
            taken = max(a[-1]["at"] + rng.uniform(0.1, 0.4), free_at)
            free_at = taken + 1 / rate
            seconds = rng.lognormvariate(-1.1, 0.35)
            b.append(reading(a[-1], texts, taken + seconds, seconds))
    return a, b


def write_run(
    folder: Path,
    a: list[Record],
    b: list[Record],
    source: thumbnails.Source | None = None,
    /,
    **changes: Any,
) -> Path:
    """Write the files of two workers, merge them, and return the page."""
    _write_pair(folder, 1, a, b, changes)
    results.merge(folder, source, folder.parent / "thumbnails")
    return folder / "report.html"


def write_run_of_two(folder: Path, a: list[Record], b: list[Record], /, **changes: Any) -> Path:
    """Write the files of two pairs, each of every other image, merge them, and return the page."""
    for pair in (1, 2):
        of_a = [record for number, record in enumerate(a) if number % 2 == pair - 1]
        cars = [record["key"] for record in of_a if record["n"] is not None]
        of_a, of_b = (
            [r | {"n": cars.index(r["key"]) + 1 if r["key"] in cars else None} for r in records]
            for records in (of_a, [record for record in b if record["key"] in cars])
        )
        _write_pair(folder, pair, of_a, of_b, changes)
    results.merge(folder)
    return folder / "report.html"


def _write_pair(folder: Path, pair: int, a: list[Record], b: list[Record], changes: Record) -> None:
    names = {"a": "a", "b": "b"} if pair == 1 else {"a": f"a-{pair}", "b": f"b-{pair}"}
    for worker, records in (("a", a), ("b", b)):
        name = names[worker]
        _write(folder / name, worker, records, folder.name, changes.get(name, {}))
    output = [(r["key"], r["line"]) for r in b if r["line"] is not None]
    output.sort(key=lambda item: rules.natural_key(item[0]))
    text = "".join(rules.result_line(*item) + "\n" for item in output)
    (folder / names["b"] / "output.txt").write_bytes(text.encode())


def _write(folder: Path, worker: str, records: list[Record], run_id: str, changes: Record) -> None:
    folder.mkdir(parents=True)
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (folder / "results.jsonl").write_text(text, encoding="utf-8", errors="backslashreplace")
    end = max((record["at"] for record in records), default=START + 1) + 0.1
    failed = [{"key": r["key"], "n": r["n"], **r["failure"]} for r in records if r["failure"]]
    operation = "DetectLabels" if worker == "a" else "DetectText"
    summary = {
        "worker": worker, "run_id": run_id, "state": "complete", "reason": None, "exit_code": 0,
        "started_at": _iso(START), "ended_at": _iso(end), "duration_seconds": round(end - START, 3),
        "images": {"detected": len(records), "settled": len(records), "failed": len(failed)},
        "failures": failed, "api_calls": {f"rekognition.{operation}": len(records)},
        "throttled": 0, "rate_per_second": 49.0,
        "billed_calls": len(records), "estimated_cost_usd": round(len(records) * 0.001, 6),
        "version": "1.0.0",
    }  # fmt: skip
    text = json.dumps(summary | changes)
    (folder / "summary.json").write_text(text, encoding="utf-8")


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def photographs(seed: int = 1) -> thumbnails.Source:
    """Return the samples with the grain of real photographs, which is hard to compress."""
    rng = random.Random(seed)
    made: dict[tuple[str, int], bytes] = {}

    def read(key: str, etag: str) -> bytes:
        del etag
        place = key.rsplit("/", 1)[-1], rng.randrange(4)
        if place not in made:
            with Image.open(IMAGES / place[0]) as sample:
                grain = Image.effect_noise(sample.size, 60).convert("RGB")
                buffer = io.BytesIO()
                Image.blend(sample.convert("RGB"), grain, 0.16).save(buffer, "JPEG", quality=85)
            made[place] = buffer.getvalue()
        return made[place]

    return read


def names(images: int) -> Iterator[str]:
    """Return keys for so many images that look like the samples."""
    rng = random.Random(images)
    for number in range(1, images + 1):
        yield f"{number:05}/{rng.randint(1, 10)}.jpg"


class Repeated(thumbnails.Thumbnails):
    """Thumbnails of a few photographs, over and over, each of the size that the page allows."""

    def of(self, records: Iterable[Record], images: int) -> Iterator[bytes | None]:
        """Return a thumbnail for each record."""
        read, size = photographs(), thumbnails.size_for(images)
        made: dict[tuple[str, int], bytes | None] = {}
        for number, record in enumerate(records):
            place = record["key"].rsplit("/", 1)[-1], number % 3
            if place not in made:
                made[place] = thumbnails.shrink(read(record["key"], ""), size)
            yield made[place]


def large_page(folder: Path, images: int) -> Path:
    """Return the page of a run over many images, with thumbnails that did not take a minute."""
    write_run(folder, *sample_run(names(images), 49))
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return write_page(folder, summary, Repeated(None, folder))
