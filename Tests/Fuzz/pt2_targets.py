"""Programs of torch.export's form that call any target the importer knows, with any arguments of the kinds that it asks for."""

from __future__ import annotations

import pathlib
import random
import re
from dataclasses import dataclass
from typing import Any

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "Sources/PinionImport/PT2"
TEXTS = ("none", "tanh", "constant", "reflect", "replicate", "circular", "linear", "nearest", "sum", "mean", "prod", "amax", "amin", "ij", "xy", "left", "right",
         "floor", "trunc", "ortho", "forward", "backward", "fro", "valid", "same", "ij,jk->ik", "...i,...j->...ij", "")  # fmt: skip
LARGE = (64, 4096, 65537, 1 << 20, (1 << 24) + 1, 1 << 31, -(1 << 31), (1 << 31) + 1, 1 << 40, (1 << 62) + 1, (1 << 63) - 1, -(1 << 63))
#: float32 more often than others.
DTYPES = (7,) * 12 + (5, 5, 5, 12, 12, 4, 8, 6, 13, 1, 2)


@dataclass
class Catalog:
    targets: list[str]
    #: What the importer asks of an argument: tensor, tensors, int, ints, number, float, floats, bool, string; and how often it is left out.
    arguments: dict[str, tuple[list[str], float]]


def catalog(only: str = "") -> Catalog:
    """The names of targets and arguments in the importer's sources.

    - only: a regular expression that the targets match.
    """
    kinds = {
        "tensor": "tensor", "handle": "tensor", "optionalTensor": "tensor", "tensors": "tensors", "optionalTensors": "tensors", "int": "int", "optionalInt": "int",
        "count": "int", "extent": "int", "optionalExtent": "int", "ints": "ints", "optionalInts": "ints", "extents": "ints", "optionalExtents": "ints",
        "number": "number", "optionalNumber": "number", "operand": "number", "float": "float", "optionalFloat": "float", "optionalFloats": "floats", "bool": "bool",
        "string": "string", "optionalString": "string"}  # fmt: skip
    targets: set[str] = set()
    asked: dict[str, list[str]] = {}
    for path in [*SOURCES.glob("*.swift"), *SOURCES.glob("Targets/*.swift")]:
        text = path.read_text()
        for kind, name in re.findall(r'\b(?:c|call)\.(\w+)\("(\w+)"', text):
            asked.setdefault(name, []).append(kind)
        if path.parent.name == "Targets" or path.stem in ("Aliasing", "Symbolic"):
            for case in re.findall(r'(?:case |== |^ *)((?:"[\w.]+"(?:,\s*)?)+)', text, flags=re.M):
                targets |= set(re.findall(r'"([\w.]+)"', case))
            targets |= set(re.findall(r'"(\w+)": "[A-Z]\w+"', text))
    arguments: dict[str, tuple[list[str], float]] = {}
    # What is written to comes first.
    for name in sorted(asked, key=lambda name: name not in ("self", "input")):
        needed = sum(kind in kinds and not kind.startswith("optional") for kind in asked[name])
        absence = 0.5 if not needed else 0.15 if needed < len(asked[name]) else 0.01
        if found := [kinds[kind] for kind in asked[name] if kind in kinds]:
            arguments[name] = (found, 0.01 if name in ("self", "input") else absence)
    # Names of ONNX's operators begin with capitals.
    return Catalog(sorted(target for target in targets if not target[0].isupper() and re.search(only, target)), arguments)


