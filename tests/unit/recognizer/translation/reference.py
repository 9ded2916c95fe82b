"""TensorFlow's operations on images in plain NumPy, written for clarity, from its documentation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def convolution(image: Any, weights: Any, stride: int, padding: str, *, depthwise: bool) -> Any:
    """Conv2D and DepthwiseConv2dNative: NHWC with weights height x width x in x out."""
    height, width, channels, out = weights.shape
    image = _padded(image, (height, width), stride) if padding == "SAME" else image
    rows = (image.shape[1] - height) // stride + 1
    columns = (image.shape[2] - width) // stride + 1
    result = np.zeros((1, rows, columns, channels * out if depthwise else out), np.float64)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            patch = image[0, top : top + height, left : left + width, :]
            if depthwise:
                result[0, row, column] = np.einsum("hwc,hwcm->cm", patch, weights).ravel()
            else:
                result[0, row, column] = np.einsum("hwc,hwco->o", patch, weights)
    return result


def _padded(image: Any, window: tuple[int, int], stride: int) -> Any:
    """Pad for SAME: the odd pixel goes below and to the right."""
    sides = []
    for size, length in zip(image.shape[1:3], window, strict=True):
        total = max((math.ceil(size / stride) - 1) * stride + length - size, 0)
        sides.append((total // 2, total - total // 2))
    return np.pad(image, ((0, 0), *sides, (0, 0)))


def resize(image: Any, height: int, width: int) -> Any:
    """ResizeBilinear without its two later ways to find the pixel that a pixel comes from."""
    last_row, last_column = image.shape[1] - 1, image.shape[2] - 1
    result = np.zeros((1, height, width, image.shape[3]))
    for to_row in range(height):
        for to_column in range(width):
            row = min(to_row * image.shape[1] / height, last_row)
            column = min(to_column * image.shape[2] / width, last_column)
            top, left = int(row), int(column)
            bottom, right = min(top + 1, last_row), min(left + 1, last_column)
            y, x = row - top, column - left
            result[0, to_row, to_column] = (
                image[0, top, left] * (1 - y) * (1 - x)
                + image[0, top, right] * (1 - y) * x
                + image[0, bottom, left] * y * (1 - x)
                + image[0, bottom, right] * y * x
            )
    return result
