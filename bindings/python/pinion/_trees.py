"""Nested arguments and results of PyTorch models."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ._errors import InvalidArgumentError


class Tree:
    """How values lie in tuples, lists and dictionaries.

    Args:
        text: the model's metadata `pt2.input_tree` or `pt2.output_tree`: `{"type": "dict", "keys": ["a"], "items": [...]}` with
            `{"value": NAME}` and `{"constant": VALUE}` at the leaves.
    """

    def __init__(self, text: str) -> None:
        self.root: dict[str, Any] = json.loads(text)
        #: Arguments by their names, where these are no single values.
        self.nested: dict[str, Any] = {}
        #: Names of all arguments in their order.
        self.arguments: list[str] = []
        if self.root.get("type") == "arguments":
            self.arguments = list(self.root["keys"])
            items = zip(self.arguments, self.root["items"])
            self.nested = {name: item for name, item in items if "type" in item or "constant" in item or item["value"] != name}

    def flat(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs by the values' names: arguments that are given nested are taken apart."""
        result: dict[str, Any] = {}
        for name, value in inputs.items():
            node = self.nested.get(name)
            if node is None:
                result[name] = value
            else:
                result.update(_leaves(node, value, name))
        return result

    def nest(self, values: Mapping[str, Any]) -> Any:
        """The values by name as the module gives them."""
        return _nest(self.root, values)


def _leaves(node: dict[str, Any], value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if "value" in node:
        yield node["value"], value
        return
    if "constant" in node:
        expected = node["constant"]
        if value != expected and not (isinstance(expected, str) and str(value) == expected):
            raise InvalidArgumentError(f"'{path}' is {value!r}; the program was exported for {expected!r}")
        return
    keys, items = node.get("keys"), node["items"]
    parts: Sequence[Any]
    if keys is not None and isinstance(value, Mapping):
        missing, unknown = [key for key in keys if key not in value], [key for key in value if key not in keys]
        if missing or unknown:
            raise InvalidArgumentError(f"'{path}' has the keys {list(value)}, expected {keys}")
        parts = [value[key] for key in keys]
    elif keys is not None and node["type"] in ("namedtuple", "object") and all(hasattr(value, key) for key in keys):
        parts = [getattr(value, key) for key in keys]
    elif node["type"] != "dict" and isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        if len(value) != len(items):
            raise InvalidArgumentError(f"'{path}' has {len(value)} items, expected {len(items)}")
        parts = value
    else:
        raise InvalidArgumentError(f"'{path}' is {type(value).__name__}, expected a {node['type']} of {len(items)}")
    for index, (item, part) in enumerate(zip(items, parts)):
        yield from _leaves(item, part, f"{path}.{keys[index] if keys is not None else index}")


@lru_cache(maxsize=64)
def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    return collections.namedtuple(name or "Result", fields, rename=True)


def _nest(node: dict[str, Any], values: Mapping[str, Any]) -> Any:
    if "value" in node:
        return values[node["value"]]
    if "constant" in node:
        return node["constant"]
    items = [_nest(item, values) for item in node["items"]]
    keys, kind = node.get("keys"), node["type"]
    if kind == "tuple":
        return tuple(items)
    if kind == "namedtuple" and keys is not None:
        return _named_tuple(node.get("name", ""), tuple(keys))(*items)
    # A class that is not here is shown as a dictionary of its fields.
    return dict(zip(keys, items)) if keys is not None else items
