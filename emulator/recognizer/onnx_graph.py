"""Translates a TensorFlow graph of images into ONNX.

TensorFlow keeps images as NHWC, ONNX as NCHW. The translated graph takes and
gives NHWC, as the original does; one transposition at each end pays for it,
and between them every tensor has its channels in front. Only the operations
in OPERATIONS are known, and only as far as images need them: any other graph
is refused by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from emulator.recognizer.tfjs import Graph, Node

OPSET = 17
IR_VERSION = 8
TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
AXIS_IN_NCHW = {0: 0, 1: 2, 2: 3, 3: 1}
RANK = 4
ACTIVATIONS = ("Relu", "Relu6")


class UnknownOperationError(Exception):
    """The graph has an operation, or a use of one, that is not translated."""


def translate(graph: Graph, outputs: Sequence[str]) -> Any:
    """Return the part of the graph that leads to some of its nodes, as an ONNX model."""
    return _Translation(graph).run(outputs)


class _Translation:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        self._inputs: list[Any] = []

    def run(self, outputs: Sequence[str]) -> Any:
        for name in self._order(outputs):
            node = self._graph.nodes[name]
            translate_node = OPERATIONS.get(node.operation)
            if translate_node is None:
                raise UnknownOperationError(f"{name}: {node.operation} is not translated.")
            translate_node(self, node)
        results = []
        for name in outputs:
            self.add("Transpose", [name], f"{name}:nhwc", perm=TO_NHWC)
            results.append(_value(f"{name}:nhwc", [None] * RANK))
        body = helper.make_graph(
            self._nodes, "graph", self._inputs, results, list(self._initializers.values())
        )
        model = helper.make_model(
            body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        checker.check_model(model)
        return model

    def _order(self, outputs: Sequence[str]) -> list[str]:
        """List what the outputs need, constants left out, each after what it needs itself."""
        order: dict[str, None] = {}
        open_nodes: list[tuple[str, bool]] = [(name, False) for name in reversed(outputs)]
        while open_nodes:
            name, complete = open_nodes.pop()
            if complete:
                order[name] = None
            elif name not in order:
                node = self._graph.nodes.get(name)
                if node is None:
                    raise UnknownOperationError(f"{name}: no such node, or not a first output.")
                if node.operation != "Const":
                    open_nodes.append((name, True))
                    open_nodes += [(below, False) for below in reversed(node.inputs)]
        return list(order)

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

    def constant(self, name: str) -> NDArray[Any]:
        """Return a constant's value; what a translation must know cannot be computed."""
        if name not in self._graph.weights:
            raise UnknownOperationError(f"{name}: expected a constant.")
        return self._graph.weights[name]

    def operand(self, name: str) -> str:
        """Return an operand that may be a constant, which is then turned to broadcast as NCHW."""
        if name not in self._graph.weights:
            return name
        values = self._graph.weights[name]
        if values.ndim == 0:
            return self.keep(name, values)
        values = values.reshape((1,) * (RANK - values.ndim) + values.shape)
        return self.keep(f"{name}:nchw", values.transpose(TO_NCHW))

    def activate(self, node: Node, before: str, activation: str, after: str) -> None:
        """Apply an activation that may stand alone or be fused into a convolution."""
        if activation == "Relu":
            self.add("Relu", [before], after)
        elif activation == "Relu6":
            low = self.keep("zero", np.array(0, np.float32))
            high = self.keep("six", np.array(6, np.float32))
            self.add("Clip", [before, low, high], after)
        else:
            raise UnknownOperationError(f"{node.name}: {activation} is not translated.")


