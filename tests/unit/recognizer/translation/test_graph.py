"""The translator: every operation against the same operation in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from tests.unit.recognizer.translation import reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.recognizer.conftest import SmallGraph

DICE = np.random.default_rng(1)


def run(graph: SmallGraph, image: Any, *outputs: str) -> Any:
    """Translate the graph and run it."""
    session = onnxruntime.InferenceSession(
        graph.translated(*outputs), providers=["CPUExecutionProvider"]
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
@pytest.mark.parametrize("stored", ["float16", "float32"])
def test_convolutions(  # noqa: PLR0917 # a test's parameters are its table
    small_graph: SmallGraph,
    padding: str,
    stride: int,
    height: int,
    width: int,
    side: int,
    stored: str,
    *,
    depthwise: bool,
) -> None:
    """Plain and depthwise, with even and odd sides, which SAME pads unevenly."""
    image, weights = random(1, height, width, 3), random(side, side, 3, 2)
    small_graph.image(height, width, 3)
    small_graph.constant("weights", weights, stored)
    operation = "DepthwiseConv2dNative" if depthwise else "Conv2D"
    strides = [1, stride, stride, 1]
    small_graph.node(operation, "out", "image", "weights", padding=padding, strides=strides)
    expected = reference.convolution(image, weights, stride, padding, depthwise=depthwise)
    np.testing.assert_allclose(run(small_graph, image, "out"), expected, atol=1e-4)


@pytest.mark.parametrize("operation", ["_FusedConv2D", "FusedDepthwiseConv2dNative"])
@pytest.mark.parametrize(
    ("fused", "then"),
    [(["BiasAdd"], lambda x: x), (["BiasAdd", "Relu"], lambda x: np.maximum(x, 0))],
)
def test_what_is_fused_into_a_convolution(
    small_graph: SmallGraph, operation: str, fused: list[str], then: Callable[[Any], Any]
) -> None:
    """The bias is added to each channel first, then the activation is applied."""
    depthwise = "Depthwise" in operation
    image, weights, bias = random(1, 5, 5, 3), random(3, 3, 3, 1 if depthwise else 3), random(3)
    small_graph.image(5, 5, 3)
    small_graph.constant("weights", weights)
    small_graph.constant("bias", bias)
    attributes: dict[str, Any] = {"padding": "SAME", "strides": [1] * 4, "fused_ops": fused}
    small_graph.node(operation, "out", "image", "weights", "bias", **attributes)
    expected = then(reference.convolution(image, weights, 1, "SAME", depthwise=depthwise) + bias)
    np.testing.assert_allclose(run(small_graph, image, "out"), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("Relu", lambda x: np.maximum(x, 0)),
        ("Relu6", lambda x: np.clip(x, 0, 6)),
        ("Sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        ("Identity", lambda x: x),
    ],
)
def test_activations(
    small_graph: SmallGraph, operation: str, expected: Callable[[Any], Any]
) -> None:
    """Each is applied to every value for itself; six is Relu6's upper end."""
    image = random(1, 4, 5, 3) * 4
    small_graph.image(4, 5, 3)
    small_graph.node(operation, "out", "image")
    np.testing.assert_allclose(run(small_graph, image, "out"), expected(image), atol=1e-5)


@pytest.mark.parametrize(("operation", "combine"), [("Add", np.add), ("Mul", np.multiply)])
@pytest.mark.parametrize("other", ["half", "image"])
@pytest.mark.parametrize("turned", [False, True])
def test_arithmetic(
    small_graph: SmallGraph,
    operation: str,
    combine: Callable[[Any, Any], Any],
    other: str,
    *,
    turned: bool,
) -> None:
    """Two images, or an image and one number, whichever comes first."""
    image = random(1, 4, 5, 3)
    small_graph.image(4, 5, 3)
    small_graph.constant("half", 0.5)
    inputs = [other, "image"] if turned else ["image", other]
    small_graph.node(operation, "out", *inputs)
    expected = combine(image, 0.5 if other == "half" else image)
    np.testing.assert_allclose(run(small_graph, image, "out"), expected, atol=1e-4)


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_concatenation(small_graph: SmallGraph, axis: int) -> None:
    """The axis is one of rows, columns and channels, counted from either end."""
    image = random(1, 4, 5, 3)
    small_graph.image(4, 5, 3)
    small_graph.constant("axis", np.array(axis))
    small_graph.node("Relu", "positive", "image")
    small_graph.node("ConcatV2", "out", "image", "positive", "axis")
    expected = np.concatenate([image, np.maximum(image, 0)], axis)
    np.testing.assert_allclose(run(small_graph, image, "out"), expected, atol=1e-5)


@pytest.mark.parametrize("axes", [[1, 2], [1], [3]])
def test_mean(small_graph: SmallGraph, axes: list[int]) -> None:
    """The dimensions that are averaged away stay, with the length one."""
    image = random(1, 4, 5, 3)
    small_graph.image(4, 5, 3)
    small_graph.constant("axes", np.array(axes))
    small_graph.node("Mean", "out", "image", "axes", keep_dims=True)
    expected = image.mean(axis=tuple(axes), keepdims=True)
    np.testing.assert_allclose(run(small_graph, image, "out"), expected, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(8, 10), (7, 3)])
def test_resizing(small_graph: SmallGraph, height: int, width: int) -> None:
    """Enlarging and shrinking, counted from the corner as TensorFlow did at first."""
    image = random(1, 4, 5, 2)
    small_graph.image(4, 5, 2)
    small_graph.constant("size", np.array([height, width]))
    small_graph.node("ResizeBilinear", "out", "image", "size")
    expected = reference.resize(image, height, width)
    np.testing.assert_allclose(run(small_graph, image, "out"), expected, atol=1e-5)


def test_only_what_the_outputs_need_is_translated(small_graph: SmallGraph) -> None:
    """Several outputs come in the order asked for; an unknown operation behind them is no matter."""
    image = random(1, 4, 5, 3)
    small_graph.image(4, 5, 3)
    small_graph.node("Relu", "first", "image")
    small_graph.node("Sigmoid", "second", "first")
    small_graph.node("TopKV2", "beyond", "second")
    np.testing.assert_allclose(
        run(small_graph, image, "second"), 1 / (1 + np.exp(-np.maximum(image, 0))), atol=1e-5
    )
    second, first = run(small_graph, image, "second", "first")
    np.testing.assert_allclose(first, np.maximum(image, 0), atol=1e-5)
    np.testing.assert_allclose(second, 1 / (1 + np.exp(-np.maximum(image, 0))), atol=1e-5)


def test_an_unknown_operation_is_not_passed_over(small_graph: SmallGraph) -> None:
    """A graph that would be translated wrongly is not translated at all."""
    small_graph.image(4, 5, 3)
    small_graph.node("TopKV2", "out", "image")
    with pytest.raises(KeyError, match="TopKV2"):
        small_graph.translated("out")
