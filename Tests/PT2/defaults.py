"""Compares the importer's table of defaults with the schemas of the PyTorch that is installed.

    defaults.py

Every argument of a target that the importer knows, and whose name it reads, has to have the schema's default in the table, unless that
default is None, which is what an argument without an entry is taken for. Exits with 1 where one is missing or another.
"""

from __future__ import annotations

import pathlib
import re
import sys
from typing import Any

import torch

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "Sources/PinionImport/PT2"
#: What only says where a result lies or how it came about, and what a model that is not trained has no use for.
NOT_READ = {"layout", "device", "pin_memory", "non_blocking", "memory_format", "generator", "dtype", "requires_grad"}
#: Targets with an argument that shares its name with one that the importer reads, and is not read itself.
OTHERS = {"rrelu", "rrelu_with_noise_functional", "tensor", "index.str", "split.str", "requires_grad"}


def table() -> dict[str, dict[str, str]]:
    text = (SOURCES / "Defaults.swift").read_text().split('"""')[1]
    rows = (line.split() for line in text.splitlines() if line.strip())
    return {target: dict(word.split("=", 1) for word in words) for target, *words in rows}


def is_same(text: str, value: Any) -> bool:
    if isinstance(value, list) and not text.startswith("["):
        return text == "None" and not value or all(is_same(text, item) for item in value) and bool(value)
    if isinstance(value, bool) or value is None or isinstance(value, str | list):
        return text.strip("'") == str(value).replace(" ", "")
    return text not in ("None", "True", "False") and float(text) == float(value)


def main() -> int:
    words: set[str] = set()
    for path in SOURCES.rglob("*.swift"):
        if path.name != "Defaults.swift":
            words |= set(re.findall(r'"([A-Za-z0-9_.]+)"', path.read_text()))
    known = {word.split(".")[0] for word in words}
    entries = table()
    failures = []
    for schema in torch._C._jit_get_all_schemas():
        if not schema.name.startswith("aten::") or "out" in schema.overload_name:
            continue
        name = schema.name[6:]
        base = name if name.endswith("__") else name.rstrip("_")
        key = f"{name}.{schema.overload_name}" if schema.overload_name else name
        if base not in known or base in OTHERS or key in OTHERS:
            continue
        for argument in schema.arguments:
            if not argument.has_default_value() or argument.name not in words or argument.name in NOT_READ:
                continue
            text = entries.get(key, {}).get(argument.name, entries.get(base, {}).get(argument.name))
            if text is None and argument.default_value is not None or text is not None and not is_same(text, argument.default_value):
                failures.append(f"{key}: {argument.name} is {argument.default_value}, in the table {text}")
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
