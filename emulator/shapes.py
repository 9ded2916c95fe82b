"""Checks a JSON value against a shape of botocore's own model of the service."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.loaders
from botocore.model import OperationModel, ServiceModel, Shape

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def service_model(service: str = "rekognition") -> ServiceModel:
    """Load botocore's model of a service, once."""
    loaded = botocore.loaders.Loader().load_service_model(service, "service-2")
    return ServiceModel(loaded, service)


def operation_model(name: str, service: str = "rekognition") -> OperationModel:
    """Return the model of one operation."""
    return service_model(service).operation_model(name)


def input_problems(operation: str, value: Any, service: str = "rekognition") -> list[str]:
    """Say in what a request is not as the model demands."""
    shape = operation_model(operation, service).input_shape
    return problems(shape, value, "") if shape else []


def output_problems(operation: str, value: Any) -> list[str]:
    """Say in what a response is not as the model promises."""
    shape = operation_model(operation).output_shape
    return problems(shape, value, operation) if shape else []


def problems(shape: Shape, value: Any, where: str) -> list[str]:
    """List what is wrong with a value, each with the place where it stands."""
    return CHECKS.get(shape.type_name, _number_problems)(shape, value, where)


def _list_problems(shape: Any, value: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{where}: expected a list"]
    found = _size_problems(shape, len(value), where, "items")
    for index, item in enumerate(value):
        found += problems(shape.member, item, f"{where}[{index}]")
    return found


def _map_problems(shape: Any, value: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: expected an object"]
    found: list[str] = []
    for name, item in value.items():
        found += problems(shape.value, item, f"{where}.{name}")
    return found


def _blob_problems(_: Shape, value: Any, where: str) -> list[str]:
    # Its size is the image's, which has an error of its own.
    return [] if isinstance(value, str) else [f"{where}: expected text"]


def _boolean_problems(_: Shape, value: Any, where: str) -> list[str]:
    return [] if isinstance(value, bool) else [f"{where}: expected true or false"]


def _structure_problems(shape: Any, value: Any, where: str) -> list[str]:
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
    allowed, least, most, pattern = _text_rules(shape)
    if allowed and value not in allowed:
        return [f"{where}: '{value}' is none of {', '.join(allowed)}"]
    found: list[str] = []
    if not least <= len(value) <= most:
        found = _size_problems(shape, len(value), where, "characters")
    if pattern and not pattern.fullmatch(value):
        found.append(f"{where}: '{value}' does not match {pattern.pattern}")
    return found


@cache
def _text_rules(shape: Shape) -> tuple[list[str], float, float, re.Pattern[str] | None]:
    """Return what a text may be, its least and most characters, and its pattern."""
    rules, pattern = shape.metadata, shape.metadata.get("pattern")
    return (
        getattr(shape, "enum", []),
        rules.get("min", 0),
        rules.get("max", math.inf),
        re.compile(pattern) if pattern else None,
    )


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


CHECKS: dict[str, Callable[[Shape, Any, str], list[str]]] = {
    "blob": _blob_problems,
    "boolean": _boolean_problems,
    "list": _list_problems,
    "map": _map_problems,
    "string": _text_problems,
    "structure": _structure_problems,
}
