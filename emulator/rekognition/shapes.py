"""Checks a JSON value against a shape of botocore's own model of the service."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.loaders
from botocore.model import (
    ListShape,
    MapShape,
    ServiceModel,
    StringShape,
    StructureShape,
)

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape


@cache
def service_model() -> ServiceModel:
    """Load botocore's model of Rekognition, once."""
    loaded = botocore.loaders.Loader().load_service_model("rekognition", "service-2")
    return ServiceModel(loaded, "rekognition")


def operation_model(name: str) -> OperationModel:
    """Return the model of one operation."""
    return service_model().operation_model(name)


def input_problems(operation: str, value: Any) -> list[str]:
    """Say in what a request is not as the model demands."""
    shape = operation_model(operation).input_shape
    return problems(shape, value, "") if shape else []


def output_problems(operation: str, value: Any) -> list[str]:
    """Say in what a response is not as the model promises."""
    shape = operation_model(operation).output_shape
    return problems(shape, value, operation) if shape else []


def problems(shape: Shape, value: Any, where: str) -> list[str]:  # noqa: PLR0911 # a table
    """List what is wrong with a value, each with the place where it stands."""
    if isinstance(shape, StructureShape):
        return _structure_problems(shape, value, where)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            return [f"{where}: expected a list"]
        found = _size_problems(shape, len(value), where, "items")
        for index, item in enumerate(value):
            found += problems(shape.member, item, f"{where}[{index}]")
        return found
    if isinstance(shape, MapShape):
        return [] if isinstance(value, dict) else [f"{where}: expected an object"]
    if isinstance(shape, StringShape) or shape.type_name in {"string", "blob"}:
        return _text_problems(shape, value, where)
    if shape.type_name == "boolean":
        return [] if isinstance(value, bool) else [f"{where}: expected true or false"]
    return _number_problems(shape, value, where)


def _structure_problems(shape: StructureShape, value: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where or 'request'}: expected an object"]
    prefix = f"{where}." if where else ""
    found = [f"{prefix}{name}: missing" for name in shape.required_members if name not in value]
    for name, item in value.items():
        if name not in shape.members:
            found.append(f"{prefix}{name}: not known here")
        elif item is not None:
            found += problems(shape.members[name], item, f"{prefix}{name}")
    return found


def _text_problems(shape: Shape, value: Any, where: str) -> list[str]:
    if not isinstance(value, str):
        return [f"{where}: expected text"]
    if shape.type_name == "blob":
        return []  # its size is the image's, which has an error of its own
    allowed = getattr(shape, "enum", [])
    if allowed and value not in allowed:
        return [f"{where}: '{value}' is none of {', '.join(allowed)}"]
    found = _size_problems(shape, len(value), where, "characters")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        found.append(f"{where}: '{value}' does not match {pattern}")
    return found


def _number_problems(shape: Shape, value: Any, where: str) -> list[str]:
    whole = shape.type_name in {"integer", "long"}
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return [f"{where}: expected {'an integer' if whole else 'a number'}"]
    if not math.isfinite(value):
        return [f"{where}: expected a finite number"]
    return _size_problems(shape, value, where, "")


def _size_problems(shape: Shape, size: float, where: str, unit: str) -> list[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        return [f"{where}: {size} is below the least, {least} {unit}".rstrip()]
    if most is not None and size > most:
        return [f"{where}: {size} is above the most, {most} {unit}".rstrip()]
    return []
