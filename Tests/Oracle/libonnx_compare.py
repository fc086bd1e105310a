#!/usr/bin/env python3
"""Debian's libonnx as an oracle: libonnx_compare.py INFER [--known FILE] [--models FOLDER...] [--verbose]

Takes the cases of Tests/Conformance and the .onnx files in folders, as far as each of their operators had its form in the operator set that
libonnx knows (it is a release of 2022: IR version 8, ai.onnx 17, ai.onnx.ml 3); their versions are set to that. Of each

  types   what Pinion finds for the outputs, whose declared shapes are taken away, by Session.plan() is not at odds with the shapes that libonnx
          infers; nothing that libonnx finds is open where the plan says that it is complete
  saved   libonnx's checker takes the file that Pinion writes of the model, where it takes the model

INFER is the program of infer.cpp. A failure that the list of known ones does not have makes the exit status 1.
"""

from __future__ import annotations

import argparse
import collections
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "Conformance"))
import conformance  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402

import pinion  # noqa: E402

#: What libonnx 1.12 knows.
IR_VERSION, OPSETS = 8, {"": 17, "ai.onnx.ml": 3}


def nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                yield from nodes(inner)


def lowered(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """The model in versions that libonnx knows, or nothing where an operator has had another form since."""
    versions = {("" if opset.domain == "ai.onnx" else opset.domain): opset.version for opset in model.opset_import}
    if not versions.keys() <= OPSETS.keys() or model.functions:
        return None
    for node in nodes(model.graph):
        domain = "" if node.domain == "ai.onnx" else node.domain
        if domain not in OPSETS:
            return None
        try:
            schema = onnx.defs.get_schema(node.op_type, versions.get(domain, 1), domain)
        except onnx.defs.SchemaError:
            return None
        if schema.since_version > OPSETS[domain] or schema.deprecated:
            return None
    result = onnx.ModelProto()
    result.CopyFrom(model)
    result.ir_version = min(model.ir_version, IR_VERSION)
    del result.opset_import[:]
    result.opset_import.extend(onnx.helper.make_opsetid(domain, min(version, OPSETS[domain])) for domain, version in versions.items())
    return result


def with_extents(model: onnx.ModelProto, sets: list[Any]) -> None:
    """Declares the inputs with the extents that the first set of data has."""
    names = {initializer.name for initializer in model.graph.initializer}
    inputs = [info for info in model.graph.input if info.name not in names]
    for info, value in zip(inputs, sets[0][0] if sets else []):
        if isinstance(value, np.ndarray) and info.type.HasField("tensor_type"):
            info.type.tensor_type.shape.Clear()
            info.type.tensor_type.shape.dim.extend(onnx.TensorShapeProto.Dimension(dim_value=extent) for extent in value.shape)


def without_outputs(model: onnx.ModelProto) -> onnx.ModelProto:
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.value_info[:]
    for info in result.graph.output:
        if info.type.HasField("tensor_type"):
            info.type.tensor_type.ClearField("shape")
    return result


def ours(model: onnx.ModelProto) -> tuple[dict[str, str], bool] | str:
    """Types of the outputs in the form of infer.cpp and whether values decide none of them, or why there are none."""
    try:
        plan = pinion.Session(model.SerializeToString(), threads=1, optimization=0).plan()
    except pinion.Error as error:
        return str(error)
    types = {}
    for info in plan.outputs:
        if info.kind is pinion.Kind.TENSOR:
            extents = "..." if info.shape is None else ",".join("?" if extent is None else str(extent) for extent in info.shape)
            types[info.name] = f"{int(info.element_type)}[{extents}]"
    return types, plan.is_complete


def difference(own: str, theirs: str) -> str:
    """What is wrong with our type, if anything: `odds` or `open`."""
    (own_element, own_extents), (element, extents) = (text.rstrip("]").split("[") for text in (own, theirs))
    if own_element != element:
        return "odds"
    if extents == "...":
        return ""
    if own_extents == "...":
        return "open"
    left, right = ([] if text == "" else text.split(",") for text in (own_extents, extents))
    if len(left) != len(right) or any("?" not in pair and pair[0] != pair[1] for pair in zip(left, right)):
        return "odds"
    return "open" if any(pair[0] == "?" != pair[1] for pair in zip(left, right)) else ""


def asked(program: str, mode: str, paths: list[Path]) -> list[list[str]]:
    """Lines of the program; a file that ends it is left out, and said."""
    lines: list[list[str]] = []
    for start in range(0, len(paths), 100):
        part = paths[start : start + 100]
        done = subprocess.run([program, mode, *map(str, part)], capture_output=True, text=True)
        if done.returncode == 0:
            lines += [line.split("\t") for line in done.stdout.splitlines()]
            continue
        for path in part:
            done = subprocess.run([program, mode, str(path)], capture_output=True, text=True)
            if done.returncode == 0:
                lines += [line.split("\t") for line in done.stdout.splitlines()]
            else:
                print(f"libonnx ends with {done.returncode} on {path.stem}")
    return lines


def models(folders: list[str]) -> Iterator[tuple[str, onnx.ModelProto, list[Any]]]:
    for name, _, model, sets, _, _ in conformance.cases("."):
        yield name, model, sets
    for folder in folders:
        for path in sorted(Path(folder).rglob("*.onnx")):
            yield f"{Path(folder).name}/{path.relative_to(folder)}", onnx.load(path), []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("infer")
    parser.add_argument("--known")
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--verbose", action="store_true", help="also what libonnx refuses")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    known = conformance.read_known(options.known)
    counts: collections.Counter[str] = collections.Counter()
    failures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as work:
        names: dict[str, str] = {}
        found: dict[str, tuple[dict[str, str], bool]] = {}
        for number, (name, model, sets) in enumerate(models(options.models)):
            low = lowered(model)
            if low is None:
                counts["of other versions"] += 1
                continue
            stem = f"{number:05}"
            names[stem] = name
            onnx.save(low, f"{work}/{stem}.onnx")
            with_extents(low, sets)
            open_model = without_outputs(low)
            types = ours(open_model)
            if isinstance(types, str):
                counts["not planned"] += 1
                if options.verbose:
                    print(f"not planned: {name}: {types[:200]}")
            else:
                found[stem] = types
                onnx.save(open_model, f"{work}/{stem}.open")
            try:
                pinion.Model(low.SerializeToString()).save(f"{work}/{stem}.written")
            except pinion.Error:
                counts["not loaded"] += 1
                continue
            written = lowered(onnx.load(f"{work}/{stem}.written"))
            if written is None:
                counts["written in other versions"] += 1
            else:
                onnx.save(written, f"{work}/{stem}.saved")

        for path, output, text in asked(options.infer, "infer", sorted(Path(work).glob("*.open"))):
            stem = Path(path).stem
            if output == "":
                counts["not inferred by libonnx"] += 1
                if options.verbose:
                    print(f"not inferred: {names[stem]}: {text[:200]}")
                continue
            own, is_complete = found[stem][0].get(output), found[stem][1]
            if text == "" or own is None:
                counts["outputs of other kinds or unknown to libonnx"] += 1
                continue
            counts["outputs compared"] += 1
            what = difference(own, text)
            if what == "open" and not is_complete:
                counts["outputs of which libonnx knows more than a plan that values have to complete"] += 1
            elif what:
                failures[f"types {names[stem]}"] = f"{output}: {what}: {own}, libonnx {text}"

        takes = {Path(path).stem for path, text in asked(options.infer, "check", sorted(Path(work).glob("*.onnx"))) if text == "ok"}
        counts["models that the checker takes"] = len(takes)
        for path, text in asked(options.infer, "check", sorted(Path(work).glob("*.saved"))):
            stem = Path(path).stem
            if stem in takes:
                counts["written files checked"] += 1
                if text != "ok":
                    failures[f"saved {names[stem]}"] = text
    for what, count in counts.items():
        print(f"{count:6} {what}")
    unexpected = {name: text for name, text in failures.items() if not any(re.fullmatch(pattern, name) for pattern in known)}
    for name, text in unexpected.items():
        print(f"{name}: {text[:300]}")
    print(f"libonnx: {len(failures)} differences, {len(unexpected)} of them not in the list of known ones")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
