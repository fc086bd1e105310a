#!/usr/bin/env python3
"""What versions of ONNX's operator sets know, as the table in Sources/PinionAuthoring/ONNX/OperatorSets.swift.

    operator_sets.py [--check]

Prints the table by the schemas of the installed onnx; with --check fails where the file has another one. A line is an operator: its
domain where that is not ai.onnx, the version that it came with where that is after the base, its attributes, and the element types
that inputs or outputs admit only from a later version on. Versions of ai.onnx up to 21 are the base and not told apart.
"""

from __future__ import annotations

import collections
import re
import sys
from pathlib import Path

from onnx import defs

FILE = Path(__file__).parents[2] / "Sources/PinionAuthoring/ONNX/OperatorSets.swift"
BASE = {"": 21, "ai.onnx.ml": 1, "ai.onnx.preview.training": 1}
NAMES = {"float": "float32", "double": "float64"}


def element_types(schema):
    found = set()
    for operand in [*schema.inputs, *schema.outputs]:
        for text in operand.types:
            for name in re.findall(r"tensor\((\w+)\)", text):
                found.add(NAMES.get(name, name))
    return found


def lines():
    history = collections.defaultdict(list)
    for schema in defs.get_all_schemas_with_history():
        if schema.domain in BASE:
            history[schema.domain, schema.name].append(schema)
    for (domain, name), schemas in sorted(history.items()):
        schemas.sort(key=lambda schema: schema.since_version)
        base = BASE[domain]
        newest = schemas[-1]
        if newest.deprecated:
            schemas = [schema for schema in schemas if not schema.deprecated]
            if domain != "ai.onnx.ml":
                continue
            newest = schemas[-1]

        def since(found, schemas=schemas):
            return next(schema.since_version for schema in schemas if found(schema))

        def at(version, base=base):
            return f"@{version}" if version > base else ""

        attributes = [a + at(since(lambda schema, a=a: a in schema.attributes)) for a in sorted(newest.attributes)]
        types = []
        for element in sorted(element_types(newest)):
            version = since(lambda schema, element=element: element in element_types(schema))
            if version > max(base, schemas[0].since_version) and not element.startswith("float6"):
                types.append(f"{element}@{version}")
        yield f"{domain + '::' if domain else ''}{name}{at(schemas[0].since_version)}|{' '.join(attributes)}|{' '.join(types)}"


def main():
    table = "\n".join("    " + line for line in lines())
    if sys.argv[1:] != ["--check"]:
        print(table)
        return 0
    if table in FILE.read_text():
        print(f"operator sets: ok ({table.count(chr(10)) + 1} operators)")
        return 0
    print(f"{FILE} has another table than the installed onnx; put in what {sys.argv[0]} prints")
    return 1


sys.exit(main())
