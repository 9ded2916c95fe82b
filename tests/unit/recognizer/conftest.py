"""A graph model small enough to be known by heart, written as TensorFlow.js writes it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class GraphFile:
    """Collects nodes and weights, and writes `model.json` with two shards beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.nodes: list[dict[str, Any]] = []
        self.weights: list[tuple[str, NDArray[Any], str]] = []

    def image(self, height: int, width: int, channels: int, name: str = "image") -> str:
        """Add the input of the graph."""
        shape = {"dim": [{"size": str(side)} for side in (1, height, width, channels)]}
        self.nodes.append({"name": name, "op": "Placeholder", "attr": {"shape": {"shape": shape}}})
        return name

    def constant(self, name: str, values: Any, stored: str = "float32") -> str:
        """Add a constant; `stored` is float16 for weights that the file keeps in halves."""
        self.weights.append((name, np.asarray(values), stored))
        self.nodes.append({"name": name, "op": "Const"})
        return name

    def node(self, operation: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; attributes are plain values here and GraphDef's JSON in the file."""
        attr = {key: _attribute(value) for key, value in attributes.items()}
        self.nodes.append({"name": name, "op": operation, "input": list(inputs), "attr": attr})
        return name

    def write(self) -> Path:
        """Write the files and return the path of the model."""
        entries, data = [], b""
        for name, values, stored in self.weights:
            dtype = "int32" if values.dtype.kind == "i" else "float32"
            entry: dict[str, Any] = {"name": name, "shape": list(values.shape), "dtype": dtype}
            if stored == "float16":
                entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
                data += values.astype("<f2").tobytes()
            else:
                data += values.astype("<i4" if dtype == "int32" else "<f4").tobytes()
            entries.append(entry)
        half = len(data) // 2
        for number, shard in enumerate((data[:half], data[half:]), 1):
            (self._folder / f"shard{number}.bin").write_bytes(shard)
        manifest = [{"paths": ["shard1.bin", "shard2.bin"], "weights": entries}]
        path = self._folder / "model.json"
        path.write_text(
            json.dumps({"modelTopology": {"node": self.nodes}, "weightsManifest": manifest})
        )
        return path


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"b": value}
    if isinstance(value, str):
        return {"s": base64.b64encode(value.encode()).decode()}
    if isinstance(value, list):
        if value and isinstance(value[0], str):
            return {"list": {"s": [base64.b64encode(item.encode()).decode() for item in value]}}
        return {"list": {"i": [str(item) for item in value]} if value else {}}
    return {"f": value}


@pytest.fixture
def graph_file(tmp_path: Path) -> GraphFile:
    """Write a graph in a folder of the test's own."""
    return GraphFile(tmp_path)
