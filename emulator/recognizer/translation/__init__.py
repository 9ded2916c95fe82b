"""The detector's model as ONNX: fetched as TensorFlow.js has it, and translated at each start."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from emulator.recognizer.translation import fetch, graph

if TYPE_CHECKING:
    from pathlib import Path

SIZES_NODE, SCORES_NODE = "tower_0/wh", "tower_0/keypoints"


def detector_model(cache: Path) -> bytes:
    """Return the model, which gives a map of sizes and one of scores for an image.

    To translate it takes a twentieth of a second, so nothing but what was fetched is kept.

    Raises:
        FetchError: it cannot be fetched; the sentence says why.
    """
    files = fetch.fetch(cache)
    model = graph.translate(json.loads(files[fetch.MODEL]), files, [SIZES_NODE, SCORES_NODE])
    return bytes(model.SerializeToString())
