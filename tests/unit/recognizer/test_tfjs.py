"""Reading TensorFlow.js graph models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emulator.recognizer import tfjs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.recognizer.conftest import GraphFile


def test_weights_come_in_their_shape_and_type(graph_file: GraphFile) -> None:
    """Weights stand one after the other over all shards; halves become whole floats."""
    graph_file.constant("a", [[1.5, -2.0], [3.0, 0.25]], stored="float16")
    graph_file.constant("b", [7, -9])
    graph_file.constant("c", 0.1)
    weights = tfjs.load(graph_file.write()).weights
    assert weights["a"].dtype == np.float32
    assert weights["a"].tolist() == [[1.5, -2.0], [3.0, 0.25]]
    assert weights["b"].dtype == np.int32
    assert weights["b"].tolist() == [7, -9]
    assert weights["c"].shape == ()
    assert weights["c"].item() == np.float32(0.1)


def test_attributes_are_plain_values(graph_file: GraphFile) -> None:
    """Text is decoded, integers are integers, lists are lists, control inputs are left out."""
    graph_file.node(
        "Conv2D", "n", "x", "^y", padding="SAME", strides=[1, 2], fused=["A", "B"], none=[], on=True
    )
    node = tfjs.load(graph_file.write()).nodes["n"]
    assert node.inputs == ("x",)
    assert node.attributes == {
        "padding": "SAME",
        "strides": [1, 2],
        "fused": ["A", "B"],
        "none": [],
        "on": True,
    }


def test_a_missing_shard_is_named(graph_file: GraphFile) -> None:
    """The sentence says which file cannot be read."""
    path = graph_file.write()
    (path.parent / "shard2.bin").unlink()
    with pytest.raises(tfjs.GraphError, match=r"shard2\.bin: cannot be read"):
        tfjs.load(path)


@pytest.mark.parametrize("change", [b"", b"12345"])
def test_shards_of_another_length_are_refused(graph_file: GraphFile, change: bytes) -> None:
    """Too few bytes and too many are no model, rather than other weights."""
    graph_file.constant("a", [1.0, 2.0, 3.0])
    path = graph_file.write()
    shard = path.parent / "shard2.bin"
    shard.write_bytes(change and shard.read_bytes() + change)
    with pytest.raises(tfjs.GraphError, match=r"is no TensorFlow\.js graph model"):
        tfjs.load(path)


@pytest.mark.parametrize(
    "value", ["no JSON", "[]", '{"modelTopology": {"node": []}}', '{"modelTopology": null}']
)
def test_other_files_are_refused(tmp_path: Path, value: str) -> None:
    """What is no graph model is refused with a sentence that names the file."""
    path = tmp_path / "model.json"
    path.write_text(value)
    with pytest.raises(tfjs.GraphError, match=r"model\.json: is no TensorFlow.js graph model"):
        tfjs.load(path)


def test_weights_of_eight_bits_are_refused(graph_file: GraphFile) -> None:
    """They would need a scale, which is not read: better no weights than wrong ones."""
    graph_file.constant("a", [1.0])
    path = graph_file.write()
    model: dict[str, Any] = json.loads(path.read_text())
    quantization = {"dtype": "uint8", "scale": 0.1, "min": 0.0}
    model["weightsManifest"][0]["weights"][0]["quantization"] = quantization
    path.write_text(json.dumps(model))
    with pytest.raises(tfjs.GraphError, match="a: weights of eight bits"):
        tfjs.load(path)