def _value(name: str, shape: Sequence[int | None]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _placeholder(to: _Translation, node: Node) -> None:
    shape = [int(side["size"]) for side in node.attributes["shape"]["dim"]]
    if len(shape) != RANK:
        raise UnknownOperationError(f"{node.name}: expected an input of rank {RANK}, got {shape}.")
    to.take(f"{node.name}:nhwc", shape)
    to.add("Transpose", [f"{node.name}:nhwc"], node.name, perm=TO_NCHW)


def _convolution(to: _Translation, node: Node) -> None:
    """Plain or depthwise; a bias and an activation may be fused in."""
    if node.attributes.get("data_format", "NHWC") != "NHWC":
        raise UnknownOperationError(f"{node.name}: expected data in NHWC.")
    padding = node.attributes["padding"]
    if padding not in {"SAME", "VALID"}:
        raise UnknownOperationError(f"{node.name}: padding {padding} is not translated.")
    weights = to.constant(node.inputs[1])  # height, width, channels in, channels out of each
    height, width, channels, multiplier = weights.shape
    groups = 1
    if "Depthwise" in node.operation:
        groups = channels
        weights = weights.reshape(height, width, 1, channels * multiplier)
    inputs = [node.inputs[0], to.keep(f"{node.inputs[1]}:oihw", weights.transpose(3, 2, 0, 1))]
    fused = list(node.attributes.get("fused_ops", []))
    if fused[:1] == ["BiasAdd"]:
        fused.pop(0)
        inputs.append(to.keep(node.inputs[2], to.constant(node.inputs[2])))
    if len(fused) > 1 or (fused and fused[0] not in ACTIVATIONS):
        raise UnknownOperationError(f"{node.name}: fused {fused} is not translated.")
    to.add(
        "Conv",
        inputs,
        f"{node.name}:linear" if fused else node.name,
        auto_pad="SAME_UPPER" if padding == "SAME" else "VALID",
        strides=node.attributes["strides"][1:3],
        dilations=node.attributes.get("dilations", [1, 1, 1, 1])[1:3],
        group=groups,
    )
    if fused:
        to.activate(node, f"{node.name}:linear", fused[0], node.name)


def _same(operation: str) -> Callable[[_Translation, Node], None]:
    """Translate what differs in no more than, perhaps, its name."""

    def translate_node(to: _Translation, node: Node) -> None:
        to.add(operation, [to.operand(name) for name in node.inputs], node.name)

    return translate_node


def _activation(to: _Translation, node: Node) -> None:
    to.activate(node, node.inputs[0], node.operation, node.name)


def _mean(to: _Translation, node: Node) -> None:
    if not node.attributes.get("keep_dims"):
        raise UnknownOperationError(f"{node.name}: a Mean that drops dimensions.")
    axes = [_axis(axis) for axis in to.constant(node.inputs[1]).ravel()]
    to.add("ReduceMean", [node.inputs[0]], node.name, axes=axes, keepdims=1)


def _concatenation(to: _Translation, node: Node) -> None:
    *parts, axis = node.inputs
    parts = [to.operand(name) for name in parts]
    to.add("Concat", parts, node.name, axis=_axis(to.constant(axis).item()))


def _resize(to: _Translation, node: Node) -> None:
    mode = "asymmetric"
    if node.attributes.get("align_corners"):
        mode = "align_corners"
    elif node.attributes.get("half_pixel_centers"):
        mode = "half_pixel"
    height, width = (int(side) for side in to.constant(node.inputs[1]))
    # ONNX wants all four sizes: the batch is one, the channels are as they come.
    shape, front = f"{node.name}:shape", f"{node.name}:front"
    to.add("Shape", [node.inputs[0]], front, start=0, end=2)
    size = to.keep(f"{node.name}:size", np.array([height, width], np.int64))
    to.add("Concat", [front, size], shape, axis=0)
    to.add(
        "Resize",
        [node.inputs[0], "", "", shape],
        node.name,
        mode="linear",
        coordinate_transformation_mode=mode,
    )


def _axis(axis: int) -> int:
    return AXIS_IN_NCHW[int(axis) % RANK]


OPERATIONS: dict[str, Callable[[_Translation, Node], None]] = {
    "Add": _same("Add"),
    "AddV2": _same("Add"),
    "ConcatV2": _concatenation,
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _convolution,
    "FusedDepthwiseConv2dNative": _convolution,
    "Identity": _same("Identity"),
    "Mean": _mean,
    "Mul": _same("Mul"),
    "Placeholder": _placeholder,
    "Relu": _activation,
    "Relu6": _activation,
    "ResizeBilinear": _resize,
    "Sigmoid": _same("Sigmoid"),
    "_FusedConv2D": _convolution,
}
