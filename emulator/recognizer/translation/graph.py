"""Translates a TensorFlow.js graph model of images into ONNX.

Source: tfjs-converter, "graph model" (`model.json` beside `*.bin`): attributes
are those of TensorFlow's GraphDef as JSON (strings in Base64, integers as
text), each node comes after what it needs, and the weights of a group of the
manifest stand one after the other in its shards.

TensorFlow keeps images as NHWC, ONNX as NCHW. The translated graph takes and
gives NHWC, as the original does; one transposition at each end pays for it,
and between them every tensor has its channels in front. The model is pinned by
its digest, so that only what it uses is translated; what is not in OPERATIONS
ends in a KeyError.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

OPSET = 17
IR_VERSION = 8
TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
AXIS_IN_NCHW = (0, 2, 3, 1)
DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "int32": np.dtype("<i4"),
}

Node = dict[str, Any]


def translate(model: Node, files: Mapping[str, bytes], outputs: Sequence[str]) -> Any:
    """Return the part of the graph that leads to some of its nodes, as an ONNX model.

    Args:
        model: the contents of `model.json`.
        files: the shards' bytes by the names that the model has for them.
        outputs: the names of the nodes whose values are wanted.
    """
    return _Translation(_weights(model["weightsManifest"], files)).run(
        {node["name"]: node for node in model["modelTopology"]["node"]}, outputs
    )


def _weights(
    manifest: Sequence[dict[str, Any]], files: Mapping[str, bytes]
) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for group in manifest:
        shards, at = b"".join(files[name] for name in group["paths"]), 0
        for entry in group["weights"]:
            stored = DTYPES[entry.get("quantization", entry)["dtype"]]
            values = np.frombuffer(shards, stored, math.prod(entry["shape"]), at)
            found[entry["name"]] = values.astype(DTYPES[entry["dtype"]]).reshape(entry["shape"])
            at += values.nbytes
    return found


class _Translation:
    def __init__(self, weights: dict[str, NDArray[Any]]) -> None:
        self.weights = weights
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        self._inputs: list[Any] = []

    def run(self, nodes: dict[str, Node], outputs: Sequence[str]) -> Any:
        needed = set(outputs)
        for name, node in reversed(nodes.items()):
            if name in needed:
                needed.update(node.get("input", []))
        for name, node in nodes.items():
            if name in needed and node["op"] != "Const":
                OPERATIONS[node["op"]](self, node)
        for name in outputs:
            self.add("Transpose", [name], f"{name}:nhwc", perm=TO_NHWC)
        results = [_value(f"{name}:nhwc", [None] * 4) for name in outputs]
        body = helper.make_graph(
            self._nodes, "graph", self._inputs, results, list(self._initializers.values())
        )
        model = helper.make_model(
            body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        checker.check_model(model)
        return model

    def add(self, operation: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(operation, inputs, [output], **attributes))

    def take(self, name: str, shape: Sequence[int]) -> None:
        """Declare an input of the whole graph."""
        self._inputs.append(_value(name, shape))

    def keep(self, name: str, values: NDArray[Any]) -> str:
        """Put a constant into the model, once."""
        if name not in self._initializers:
            self._initializers[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def activate(self, operation: str, before: str, after: str) -> None:
        """Apply an activation that may stand alone or be fused into a convolution."""
        inputs = [before]
        if operation == "Relu6":
            inputs += [self.keep(str(end), np.array(end, np.float32)) for end in (0, 6)]
        self.add("Clip" if operation == "Relu6" else operation, inputs, after)


def _value(name: str, shape: Sequence[int | None]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _text(value: str) -> str:
    return base64.b64decode(value).decode()


def _placeholder(to: _Translation, node: Node) -> None:
    to.take(f"{node['name']}:nhwc", [int(d["size"]) for d in node["attr"]["shape"]["shape"]["dim"]])
    to.add("Transpose", [f"{node['name']}:nhwc"], node["name"], perm=TO_NCHW)


def _convolution(to: _Translation, node: Node) -> None:
    """Plain or depthwise; a bias and an activation may be fused in, in this order."""
    name, attributes = node["name"], node["attr"]
    image, kernel, *bias = node["input"]
    weights = to.weights[kernel]  # height, width, channels in, channels out of each
    groups = 1
    if "Depthwise" in node["op"]:
        height, width, groups, multiplier = weights.shape
        weights = weights.reshape(height, width, 1, groups * multiplier)
    inputs = [image, to.keep(kernel, weights.transpose(3, 2, 0, 1))]
    inputs += [to.keep(one, to.weights[one]) for one in bias]
    fused = [_text(one) for one in attributes.get("fused_ops", {}).get("list", {}).get("s", [])]
    activations = fused[1:]
    to.add(
        "Conv",
        inputs,
        f"{name}:linear" if activations else name,
        auto_pad="SAME_UPPER" if _text(attributes["padding"]["s"]) == "SAME" else "VALID",
        strides=[int(stride) for stride in attributes["strides"]["list"]["i"][1:3]],
        group=groups,
    )
    for activation in activations:
        to.activate(activation, f"{name}:linear", name)


def _arithmetic(to: _Translation, node: Node) -> None:
    """Combine two images, or an image and one number."""
    for name in node["input"]:
        if name in to.weights:
            to.keep(name, to.weights[name])
    to.add(node["op"], node["input"], node["name"])


def _activation(to: _Translation, node: Node) -> None:
    to.activate(node["op"], node["input"][0], node["name"])


def _mean(to: _Translation, node: Node) -> None:
    image, axes = node["input"]
    in_nchw = [AXIS_IN_NCHW[axis] for axis in to.weights[axes].ravel()]
    to.add("ReduceMean", [image], node["name"], axes=in_nchw, keepdims=1)


def _concatenation(to: _Translation, node: Node) -> None:
    *parts, axis = node["input"]
    to.add("Concat", parts, node["name"], axis=AXIS_IN_NCHW[to.weights[axis].item()])


def _resize(to: _Translation, node: Node) -> None:
    """Take the pixel at the same share of the image's sides, counted from its corner."""
    (image, size), name = node["input"], node["name"]
    # ONNX wants all four sizes: the batch is one, the channels are as they come.
    to.add("Shape", [image], f"{name}:front", start=0, end=2)
    wanted = to.keep(f"{name}:size", to.weights[size].astype(np.int64))
    to.add("Concat", [f"{name}:front", wanted], f"{name}:shape", axis=0)
    to.add(
        "Resize",
        [image, "", "", f"{name}:shape"],
        name,
        mode="linear",
        coordinate_transformation_mode="asymmetric",
    )


OPERATIONS: dict[str, Callable[[_Translation, Node], None]] = {
    "Add": _arithmetic,
    "ConcatV2": _concatenation,
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _convolution,
    "FusedDepthwiseConv2dNative": _convolution,
    "Identity": _activation,
    "Mean": _mean,
    "Mul": _arithmetic,
    "Placeholder": _placeholder,
    "Relu": _activation,
    "Relu6": _activation,
    "ResizeBilinear": _resize,
    "Sigmoid": _activation,
    "_FusedConv2D": _convolution,
}
