"""The translator: every operation against the same operation in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from emulator.recognizer import onnx_graph, tfjs
from tests.unit.recognizer import reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.recognizer.conftest import GraphFile

DICE = np.random.default_rng(1)
CONVOLUTION = {"data_format": "NHWC", "dilations": [1, 1, 1, 1]}


def run(graph_file: GraphFile, image: Any, *outputs: str) -> Any:
    """Translate the graph and run it."""
    model = onnx_graph.translate(tfjs.load(graph_file.write()), outputs)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    results = session.run(None, {name: image.astype(np.float32)})
    return results[0] if len(outputs) == 1 else results


def random(*shape: int) -> Any:
    """Return numbers that halves of floats hold exactly."""
    return DICE.integers(-64, 64, shape) / 16


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(8, 6), (7, 9)])
@pytest.mark.parametrize(("side", "depthwise"), [(3, False), (3, True), (1, False), (2, True)])
def test_convolutions(  # noqa: PLR0917 # a test's parameters are its table
    graph_file: GraphFile,
    padding: str,
    stride: int,
    height: int,
    width: int,
    side: int,
    *,
    depthwise: bool,
) -> None:
    """Plain and depthwise, with even and odd sides, which SAME pads unevenly."""
    image, weights = random(1, height, width, 3), random(side, side, 3, 2)
    graph_file.image(height, width, 3)
    graph_file.constant("weights", weights, stored="float16")
    operation = "DepthwiseConv2dNative" if depthwise else "Conv2D"
    strides = [1, stride, stride, 1]
    graph_file.node(
        operation, "out", "image", "weights", padding=padding, strides=strides, **CONVOLUTION
    )
    expected = reference.convolution(image, weights, stride, padding, depthwise=depthwise)
    np.testing.assert_allclose(run(graph_file, image, "out"), expected, atol=1e-4)


@pytest.mark.parametrize("operation", ["_FusedConv2D", "FusedDepthwiseConv2dNative"])
@pytest.mark.parametrize(
    ("fused", "then"),
    [
        (["BiasAdd"], lambda x: x),
        (["BiasAdd", "Relu"], lambda x: np.maximum(x, 0)),
        (["BiasAdd", "Relu6"], lambda x: np.clip(x, 0, 6)),
    ],
)
def test_what_is_fused_into_a_convolution(
    graph_file: GraphFile, operation: str, fused: list[str], then: Callable[[Any], Any]
) -> None:
    """The bias is added to each channel first, then the activation is applied."""
    depthwise = "Depthwise" in operation
    image, weights, bias = random(1, 5, 5, 3), random(3, 3, 3, 1 if depthwise else 3), random(3)
    graph_file.image(5, 5, 3)
    graph_file.constant("weights", weights)
    graph_file.constant("bias", bias)
    graph_file.node(
        operation,
        "out",
        "image",
        "weights",
        "bias",
        padding="SAME",
        strides=[1, 1, 1, 1],
        fused_ops=fused,
        **CONVOLUTION,
    )
    expected = then(reference.convolution(image, weights, 1, "SAME", depthwise=depthwise) + bias)
    np.testing.assert_allclose(run(graph_file, image, "out"), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("Relu", lambda x: np.maximum(x, 0)),
        ("Relu6", lambda x: np.clip(x, 0, 6)),
        ("Sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        ("Identity", lambda x: x),
    ],
)
def test_activations(graph_file: GraphFile, operation: str, expected: Callable[[Any], Any]) -> None:
    """Each is applied to every value for itself; six is Relu6's upper end."""
    image = random(1, 4, 5, 3) * 4
    graph_file.image(4, 5, 3)
    graph_file.node(operation, "out", "image")
    np.testing.assert_allclose(run(graph_file, image, "out"), expected(image), atol=1e-5)