class Maker:
    def __init__(self, known: Catalog, choice: random.Random) -> None:
        self.known, self.choice = known, choice
        self.tensors: list[str] = []
        self.metas: dict[str, Any] = {}
        self.symbols: list[str] = []

    def number(self) -> int:
        return self.choice.choice(LARGE) if self.choice.random() < 0.06 else self.choice.choice((-2, -1, -1, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5))

    def meta(self, rank: int) -> dict[str, Any]:
        sizes: list[dict[str, Any]] = []
        for _ in range(rank):
            if self.choice.random() < 0.1:
                sizes.append({"as_expr": {"expr_str": "Symbol('s0', positive=True, integer=True)", "hint": {"as_int": 3}}})
            else:
                sizes.append({"as_int": abs(self.choice.choice(LARGE)) if self.choice.random() < 0.03 else self.choice.choice((0, 1, 1, 2, 2, 3, 3, 4, 5, 8))})
        strides: list[dict[str, Any]] = [{"as_int": 1}] * rank
        for axis in reversed(range(rank - 1)):
            strides[axis] = {"as_int": min(strides[axis + 1]["as_int"] * max(sizes[axis + 1].get("as_int", 3), 1), (1 << 63) - 1)}
        return {"dtype": self.choice.choice(DTYPES), "sizes": sizes, "strides": strides, "storage_offset": {"as_int": 0}, "layout": 7}

    def tensor(self, name: str, described: bool) -> None:
        self.tensors.append(name)
        if described:
            self.metas[name] = self.meta(self.choice.choice((0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6)))

    def argument(self, kind: str) -> dict[str, Any]:
        pick = self.choice.choice
        if kind == "number":
            kind = pick(("int", "float", "bool", "tensor", "tensor"))
        if kind == "float":
            kind = pick(("int", "float", "float"))
        if kind == "int" and self.symbols and self.choice.random() < 0.1:
            return {"as_sym_int": {"as_name": pick(self.symbols)}}
        if kind == "ints" and self.symbols and self.choice.random() < 0.1:
            return {"as_sym_ints": [{"as_name": pick(self.symbols)} if self.choice.random() < 0.5 else {"as_int": self.number()} for _ in range(self.choice.randrange(5))]}
        names = [{"name": pick(self.tensors)} for _ in range(self.choice.randrange(5))]
        arguments: dict[str, dict[str, Any]] = {
            "tensor": {"as_tensor": {"name": pick(self.tensors)}},
            "tensors": {"as_tensors": names} if self.choice.random() < 0.6 else {"as_optional_tensors": [{"as_tensor": n} if self.choice.random() < 0.7 else {"as_none": True} for n in names]},
            "int": {"as_int": self.number()},
            "ints": {"as_ints": [self.number() for _ in range(self.choice.randrange(5))]},
            "float": {"as_float": pick((0.0, 1.0, 0.5, 2.0, -1.0, 1e-5, 1e30, "Infinity", "NaN"))},
            "floats": {"as_floats": [pick((1.0, 2.0, 0.5, 1e30)) for _ in range(self.choice.randrange(4))]},
            "bool": {"as_bool": self.choice.random() < 0.5},
            "string": {"as_string": pick(TEXTS)},
        }
        return arguments[kind]

    def node(self, index: int) -> dict[str, Any]:
        inputs: list[dict[str, Any]] = []
        for name, (kinds, absence) in self.known.arguments.items():
            if self.choice.random() < absence:
                continue
            inputs.append({"name": name, "arg": self.argument(self.choice.choice(kinds)), "kind": 1})
        target = self.choice.choice(self.known.targets)
        if self.choice.random() < 0.1 and "." not in target:
            target += "_"
        if self.choice.random() < 0.15 and "." not in target:
            target += self.choice.choice((".dim", ".Tensor", ".other", ".vec", ".scalar", ".int", ".correction", ".self_int"))
        outputs: list[dict[str, Any]] = []
        names = [f"y{index}_{n}" for n in range(self.choice.choice((1, 1, 1, 2, 3, 4)))]
        if self.choice.random() < 0.15:
            outputs.append({"as_tensors": [{"name": name} for name in names]})
        else:
            outputs += [{"as_tensor": {"name": name}} for name in names]
        described = self.choice.random() < 0.6
        for name in names:
            self.tensor(name, described)
        prefix = "" if target.startswith(("torchvision.", "quantized_decomposed.", "transformers.")) else "aten."
        return {"target": f"torch.ops.{prefix}{target}", "inputs": inputs, "outputs": outputs, "metadata": {}, "name": names[0]}


def record(known: Catalog, choice: random.Random) -> dict[str, Any]:
    """A program as `record.archive` takes it."""
    maker = Maker(known, choice)
    inputs = [f"x{index}" for index in range(choice.choice((1, 2, 3, 4)))]
    for name in inputs:
        maker.tensor(name, True)
    nodes: list[dict[str, Any]] = []
    if choice.random() < 0.3:
        nodes.append(
            {
                "target": "torch.ops.aten.sym_size.int", "metadata": {}, "name": "n0", "outputs": [{"as_sym_int": {"as_name": "n0"}}],
                "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x0"}}, "kind": 1}, {"name": "dim", "arg": {"as_int": 0}, "kind": 1}],
            })  # fmt: skip
        maker.symbols.append("n0")
    if choice.random() < 0.15:
        parts = [{"name": name, "arg": {"as_tensor": {"name": choice.choice(inputs)}}, "kind": 1} for name in ("real", "imag")]
        nodes.append({"target": "torch.ops.aten.complex.default", "metadata": {}, "name": "c0", "outputs": [{"as_tensor": {"name": "c0"}}], "inputs": parts})
        maker.tensors += ["c0"] * len(inputs)
    nodes += [maker.node(index) for index in range(choice.choice((1, 1, 1, 2, 3)))]
    last = next(iter(nodes[-1]["outputs"][0].values()))
    output = {"as_tensor": last[0] if isinstance(last, list) else last}
    graph = {
        "inputs": [{"as_tensor": {"name": name}} for name in inputs], "outputs": [output], "nodes": nodes, "tensor_values": maker.metas,
        "sym_int_values": {}, "sym_bool_values": {}, "sym_float_values": {}, "custom_obj_values": {}, "is_single_tensor_return": False,
    }  # fmt: skip
    signature = {
        "input_specs": [{"user_input": {"arg": {"as_tensor": {"name": name}}}} for name in inputs], "output_specs": [{"user_output": {"arg": output}}]}  # fmt: skip
    program = {
        "graph_module": {"graph": graph, "signature": signature, "module_call_graph": []}, "range_constraints": {}, "schema_version": {"major": 8, "minor": 20},
        "verifiers": ["TRAINING"]}  # fmt: skip
    return {"program": program, "data": {}, "weights": {"config": {}}, "constants": {"config": {}}}
