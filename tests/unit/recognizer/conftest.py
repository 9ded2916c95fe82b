"""A graph model small enough to be known by heart, as TensorFlow.js has it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from emulator.recognizer.translation import graph


class SmallGraph:
    """Collects nodes and weights, and translates them."""

    def __init__(self) -> None:
        self._nodes: list[dict[str, Any]] = []
        self._weights: list[dict[str, Any]] = []
        self._data = b""

    def image(self, height: int, width: int, channels: int) -> None:
        """Add the input of the graph."""
        shape = {"dim": [{"size": str(side)} for side in (1, height, width, channels)]}
        attributes = {"shape": {"shape": shape}}
        self._nodes.append({"name": "image", "op": "Placeholder", "attr": attributes})

    def constant(self, name: str, values: Any, stored: str = "float32") -> None:
        """Add a constant; `stored` is float16 for weights that are kept in halves."""
        values = np.asarray(values)
        dtype = "int32" if values.dtype.kind == "i" else "float32"
        entry: dict[str, Any] = {"name": name, "shape": list(values.shape), "dtype": dtype}
        if stored == "float16":
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
        self._data += values.astype({"float16": "<f2"}.get(stored, dtype)).tobytes()
        self._weights.append(entry)
        self._nodes.append({"name": name, "op": "Const"})

    def node(self, operation: str, name: str, *inputs: str, **attributes: Any) -> None:
        """Add a node; attributes are plain values here and GraphDef's JSON in the model."""
        attr = {key: _attribute(value) for key, value in attributes.items()}
        self._nodes.append({"name": name, "op": operation, "input": list(inputs), "attr": attr})

    def translated(self, *outputs: str) -> bytes:
        """Return the ONNX model; the weights are spread over two shards."""
        half = len(self._data) // 2
        files = {"1.bin": self._data[:half], "2.bin": self._data[half:]}
        manifest = [{"paths": list(files), "weights": self._weights}]
        model = {"modelTopology": {"node": self._nodes}, "weightsManifest": manifest}
        return bytes(graph.translate(model, files, outputs).SerializeToString())


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"b": value}
    if isinstance(value, str):
        return {"s": base64.b64encode(value.encode()).decode()}
    if isinstance(value[0], str):
        return {"list": {"s": [base64.b64encode(item.encode()).decode() for item in value]}}
    return {"list": {"i": [str(item) for item in value]}}


@pytest.fixture
def small_graph() -> SmallGraph:
    """Begin a graph."""
    return SmallGraph()