@pytest.mark.parametrize("shape", [(), (3,), (1, 1, 1, 3), (4, 5, 3), (1, 4, 5, 1)])
@pytest.mark.parametrize(("operation", "combine"), [("Add", np.add), ("Mul", np.multiply)])
@pytest.mark.parametrize("constant_first", [False, True])
def test_constants_broadcast_as_in_tensorflow(
    graph_file: GraphFile,
    shape: tuple[int, ...],
    operation: str,
    combine: Callable[[Any, Any], Any],
    *,
    constant_first: bool,
) -> None:
    """A constant of fewer dimensions is aligned with the channels, which stand last there."""
    image, other = random(1, 4, 5, 3), random(*shape)
    graph_file.image(4, 5, 3)
    graph_file.constant("other", other)
    inputs = ["other", "image"] if constant_first else ["image", "other"]
    graph_file.node(operation, "out", *inputs)
    np.testing.assert_allclose(run(graph_file, image, "out"), combine(image, other), atol=1e-4)


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_concatenation(graph_file: GraphFile, axis: int) -> None:
    """The axis is one of rows, columns and channels, counted from either end."""
    image = random(1, 4, 5, 3)
    graph_file.image(4, 5, 3)
    graph_file.constant("axis", np.array(axis))
    graph_file.node("Relu", "positive", "image")
    graph_file.node("ConcatV2", "out", "image", "positive", "axis")
    expected = np.concatenate([image, np.maximum(image, 0)], axis)
    np.testing.assert_allclose(run(graph_file, image, "out"), expected, atol=1e-5)


@pytest.mark.parametrize("axes", [[1, 2], [1], [3]])
def test_mean(graph_file: GraphFile, axes: list[int]) -> None:
    """The dimensions that are averaged away stay, with the length one."""
    image = random(1, 4, 5, 3)
    graph_file.image(4, 5, 3)
    graph_file.constant("axes", np.array(axes))
    graph_file.node("Mean", "out", "image", "axes", keep_dims=True)
    expected = image.mean(axis=tuple(axes), keepdims=True)
    np.testing.assert_allclose(run(graph_file, image, "out"), expected, atol=1e-5)


@pytest.mark.parametrize("mode", ["", "align_corners", "half_pixel_centers"])
@pytest.mark.parametrize(("height", "width"), [(8, 10), (7, 3)])
def test_resizing(graph_file: GraphFile, mode: str, height: int, width: int) -> None:
    """Enlarging and shrinking, with each way to find the pixel that a pixel comes from."""
    image = random(1, 4, 5, 2)
    graph_file.image(4, 5, 2)
    graph_file.constant("size", np.array([height, width]))
    flags = {name: name == mode for name in ("align_corners", "half_pixel_centers")}
    graph_file.node("ResizeBilinear", "out", "image", "size", **flags)
    expected = reference.resize(image, height, width, mode)
    np.testing.assert_allclose(run(graph_file, image, "out"), expected, atol=1e-5)


def test_only_what_the_outputs_need_is_translated(graph_file: GraphFile) -> None:
    """Several outputs come in the order asked for; an unknown operation behind them is no matter."""
    image = random(1, 4, 5, 3)
    graph_file.image(4, 5, 3)
    graph_file.node("Relu", "first", "image")
    graph_file.node("Sigmoid", "second", "first")
    graph_file.node("TopKV2", "beyond", "second")
    second, first = run(graph_file, image, "second", "first")
    np.testing.assert_allclose(first, np.maximum(image, 0), atol=1e-5)
    np.testing.assert_allclose(second, 1 / (1 + np.exp(-np.maximum(image, 0))), atol=1e-5)


@pytest.mark.parametrize(
    ("operation", "inputs", "attributes", "reason"),
    [
        ("TopKV2", ["image"], {}, "out: TopKV2 is not translated"),
        ("Mean", ["image", "one"], {"keep_dims": False}, "drops dimensions"),
        ("Mean", ["image", "image"], {"keep_dims": True}, "image: expected a constant"),
        ("Relu", ["image:1"], {}, "image:1: no such node"),
        ("Conv2D", ["image", "w"], {"padding": "EXPLICIT", "strides": [1] * 4}, "padding EXPLICIT"),
        (
            "Conv2D",
            ["image", "w"],
            {"padding": "SAME", "strides": [1] * 4, "data_format": "NCHW"},
            "expected data in NHWC",
        ),
        (
            "_FusedConv2D",
            ["image", "w", "one"],
            {"padding": "SAME", "strides": [1] * 4, "fused_ops": ["BiasAdd", "Elu"]},
            "fused .*Elu",
        ),
    ],
)
def test_what_is_not_known_is_refused_by_name(
    graph_file: GraphFile,
    operation: str,
    inputs: list[str],
    attributes: dict[str, Any],
    reason: str,
) -> None:
    """A graph that would be translated wrongly is not translated at all."""
    graph_file.image(4, 5, 3)
    graph_file.constant("one", np.array([1]))
    graph_file.constant("w", random(1, 1, 3, 3))
    graph_file.node(operation, "out", *inputs, **attributes)
    with pytest.raises(onnx_graph.UnknownOperationError, match=reason):
        onnx_graph.translate(tfjs.load(graph_file.write()), ["out"])
