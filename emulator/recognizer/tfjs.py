"""PieceReader a TensorFlow.js graph model: the nodes from its JSON, the weights from its shards.

Source: tfjs-converter, "graph model" (`model.json` beside `*.bin`): attributes
are those of TensorFlow's GraphDef as JSON (strings in Base64, integers as
text), and the weights of a group of the manifest stand one after the other in
its shards.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "int32": np.dtype("<i4"),
    "bool": np.dtype("?"),
}


class GraphError(Exception):
    """The files are no graph model that can be read; the sentence says why."""


@dataclass(frozen=True)
class Node:
    """One operation; its inputs are the names of other nodes."""

    name: str
    operation: str
    inputs: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A graph model: nodes by name in the order of the file, and the values of its constants."""

    nodes: dict[str, Node]
    weights: dict[str, NDArray[Any]]


def load(path: Path) -> Graph:
    """Read `model.json` and the shards beside it."""
    try:
        model = json.loads(path.read_bytes())
        nodes = [_node(value) for value in model["modelTopology"]["node"]]
        weights: dict[str, NDArray[Any]] = {}
        for group in model["weightsManifest"]:
            shards = b"".join((path.parent / name).read_bytes() for name in group["paths"])
            weights.update(_weights(group["weights"], shards))
    except OSError as error:
        raise GraphError(f"{error.filename}: cannot be read ({error.strerror}).") from error
    except (KeyError, TypeError, ValueError) as error:
        raise GraphError(f"{path}: is no TensorFlow.js graph model ({error}).") from error
    return Graph({node.name: node for node in nodes}, weights)


def _node(value: dict[str, Any]) -> Node:
    attributes = {name: _attribute(held) for name, held in value.get("attr", {}).items()}
    inputs = tuple(name for name in value.get("input", []) if not name.startswith("^"))
    return Node(value["name"], value["op"], inputs, attributes)


def _attribute(held: dict[str, Any]) -> Any:
    """Return an attribute's value without the name of its kind."""
    for kind, value in held.items():
        if kind == "list":
            return [item for items in value.values() for item in _items(items, value)]
        return _scalar(kind, value)
    return None


def _items(items: list[Any], of: dict[str, Any]) -> list[Any]:
    kind = next(name for name, value in of.items() if value is items)
    return [_scalar(kind, item) for item in items]


def _scalar(kind: str, value: Any) -> Any:
    if kind == "i":
        return int(value)
    if kind == "s":
        return base64.b64decode(value).decode()
    return value


def _weights(entries: list[dict[str, Any]], shards: bytes) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    at = 0
    for entry in entries:
        quantization = entry.get("quantization") or {}
        if "scale" in quantization:
            raise ValueError(f"{entry['name']}: weights of eight bits are not read")
        stored = DTYPES[quantization.get("dtype", entry["dtype"])]
        values = np.frombuffer(shards, stored, math.prod(entry["shape"]), at)
        found[entry["name"]] = values.astype(DTYPES[entry["dtype"]]).reshape(entry["shape"])
        at += values.nbytes
    if at != len(shards):
        raise ValueError(f"the weights take {at} bytes, the shards have {len(shards)}")
    return found
